"""What the screens tell of a refund: what can be done about it, and what was just done."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciler.books import refund_words
from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.refund_routes import Route, has_stopped
from reconciler.reads import screens_refunds
from reconciler.reads.refunds import LegRow, RefundRow
from reconciler.reads.screens_refunds import RefundCard
from reconciler.web.admin import plain_words, words
from reconciler.web.admin.desk import Desk
from reconciler.web.admin.routes import Deed


@dataclass(frozen=True, slots=True)
class Ways:
    """What can be done with what did not arrive, each as the amount it is about, in minor units.

    `by_hand` waits to be paid by people; `waiting` for any decision of people, and can be called
    off; `is_mine`: whoever looks chose that way and cannot pay it. `is_closed`: all of it was sent
    to cards that take nothing any more, so another way comes first.
    """

    retry: int
    another: int
    keep: int
    by_hand: int
    waiting: int
    is_mine: bool
    is_closed: bool = False

    @property
    def are_any(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.retry or self.another or self.keep or self.by_hand)


def ways(desk: Desk, card: RefundCard) -> Ways:
    """What whoever looks can do with what did not arrive of it."""
    legs = card.refund.legs
    by_hand = [leg for leg in legs if leg.status == "manual" and leg.is_for_people]
    stopped = [leg for leg in legs if has_stopped(leg.status, leg.route, leg.rail_refund_id)]
    on_a_rail = [leg for leg in stopped if leg.rail != MANUAL_RAIL]
    return Ways(
        retry=sum(leg.amount for leg in on_a_rail if leg.status != "canceled"),
        another=sum(leg.amount for leg in on_a_rail),
        keep=sum(leg.amount for leg in stopped) if card.refund.customer_id else 0,
        by_hand=sum(leg.amount for leg in by_hand),
        waiting=sum(leg.amount for leg in legs if leg.status == "manual"),
        is_closed=all(refund_words.is_closed(leg.failure) for leg in on_a_rail)
        if on_a_rail
        else False,
        is_mine=any(leg.routed_by == desk.person.id for leg in by_hand),
    )


def waits_since(refund: RefundRow) -> datetime | None:
    """When the first part that still has not arrived failed, or came to people."""
    stuck = {leg.id: leg.status for leg in refund.legs if leg.status in {"failed", "manual"}}
    since = {
        step.leg_id: step.at for step in refund.steps if step.after == stuck.get(step.leg_id or "")
    }
    return min(since.values(), default=None)


def sending(leg: LegRow) -> str:
    """How often a part was sent, or what it waits for; nothing of what no rail is to carry."""
    if leg.attempts:
        return f"Sent {words.counted(leg.attempts, 'time')}"
    if leg.rail == MANUAL_RAIL or leg.route != Route.RAIL or leg.rail_refund_id:
        return ""
    return _UNSENT.get(leg.status, "Never sent")


_UNSENT = {
    "requested": "Goes out once it is approved",
    "approved": "Goes out by itself within a minute",
}


def whose(card: RefundCard) -> str:
    """Whom the money goes to: the customer, or whoever paid."""
    payers = {card.payments[leg.payment_id].who for leg in card.refund.legs}
    return card.around.customer or " and ".join(sorted(payers)) or "the payer"


def named(card: RefundCard, amount: int | None = None) -> str:
    """`$60.00 of INV-12 to Ada Birch`, of all of it unless a part is meant."""
    refund, around = card.refund, card.around
    much = words.shown(refund.amount if amount is None else amount, refund.currency)
    document = around.number or around.code
    return f"{much}{f' of {document}' if document else ''} to {whose(card)}"


def confirming(desk: Desk, kind: str, refund_id: str, form: Mapping[str, str]) -> Deed | None:
    """What is about to be done with a refund, for the page that asks who does it."""
    with desk.runtime.read() as session:
        found = screens_refunds.some(session, [refund_id])
    if not found:
        return None
    card = found[0]
    can = ways(desk, card)
    about = {
        "retry": ("send {} again", can.retry),
        "settle": ("record that {} was paid back by hand", can.by_hand),
        "another": ("pay {} another way", can.another),
        "keep": ("keep {} here instead of paying it back", can.keep),
    }
    text, amount = about.get(kind, ("refund {}", card.refund.amount))
    return Deed(
        text.format(named(card, amount or card.refund.amount)),
        [*_facts(card), *_typed(form)],
    )


def _facts(card: RefundCard) -> list[tuple[str, str]]:
    refund, around = card.refund, card.around
    parts = [(leg.amount, card.payments[leg.payment_id]) for leg in refund.legs]
    ways_back = [
        f"{words.shown(amount, p.currency)} of the {words.shown(p.captured, p.currency)} that"
        f" {p.who} paid on {words.day(p.occurred_at.date())}: {p.method or words.rail_name(p.rail)}"
        for amount, p in parts
    ]
    note = f": {refund.note}" if refund.note else ""
    careful = words.with_signs(refund.balance_warning or "")
    return [
        *([("Careful", careful)] if careful else []),
        ("Out of", "; ".join(ways_back)),
        ("Why", f"{words.REASONS[refund.reason]}{note}"),
        ("Asked by", f"{around.asked_by}, {words.moment(refund.requested_at)}"),
    ]


TYPED_CHARS_MAX = 200
_TYPED = {
    "reference": "How it was paid back",
    "paid_on": "It left on",
    "method": "How",
    "kept_as": "It becomes",
    "consent": "Who agreed, and how",
}


def _typed(form: Mapping[str, str]) -> list[tuple[str, str]]:
    """What was said in the form that is carried on, in its own words."""
    known = {**words.METHODS, **words.KEPT}
    return [
        (label, known.get(form[name], form[name])[:TYPED_CHARS_MAX])
        for name, label in _TYPED.items()
        if form.get(name)
    ]


def done(card: RefundCard, did: str) -> str:
    """What was just done, in words; nothing for what is no deed of these pages."""
    if did == "approve" and any(leg.is_for_people for leg in card.refund.legs):
        return BY_HAND_NOW
    if did == "approve" and card.refund.status == "approved" and card.refund.balance_warning:
        return f"Approved. {plain_words.plain(card.refund.next_step)}"
    return DONE_WORDS.get(did, "")


BY_HAND_NOW = "Approved: it waits until it is paid by hand, and somebody records how."
# What was just done, said on the page that it leads to.
DONE_WORDS = {
    "asked": "Asked for: somebody else approves it before any money moves.",
    "approve": "Approved: it goes out by itself within a minute.",
    "decline": "Declined: nothing is refunded, and who asked reads why here.",
    "cancel": "Called off: nothing of it is on its way.",
    "retry": "It is tried again: the payment provider is asked first whether it went after all.",
    "settle": "Recorded: it was paid back by hand.",
    "another": "It goes another way: a different person pays it and records how.",
    "keep": "Kept for the customer: no money leaves.",
}
