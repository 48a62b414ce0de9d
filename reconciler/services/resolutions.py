"""A person or program answers a question: the only caller of many services.

The payment is held before the question, as everywhere; the question is closed before the answer
is carried out, so that what is left open afterwards is asked anew and not lost.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from reconciler.books import texts
from reconciler.books.allocations import REFUND_TREATMENTS, Treatment
from reconciler.books.consent import RefundPolicy
from reconciler.books.disputes import Decision
from reconciler.books.refunds import RefundReason
from reconciler.books.reviews import ACTIONS, ANSWERED, ReviewKind
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.services import (
    allocations,
    audit,
    disputes,
    inbox,
    refund_decisions,
    refund_legs,
    refunds,
    reviews,
)
from reconciler.services.allocations import Part
from reconciler.services.refund_decisions import Decided
from reconciler.services.refunds import RefundAsk
from reconciler.services.reviews import Question
from reconciler.store import claims
from reconciler.store.claims import PaymentRow
from reconciler.work import Work

NOTE_CHARS_MAX = 2_000
_ITEM = sa.text(
    """select id, kind, state, subject, payment_id, refund_id, event_seq, amount, currency, details,
      resolved_at, resolution from review_item where id = :id"""
)
_ASKED_SINCE = sa.text(
    """select 1 from review_item r join review_item n on n.kind = r.kind and n.subject = r.subject
    where r.id = :id and n.id <> r.id
      and (n.state = 'open' or n.resolved_at > r.resolved_at) limit 1"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What is to be done about a question.

    `match` reads `parts`; so does `split`, with `treatment`; `refund` reads `amount`, `reason`,
    `note` and `treatment`; `paid_back` reads `reference`; `answered` reads `answered_on`, the day,
    which is today where it is left out; every action keeps `note`.
    """

    action: str
    parts: tuple[Part, ...] = ()
    amount: int | None = None
    reason: str | None = None
    treatment: str | None = None
    reference: str | None = None
    answered_on: date | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class _Item:
    id: str
    kind: str
    state: str
    subject: str
    payment_id: str | None
    refund_id: str | None
    event_seq: int | None
    amount: int | None
    currency: str | None
    details: dict[str, Any]
    resolved_at: datetime | None
    resolution: str | None


def resolve(
    work: Work,
    item_id: str,
    resolution: Resolution,
    policy: RefundPolicy,
    *,
    rev: int | None = None,
) -> None:
    """Carry out the answer and close the question.

    Raises NotFound, Conflict if somebody answered first, Refused for an action that this kind of
    question does not take, and whatever the action itself refuses.
    """
    item = _item(work, item_id)
    if item.state != "open":
        raise Conflict(f"review item {item_id} is resolved already")
    possible = ACTIONS[ReviewKind(item.kind)]
    if resolution.action not in possible:
        raise Refused(f"an item of kind {item.kind} takes {', '.join(possible)}", field="action")
    note = texts.words(resolution.note or "", field="note", chars_max=NOTE_CHARS_MAX)
    if resolution.action == ANSWERED:
        note = _on_the_day(work, resolution.answered_on, note)
    _hold(work, item)
    item = _item(work, item_id)  # as it is now that the payment is held
    said = f"{resolution.action}: {note}" if note else resolution.action
    reviews.resolve_item(work, item_id, resolution=said, rev=rev)
    after = {"kind": item.kind, "about": item.subject, "action": resolution.action}
    audit.note(work, "review_item.resolved", item_id, after=after, why=note or None)
    if resolution.action == "refund":
        _refund(work, item, resolution, policy)
    else:
        _DEEDS[resolution.action](work, item, resolution)


def _on_the_day(work: Work, day: date | None, note: str) -> str:
    """The note of an answer, with the day on which it was given."""
    today = work.now.date()
    if day is not None and day > today:
        raise Invalid("the day is still to come", field="answered_on")
    said = f"on {day or today:%-d %b %Y}"
    return f"{said}: {note}" if note else said


def undo(work: Work, item_id: str) -> None:
    """Take back what a refund made outside, a loss or a dispute was answered with, and ask again.

    Raises NotFound, and Conflict where what this question was answered with does not stand, be it
    taken back or decided otherwise since.
    """
    item = _item(work, item_id)
    if item.resolution is not None and item.resolution.startswith(ANSWERED):
        _ask_for_an_answer(work, item)
        return
    if item.kind == ReviewKind.DISPUTE and item.state != "open":
        held = _held_payment(work, item)
        disputes.take_back(work, held, item.subject, answered_at=item.resolved_at)
        return
    if item.kind != ReviewKind.EXTERNAL_REFUND or item.state == "open" or not item.payment_id:
        raise Conflict("there is no decision here that could be taken back")
    refund_decisions.take_back(work, item.payment_id, item.subject, item_id=item_id)
    _ask_again(work, item)
    audit.note(work, "review_item.decision_taken_back", item_id, before={"refund": item.subject})


def _ask_for_an_answer(work: Work, item: _Item) -> None:
    held = _held_payment(work, item)
    if not disputes.waits_for_us(held, item.subject):
        raise Conflict("the bank has the answer by now, or has decided: there is no more to answer")
    if work.session.scalar(_ASKED_SINCE, {"id": item.id}):
        raise Conflict("it was asked again since: look at what is asked now")
    _ask_again(work, item)
    audit.note(work, "review_item.decision_taken_back", item.id, before={"dispute": item.subject})


def _ask_again(work: Work, item: _Item) -> None:
    question = Question(
        kind=ReviewKind(item.kind),
        subject=item.subject,
        payment_id=item.payment_id,
        amount=item.amount,
        currency=item.currency,
        # Other words than before: the same ones would not be asked a second time.
        details={**item.details, "taken_back": f"{work.now:%Y-%m-%dT%H:%M:%SZ}"},
    )
    reviews.open_items(work, [question])


def _item(work: Work, item_id: str) -> _Item:
    row = work.session.execute(_ITEM, {"id": item_id}).first()
    if row is None:
        raise NotFound(f"there is no review item {item_id}")
    return _Item(*row)


def _hold(work: Work, item: _Item) -> None:
    held = {item.payment_id} if item.payment_id else set()
    if item.refund_id:
        held |= set(refund_legs.payments_of(work, item.refund_id))
    claims.lock_payments(work.session, held)


def _match(work: Work, item: _Item, resolution: Resolution) -> None:
    assert item.payment_id, f"{item.id} asks about no payment"
    allocations.allocate(work, item.payment_id, resolution.parts)


def _refund(work: Work, item: _Item, resolution: Resolution, policy: RefundPolicy) -> None:
    is_excess = item.kind == ReviewKind.OVERPAYMENT
    ask = RefundAsk(
        reason=resolution.reason or (RefundReason.OVERPAYMENT if is_excess else RefundReason.OTHER),
        payment_id=item.payment_id,
        amount=resolution.amount or item.amount,
        note=resolution.note,
        treatment=resolution.treatment,
    )
    refunds.request(work, ask, policy)


def _credit(work: Work, item: _Item, resolution: Resolution) -> None:
    if item.kind == ReviewKind.DISPUTE:
        _decide_loss(work, item, resolution)
    else:
        _decide(work, item, Decided(Treatment.CREDIT))


def _reopen(work: Work, item: _Item, _: Resolution) -> None:
    _decide(work, item, Decided(Treatment.REOPEN))


def _split(work: Work, item: _Item, resolution: Resolution) -> None:
    if not resolution.parts:
        raise Invalid("say how much it took from which invoice or deposit", field="allocations")
    if resolution.treatment not in REFUND_TREATMENTS:
        raise Invalid(f"treatment is one of {', '.join(REFUND_TREATMENTS)}", field="treatment")
    parts = tuple((part.target, part.amount or 0) for part in resolution.parts)
    if any(not target or amount <= 0 for target, amount in parts) or len(dict(parts)) < len(parts):
        raise Invalid("each part names one invoice or deposit, and its amount", field="allocations")
    _decide(work, item, Decided(Treatment(resolution.treatment), parts))


def _decide(work: Work, item: _Item, decided: Decided) -> None:
    if item.payment_id is None:
        raise Refused("this question is about no payment of ours")
    refund_decisions.decide(work, item.payment_id, item.subject, decided, item_id=item.id)


def _retry(work: Work, item: _Item, _: Resolution) -> None:
    refunds.retry(work, _refund_of(item))


def _paid_back(work: Work, item: _Item, resolution: Resolution) -> None:
    if not resolution.reference:
        raise Invalid("say how it was paid back", field="reference")
    refunds.settle_by_hand(work, _refund_of(item), reference=resolution.reference)


def _replay(work: Work, item: _Item, _: Resolution) -> None:
    inbox.replay(work, [str(item.event_seq)])


def _decide_loss(work: Work, item: _Item, resolution: Resolution) -> None:
    row = _held_payment(work, item)
    decision = Decision(resolution.action)
    disputes.decide_for(work, row, item.subject, decision, note=resolution.note or "")


def _acknowledge(work: Work, item: _Item, _: Resolution) -> None:
    """It is enough that a person has seen it; but a loss stands open until it is decided."""
    if item.kind != ReviewKind.DISPUTE or item.payment_id is None:
        return
    if disputes.is_undecided(work, _held_payment(work, item), item.subject):
        raise Refused(
            "the dispute is lost: choose whether to chase, write_off or credit it", field="action"
        )


def _answered(work: Work, item: _Item, _: Resolution) -> None:
    """It is the bank's turn; news of the dispute asks again by itself."""
    if not disputes.waits_for_us(_held_payment(work, item), item.subject):
        raise Refused("the bank waits for no answer to this", field="action")


def _held_payment(work: Work, item: _Item) -> PaymentRow:
    if item.payment_id is None:
        raise Refused("this question is about no payment of ours")
    return claims.lock_payments(work.session, [item.payment_id])[item.payment_id]


def _refund_of(item: _Item) -> str:
    if item.refund_id is None:
        raise Refused("this was not asked for here, so there is no refund of ours to move")
    return item.refund_id


_DEEDS: Mapping[str, Callable[[Work, _Item, Resolution], None]] = {
    "match": _match,
    "credit": _credit,
    "reopen": _reopen,
    "split": _split,
    "retry": _retry,
    "paid_back": _paid_back,
    "replay": _replay,
    "chase": _decide_loss,
    "write_off": _decide_loss,
    ANSWERED: _answered,
    "acknowledge": _acknowledge,
}
