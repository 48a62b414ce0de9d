"""Money that was received by hand is given back by hand: a person says that it was.

So is what a rail could not give back (refund_routes.py). It is booked as any other refund is, by a
sighting of it.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time

from reconciler.books import texts
from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.observations import PaymentFacts, RefundFact, RefundStage
from reconciler.books.refund_routes import FROM_BANK, Route
from reconciler.books.refunds import RefundStatus
from reconciler.errors import Conflict, Forbidden, Invalid
from reconciler.services import audit, payments, refund_consent, refund_legs
from reconciler.services.refund_legs import Whole
from reconciler.store import claims
from reconciler.store.claims import PaymentRow
from reconciler.store.refunds import RefundLeg
from reconciler.timestamps import from_epoch, to_epoch
from reconciler.work import Work

REFERENCE_CHARS_MAX = 200


def settle_by_hand(
    work: Work,
    refund_id: str,
    *,
    reference: str,
    paid_on: date | None = None,
    rev: int | None = None,
) -> None:
    """Book a refund as paid back by hand; `reference` says how (cheque 17, transfer of Monday).

    It counts on `paid_on`, the day on which the money left; today where nothing is said. Raises
    Invalid for a day that is to come or before the money itself, Conflict where nothing waits for
    that, and Forbidden for who asked for the refund if it needs a second person. What a rail
    brought is paid another way by two people always: who chose the way does not pay, and a program
    never does.
    """
    rows = claims.lock_payments(work.session, refund_legs.payments_of(work, refund_id))
    whole = refund_legs.lock_one(work, refund_id, rev=rev)
    legs = [leg for leg in whole.live if _waits_for_a_hand(leg, rows)]
    _may_settle(work, whole, legs)
    book(work, legs, rows, reference=reference, paid_on=_judged(work, paid_on, legs, rows))
    paid: dict[str, object] = {
        "reference": reference.strip(), "amount": sum(leg.amount for leg in legs),
    }  # fmt: skip
    if paid_on is not None:
        paid["paid_on"] = paid_on
    audit.note(work, "refund.paid_back", refund_id, after=paid)


def _judged(
    work: Work, paid_on: date | None, legs: Sequence[RefundLeg], rows: Mapping[str, PaymentRow]
) -> date | None:
    if paid_on is None:
        return None
    texts.day_come(paid_on, field="paid_on", today=work.now.date())
    came_on = max(from_epoch(rows[leg.payment_id].facts.created).date() for leg in legs)
    if paid_on < came_on:
        raise Invalid(f"the money itself came on {came_on}, after that day", field="paid_on")
    return paid_on


def book(
    work: Work,
    legs: Sequence[RefundLeg],
    rows: Mapping[str, PaymentRow],
    *,
    reference: str,
    paid_on: date | None = None,
) -> None:
    """Book these legs as given back by people, all of them as `reference` says. Raises Invalid."""
    said = reference.strip()
    if not said or len(said) > REFERENCE_CHARS_MAX:
        raise Invalid(
            f"say how it was paid back, in at most {REFERENCE_CHARS_MAX} characters",
            field="reference",
        )
    for leg in legs:
        leg.settled_reference = said
        leg.settled_by = work.cause.id
        leg.settled_at = work.now
        work.session.add(leg)
    work.session.flush()
    sightings = [_sighting(work, leg, rows[leg.payment_id], paid_on) for leg in legs]
    payments.observe(work, [(sighting, ()) for sighting in sightings])


def _waits_for_a_hand(leg: RefundLeg, rows: Mapping[str, PaymentRow]) -> bool:
    is_by_hand = leg.route == Route.HAND.value or rows[leg.payment_id].facts.rail == MANUAL_RAIL
    return is_by_hand and leg.status == RefundStatus.MANUAL.value


def _may_settle(work: Work, whole: Whole, legs: Sequence[RefundLeg]) -> None:
    if not legs:
        raise Conflict(
            f"the refund is {whole.status.value}; no part of it waits to be paid back by hand"
        )
    is_own = work.cause.id in refund_consent.authors(whole.refund)
    if whole.refund.needs_second_person and is_own:
        raise Forbidden("who asked for a refund cannot pay it out; a second person has to")
    if any(leg.route == Route.HAND.value for leg in legs) and work.cause.kind != "person":
        raise Forbidden("what a rail brought is paid another way by a person, not by a program")
    if any(leg.routed_by == work.cause.id for leg in legs):
        raise Forbidden("you chose the other way; a second person has to pay it and say so")


def paid_back(
    leg: RefundLeg,
    row: PaymentRow,
    now: datetime,
    *,
    name: str,
    is_by_hand: bool,
    left_on: date | None = None,
) -> PaymentFacts:
    """A sighting of this leg as having arrived, under this name; it left now, or on that day."""
    at = to_epoch(now)
    left_at = at
    if left_on is not None and left_on != now.date():
        left_at = to_epoch(datetime.combine(left_on, time(), UTC))
    fact = RefundFact(
        id=name,
        amount=leg.amount,
        stage=RefundStage.LEFT,
        shown=(at, 0, RefundStatus.SUCCEEDED.value),
        reference=leg.reference,
        is_real=True,
        is_by_hand=is_by_hand,
        is_from_bank=leg.route == Route.HAND.value and leg.method in FROM_BANK,
        created=left_at,
    )
    return PaymentFacts(
        rail=row.facts.rail,
        account=row.facts.account,
        payment_id=row.facts.payment_id,
        currency=row.facts.currency,
        refunds={fact.id: fact},
    )


def _sighting(work: Work, leg: RefundLeg, row: PaymentRow, paid_on: date | None) -> PaymentFacts:
    # Named after the leg: paying the same leg twice would be the same fact.
    name = f"hand_{leg.id.removeprefix('leg_')}"
    return paid_back(leg, row, work.now, name=name, is_by_hand=True, left_on=paid_on)
