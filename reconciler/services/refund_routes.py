"""A refund that its rail could not carry out goes another way, or the money stays by agreement.

Before that the leg is closed on its rail for ever (books/refund_routes.py says when that is so)
and replaced by one that people settle. The rail was asked just before this transaction; what it
showed is `looked`, by leg.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import Session, col, select

from reconciler.books import refund_routes as routes, refunds as rules, texts
from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.observations import RefundStage
from reconciler.books.receipts import KEPT_FROM, ReceiptSource
from reconciler.books.refund_routes import Keep, Method, Route, Standing
from reconciler.books.refund_sending import Look, Looked
from reconciler.books.refunds import PlannedLeg, RefundStatus
from reconciler.errors import Conflict, Invalid, Refused
from reconciler.money import shown
from reconciler.services import (
    audit,
    deposits,
    receipts,
    refund_by_hand,
    refund_legs,
    refund_requests,
)
from reconciler.services.deposits import NewDeposit
from reconciler.services.receipts import Receipt
from reconciler.services.refund_legs import Whole
from reconciler.services.refund_requests import Elsewhere
from reconciler.services.refund_sending import Lease, Turn
from reconciler.store import claims, payment_rows
from reconciler.store.claims import PaymentRow
from reconciler.store.refunds import Refund, RefundAttempt, RefundLeg
from reconciler.work import Work

_NOT_LOOKED = Looked(Look.UNANSWERED, totals_agree=False)

Looks = Mapping[str, Looked]


@dataclass(frozen=True, slots=True)
class _Held:
    """A refund and its payments, locked."""

    whole: Whole
    rows: dict[str, PaymentRow]

    def is_by_hand(self, leg: RefundLeg) -> bool:
        """Whether its payment was received by hand."""
        return self.rows[leg.payment_id].facts.rail == MANUAL_RAIL


def given_up(session: Session, refund_id: str) -> list[Turn]:
    """The legs of a refund that failed or were given up, as they are to be looked for once more.

    Only to look: nobody holds a lease on them, and nothing can be sent with what this gives.
    """
    asked = (
        select(RefundLeg, Refund)
        .join(Refund, col(Refund.id) == col(RefundLeg.refund_id))
        .where(
            RefundLeg.refund_id == refund_id,
            RefundLeg.route == Route.RAIL.value,
            col(RefundLeg.replaced_by).is_(None),
            col(RefundLeg.status).in_([RefundStatus.FAILED.value, RefundStatus.MANUAL.value]),
        )
        .order_by(col(RefundLeg.id))
    )
    found = session.exec(asked).all()
    facts = payment_rows.facts_of(session, {leg.payment_id for leg, _ in found})
    return [
        Turn(
            lease=Lease(leg.id, refund_id, leg.payment_id, token=""),
            facts=facts[leg.payment_id],
            amount=leg.amount,
            currency=refund.currency,
            reason=refund.reason,
            reference=leg.reference,
            key=rules.idempotency_key(leg.id, leg.generation),
            generation=leg.generation,
        )
        for leg, refund in found
    ]


def pay_another_way(
    work: Work, refund_id: str, looked: Looks, *, method: str, rev: int | None = None
) -> None:
    """What its rail could not give back waits from now on for people, who pay it by `method`.

    Somebody else than who calls this pays it and says how (refund_by_hand.settle_by_hand). Raises
    Invalid for an unknown method, Conflict where the rail may still pay, and Refused for more
    than the payment has left.
    """
    if method not in set(Method):
        raise Invalid(f"method is one of {', '.join(Method)}", field="method")
    held = _hold(work, refund_id, rev)
    elsewhere = Elsewhere(Route.HAND, method, work.cause.id)
    given_up = [leg for leg in _given_up(held) if not held.is_by_hand(leg)]
    legs = [_replace(work, held, leg, elsewhere) for leg in _closed(work, held, given_up, looked)]
    refund_legs.follow_legs(work, held.whole)
    after = {"method": method, "amount": sum(leg.amount for leg in legs)}
    audit.note(work, "refund.sent_another_way", refund_id, after=after)


def keep(
    work: Work, refund_id: str, looked: Looks, *, kept_as: str, consent: str, rev: int | None = None
) -> str:
    """The money stays here as credit or as a deposit of the customer, who agreed to that.

    The refund is booked as given back by hand and the same amount as received by hand, so that
    what it does to invoices is done as it was asked for. `consent` says who agreed, and how. Gives
    the id of the payment or deposit that holds it. Raises as `pay_another_way` does, and Refused
    for a refund whose customer nobody knows.
    """
    if kept_as not in set(Keep):
        raise Invalid(f"kept as is one of {', '.join(Keep)}", field="kept_as")
    said = texts.words(consent, field="consent", chars_max=refund_by_hand.REFERENCE_CHARS_MAX)
    if not said:
        raise Invalid("say who agreed that the money stays, and how", field="consent")
    held = _hold(work, refund_id, rev)
    refund = held.whole.refund
    if refund.customer_id is None:
        raise Refused("nobody knows whose money this is; name the customer first", field="kept_as")
    elsewhere = Elsewhere(Route.KEPT, kept_as, work.cause.id)
    legs = [
        _replace(work, held, leg, elsewhere) for leg in _closed(work, held, _given_up(held), looked)
    ]
    refund_legs.follow_legs(work, held.whole)
    refund_by_hand.book(work, legs, held.rows, reference=said)
    amount = sum(leg.amount for leg in legs)
    receipt = Receipt(
        ReceiptSource.OTHER.value,
        work.now.date(),
        amount,
        reference=f"{KEPT_FROM}{refund.id}: {said}",
    )
    after: dict[str, object] = {"kept_as": kept_as, "amount": amount}
    if kept_as == Keep.CREDIT:
        credit = receipts.hold(work, refund.customer_id, refund.currency, receipt)
        audit.note(work, "refund.kept", refund_id, after=after | {"credit": credit}, why=said)
        return credit
    audit.note(work, "refund.kept", refund_id, after=after, why=said)
    expected = NewDeposit(
        customer_id=refund.customer_id,
        currency=refund.currency,
        amount=amount,
        notes=f"Kept from refund {refund.id}: {said}",
    )
    deposit_id = deposits.create(work, expected)
    receipts.receive(work, deposit_id, receipt)
    return deposit_id


def _hold(work: Work, refund_id: str, rev: int | None) -> _Held:
    rows = claims.lock_payments(work.session, refund_legs.payments_of(work, refund_id))
    whole = refund_legs.lock_one(work, refund_id, rev=rev)
    if whole.refund.approved_at is None:
        raise Conflict(f"the refund is {whole.status.value}; nothing of it was let go yet")
    return _Held(whole, rows)


def _given_up(held: _Held) -> list[RefundLeg]:
    """The legs that did not arrive and that no other way is open for yet."""
    return [
        leg
        for leg in held.whole.live
        if routes.has_stopped(leg.status, leg.route, leg.rail_refund_id)
    ]


def _closed(work: Work, held: _Held, given_up: list[RefundLeg], looked: Looks) -> list[RefundLeg]:
    """These legs, each proved never to be paid by its rail. Raises Conflict."""
    if not given_up:
        raise Conflict(f"the refund is {held.whole.status.value}; no part of it needs another way")
    for leg in given_up:
        if held.is_by_hand(leg):
            continue  # no rail could pay it: it only waits for a hand
        why = routes.why_open(_standing(work, held.rows[leg.payment_id], leg, looked))
        if why is not None:
            raise Conflict(f"{shown(leg.amount, held.whole.refund.currency)} of it: {why}")
    return given_up


def _standing(work: Work, row: PaymentRow, leg: RefundLeg, looked: Looks) -> Standing:
    fact = next((f for f in row.facts.refunds.values() if f.reference == leg.reference), None)
    attempts = work.session.exec(
        select(RefundAttempt)
        .where(RefundAttempt.leg_id == leg.id)
        .order_by(col(RefundAttempt.generation))
    ).all()
    sent = [attempt.last_sent_at for attempt in attempts if attempt.last_sent_at]
    look = looked.get(leg.id, _NOT_LOOKED)
    return Standing(
        status=RefundStatus(leg.status),
        shown=RefundStage(fact.stage) if fact else None,
        look=look.look,
        quiet=work.now - max(sent) if sent else None,
        was_refused=bool(attempts) and attempts[-1].is_refused,
        totals_agree=look.totals_agree,
    )


def _replace(work: Work, held: _Held, leg: RefundLeg, elsewhere: Elsewhere) -> RefundLeg:
    """Close a leg for ever, and put one in its place that waits for a person."""
    whole, row = held.whole, held.rows[leg.payment_id]
    if leg.status == RefundStatus.MANUAL.value:
        refund_legs.move(work, leg, RefundStatus.CANCELED, why="closed here: it goes another way")
    number = len(whole.legs) + 1
    leg.replaced_by = rules.reference(whole.refund.id, number)
    work.session.add(leg)
    work.session.flush()
    others = [h.reserved for h in refund_legs.held_on(work, [row.id]) if h.id != leg.id]
    left = rules.refundable(row.facts, others)
    if leg.amount > left:
        currency = whole.refund.currency
        raise Refused(
            f"only {shown(left, currency)} of {shown(leg.amount, currency)} is still there to be "
            "given back; call this refund off and ask for that",
            field="amount",
        )
    plan = PlannedLeg(leg.payment_id, leg.target_id, leg.amount)
    new = refund_requests.add_leg(work, whole.refund, plan, number, elsewhere)
    whole.legs.append(new)
    refund_legs.move(work, new, RefundStatus.MANUAL, why=_WAITS_FOR[elsewhere.route])
    return new


_WAITS_FOR = {
    Route.HAND: "it cannot go back the way it was paid: a second person pays it another way",
    Route.KEPT: "the customer agreed that the money stays",
}
