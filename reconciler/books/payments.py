"""One payment: merging what is said of it, and reading totals and a status from that.

`join` is commutative, associative and idempotent, so that order, repetition and gaps in
what a rail tells us cannot matter (the laws are in tests/books/test_join.py).
"""

from enum import StrEnum
from typing import Protocol, TypeVar

from reconciler.books import disputes
from reconciler.books.observations import (
    BalanceFact,
    ChargeFact,
    Dated,
    DisputeFact,
    IntentFact,
    PaymentFacts,
    RefundFact,
    RefundStage,
)

# What Stripe calls movements of real refunds (their `reporting_category`).
REFUND_CATEGORIES = frozenset({"refund", "refund_failure"})
# And its word for a remainder that an API version before 2025-03-31 dressed as a refund.
RELEASED_CATEGORY = "partial_capture_reversal"


class PaymentStatus(StrEnum):
    """Where a payment stands, derived from its facts and never set by hand."""

    PROCESSING = "processing"
    AUTHORIZED = "authorized"
    PARTIALLY_CAPTURED = "partially_captured"
    CAPTURED = "captured"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    FAILED = "failed"
    CANCELED = "canceled"


class _Joinable(Protocol):
    @property
    def id(self) -> str: ...


_Amounts = TypeVar("_Amounts", int, tuple[int, int])
_Fact = TypeVar("_Fact", bound=_Joinable)


def join(known: PaymentFacts, seen: PaymentFacts) -> PaymentFacts:
    """Merge a sighting. Commutative, associative, idempotent: order cannot matter."""
    assert (known.rail, known.payment_id) == (seen.rail, seen.payment_id), "two payments"
    assert known.currency == seen.currency or not (known.currency and seen.currency), (
        f"{known.payment_id} changed currency"
    )
    return PaymentFacts(
        rail=known.rail,
        account=known.account,
        payment_id=known.payment_id,
        currency=known.currency or seen.currency,
        intent=_join_intents(known.intent, seen.intent),
        charges=_join_maps(known.charges, seen.charges, _join_charges),
        refunds=_join_maps(known.refunds, seen.refunds, _join_refunds),
        disputes=_join_maps(known.disputes, seen.disputes, _join_disputes),
        balance=_join_maps(known.balance, seen.balance, _join_rows),
        named=_earliest(known.named, seen.named),
        texts=_earliest(known.texts, seen.texts),
        payer=_earliest(known.payer, seen.payer),
        sessions=_union(known.sessions, seen.sessions),
        rail_invoices=_most(known.rail_invoices, seen.rail_invoices),
        rail_credits=_most(known.rail_credits, seen.rail_credits),
        livemode=known.livemode or seen.livemode,
        created=_first(known.created, seen.created),
    )


def captured(facts: PaymentFacts) -> int:
    """Money actually taken, in minor units.

    The charges and their umbrella tell the same money twice and either may be missing, so
    the larger of the two is what is known. What people noted and took back never came.
    """
    received = facts.intent.received if facts.intent else 0
    taken = (c.captured for c in facts.charges.values() if not c.taken_back_at)
    return max(received, sum(taken))


def authorized(facts: PaymentFacts) -> int:
    """The most that the rail ever promised to hold, in minor units. Shown, never booked."""
    promised = [
        c.authorized for c in facts.charges.values() if not (c.is_failed or c.taken_back_at)
    ]
    if facts.intent:
        promised.append(facts.intent.authorized)
    return max([captured(facts), *promised])


def on_its_way(facts: PaymentFacts) -> int:
    """Money that was promised or is being collected and has not come, in minor units.

    A hold on a card that may still be captured, or a debit that its bank has not answered. Shown
    apart, never booked, and never counted as paid.
    """
    intent = facts.intent
    if is_final(facts) or (intent and intent.is_canceled):
        return 0
    live = [c for c in facts.charges.values() if not c.is_failed and not c.is_expired]
    promised = [max(c.authorized, c.pending) for c in live]
    # The umbrella's word counts as long as no attempt, or not every one, has come to nothing.
    if intent and (live or not (facts.charges or intent.is_failed)):
        promised.append(max(intent.authorized, intent.pending))
    return max(0, max(promised, default=0) - captured(facts))


def is_final(facts: PaymentFacts) -> bool:
    """Whether no further capture will come."""
    return bool(facts.intent and facts.intent.is_final) or any(
        charge.is_final for charge in facts.charges.values()
    )


def is_released(refund: RefundFact, facts: PaymentFacts) -> bool | None:
    """Whether what looks like a refund is only an uncaptured remainder let go.

    None while nothing seen so far can tell: then the rail has to be asked, because a charge
    of 1000 with 700 captured and 300 "refunded" is either, depending on the API version of
    whoever captured it.
    """
    movement = facts.balance.get(refund.balance_ref or "")
    if refund.is_released or (movement and movement.category == RELEASED_CATEGORY):
        return True
    # A word that nobody knows tells nothing about it.
    if refund.is_real or refund.reference or (movement and movement.category in REFUND_CATEGORIES):
        return False
    charge = facts.charges.get(refund.charge or "")
    intent = facts.intent
    if (charge and charge.is_whole) or (intent and intent.is_whole):
        return False  # all was captured: nothing remained to let go
    if charge and charge.is_expired and not captured(facts):
        return True  # no money ever moved
    return None


def counted_refunds(facts: PaymentFacts) -> list[RefundFact]:
    """The refunds to customers that are promised or gone, in the order the rail made them."""
    live = (
        refund
        for refund in facts.refunds.values()
        if refund.stage <= RefundStage.LEFT and is_released(refund, facts) is False
    )
    return sorted(live, key=lambda refund: (refund.created, refund.id))


