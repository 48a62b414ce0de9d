"""What comes next in a queue after something of it was done, and how many are left in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import url_for

from reconciler.reads import disputes, review_queue, screens_refunds, screens_unmatched
from reconciler.reads.pages import Session
from reconciler.reads.refunds import RefundRow
from reconciler.reads.review_queue import ReviewRow
from reconciler.reads.screens_refunds import WantedRefunds
from reconciler.web.admin import queue_views, refund_told, words
from reconciler.web.admin.desk import Desk
from reconciler.web.admin.question_groups import TITLES


@dataclass(frozen=True, slots=True)
class NextUp:
    """The next thing of a queue, named by `text`, at `href`; none where `left` is 0.

    `all_of_it` is where the whole queue is.
    """

    left: int
    all_of_it: str
    text: str = ""
    href: str = ""


def of_questions(
    session: Session, item: ReviewRow, queues: Sequence[tuple[dict[str, object], str]]
) -> NextUp | None:
    """The question that comes after this one in the first of `queues` that holds another.

    Each is the filters that let its questions through, and where all of it is. None where this
    one itself is all that is open, because its answer was taken back.
    """
    is_open = item.state == "open"
    for filters, all_of_it in queues:
        found = review_queue.following(session, filters, item.id)
        if found:
            href = url_for("admin.show_question", item_id=found.id)
            left = review_queue.number(session, filters) - int(is_open)
            return NextUp(left, all_of_it, told(found), href)
    return None if is_open else NextUp(0, queues[0][1])


def told(item: ReviewRow) -> str:
    """A question in a few words, with its money."""
    if item.amount is None or not item.currency:
        return TITLES[item.kind]
    return f"{TITLES[item.kind]}, {words.shown(item.amount, item.currency)}"


def of_losses(desk: Desk, session: Session, dispute_id: str) -> NextUp | None:
    """The dispute that waits for a person next, the nearest day first.

    None where this one itself is all that waits, because what was decided was taken back. What is
    put off or closed with a note waits for nobody, as the menu counts.
    """
    waiting = [one for one in disputes.waiting(session, now=desk.now) if one.review_item_id]
    away = disputes.snoozed(session, [one.id for one in waiting], desk.today)
    others = [one for one in waiting if one.id != dispute_id and one.id not in away]
    all_of_it = url_for("admin.list_disputes")
    if not others:
        return None if waiting else NextUp(0, all_of_it)
    first = others[0]
    whose = first.customer or "A payer"
    text = f"{whose}, {words.shown(first.amount, first.currency)}"
    href = url_for("admin.show_dispute", dispute_id=first.id)
    return NextUp(len(others), all_of_it, text, href)


def of_payments(desk: Desk, session: Session, payment_id: str) -> NextUp | None:
    """The payment that waits after this one; None where this one never waited."""
    item = screens_unmatched.of_payment(session, payment_id)
    if item is None:
        return None
    following = queue_views.following(desk, session, item)
    all_of_it = url_for("admin.list_unmatched")
    if following is None:
        return NextUp(0, all_of_it)
    paid = following.payment
    return NextUp(
        queue_views.number(queue_views.sums(desk, session), "all") or 1,
        all_of_it,
        f"{paid.who}, {words.shown(paid.unapplied, paid.currency)}",
        url_for("admin.show_unmatched", payment_id=paid.id),
    )


def of_refunds(
    session: Session, wanted: WantedRefunds, refund: RefundRow, *, tab: str, left: int
) -> NextUp:
    """The refund that comes after this one on its tab, of which `left` are there."""
    all_of_it = url_for("admin.list_refunds", tab=tab)
    for before in ((refund.requested_at, refund.id), None):
        cards = screens_refunds.cards(session, wanted, before=before, limit=2)
        others = [card for card in cards if card.refund.id != refund.id]
        if others:
            href = url_for("admin.show_refund", refund_id=others[0].refund.id)
            return NextUp(max(left, 1), all_of_it, refund_told.named(others[0]), href)
    return NextUp(0, all_of_it)