def status(facts: PaymentFacts, *, refunded: int, disputed: int) -> PaymentStatus:
    """The one word for all of it; `refunded` and `disputed` as booked, in minor units."""
    taken = captured(facts)
    if not taken:
        return _status_without_money(facts)
    if disputed or any(disputes.is_open(dispute) for dispute in facts.disputes.values()):
        return PaymentStatus.DISPUTED
    if refunded:
        whole = refunded >= taken
        return PaymentStatus.REFUNDED if whole else PaymentStatus.PARTIALLY_REFUNDED
    part = taken < authorized(facts)
    return PaymentStatus.PARTIALLY_CAPTURED if part else PaymentStatus.CAPTURED


def _status_without_money(facts: PaymentFacts) -> PaymentStatus:
    charges = facts.charges.values()
    never_came = any(c.is_expired or c.taken_back_at for c in charges)
    if (facts.intent and facts.intent.is_canceled) or never_came:
        return PaymentStatus.CANCELED
    if authorized(facts):
        return PaymentStatus.AUTHORIZED
    failed = any(c.is_failed for c in charges) or bool(facts.intent and facts.intent.is_failed)
    waits = any(c.is_pending and not c.is_failed for c in charges)
    return PaymentStatus.FAILED if failed and not waits else PaymentStatus.PROCESSING


def _join_maps(
    known: dict[str, _Fact], seen: dict[str, _Fact], join_two: "_Join[_Fact]"
) -> dict[str, _Fact]:
    if not seen:
        return known
    if not known:
        return seen
    merged = dict(known)
    for fact_id, fact in seen.items():
        before = merged.get(fact_id)
        merged[fact_id] = fact if before is None else join_two(before, fact)
    return merged


class _Join(Protocol[_Fact]):
    def __call__(self, one: _Fact, other: _Fact, /) -> _Fact: ...


def _join_charges(one: ChargeFact, other: ChargeFact) -> ChargeFact:
    return ChargeFact(
        id=one.id,
        authorized=max(one.authorized, other.authorized),
        pending=max(one.pending, other.pending),
        captured=max(one.captured, other.captured),
        is_final=one.is_final or other.is_final,
        is_whole=one.is_whole or other.is_whole,
        is_pending=one.is_pending or other.is_pending,
        is_failed=one.is_failed or other.is_failed,
        is_expired=one.is_expired or other.is_expired,
        refunded_hint=max(one.refunded_hint, other.refunded_hint),
        balance_ref=_greater(one.balance_ref, other.balance_ref),
        taken_back_at=_first(one.taken_back_at, other.taken_back_at),
        created=_first(one.created, other.created),
    )


def _join_intents(one: IntentFact | None, other: IntentFact | None) -> IntentFact | None:
    if one is None or other is None:
        return one or other
    return IntentFact(
        authorized=max(one.authorized, other.authorized),
        pending=max(one.pending, other.pending),
        received=max(one.received, other.received),
        is_final=one.is_final or other.is_final,
        is_whole=one.is_whole or other.is_whole,
        is_processing=one.is_processing or other.is_processing,
        is_canceled=one.is_canceled or other.is_canceled,
        is_failed=one.is_failed or other.is_failed,
        charges=_union(one.charges, other.charges),
    )


def _join_refunds(one: RefundFact, other: RefundFact) -> RefundFact:
    return RefundFact(
        id=one.id,
        amount=max(one.amount, other.amount),
        stage=max(one.stage, other.stage),
        shown=max(one.shown, other.shown),
        charge=_greater(one.charge, other.charge),
        reference=_greater(one.reference, other.reference),
        key=_greater(one.key, other.key),
        is_released=one.is_released or other.is_released,
        is_real=one.is_real or other.is_real,
        is_by_hand=one.is_by_hand or other.is_by_hand,
        is_from_bank=one.is_from_bank or other.is_from_bank,
        balance_ref=_greater(one.balance_ref, other.balance_ref),
        failure_ref=_greater(one.failure_ref, other.failure_ref),
        failure_reason=_greater(one.failure_reason, other.failure_reason),
        reason=_greater(one.reason, other.reason),
        waits=max(one.waits, other.waits),
        created=_first(one.created, other.created),
    )


def _join_disputes(one: DisputeFact, other: DisputeFact) -> DisputeFact:
    return DisputeFact(
        id=one.id,
        amount=max(one.amount, other.amount),
        is_inquiry=one.is_inquiry or other.is_inquiry,
        was_formal=one.was_formal or other.was_formal,
        shown=max(one.shown, other.shown),
        charge=_greater(one.charge, other.charge),
        reason=_greater(one.reason, other.reason),
        evidence_due=max(one.evidence_due or 0, other.evidence_due or 0) or None,
        created=_first(one.created, other.created),
    )


def _join_rows(one: BalanceFact, other: BalanceFact) -> BalanceFact:
    # A row never changes; should a rail tell it in two ways, every order must choose the same.
    return one if one == other else max(one, other, key=repr)


def _earliest(one: dict[str, Dated], other: dict[str, Dated]) -> dict[str, Dated]:
    if not other:
        return one
    merged = dict(one)
    for key, dated in other.items():
        merged[key] = min(merged.get(key, dated), dated)
    return merged


def _most(one: dict[str, _Amounts], other: dict[str, _Amounts]) -> dict[str, _Amounts]:
    merged = dict(one)
    for key, amounts in other.items():
        merged[key] = max(merged.get(key, amounts), amounts)
    return merged


def _union(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return one if not other or one == other else tuple(sorted({*one, *other}))


def _greater(one: str | None, other: str | None) -> str | None:
    return max(one, other) if one and other else one or other


def _first(one: int, other: int) -> int:
    return min(one, other) if one and other else one or other
