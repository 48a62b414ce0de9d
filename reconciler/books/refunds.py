"""The life of a refund: its statuses, and how much may go back.

A refund is split into legs, one for each payment its money came from. Who may let one go stands in
`consent.py`; how a leg is sent, exactly once, in `refund_sending.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from reconciler.books import disputes, payments
from reconciler.books.allocations import Treatment
from reconciler.books.observations import PaymentFacts, RefundFact, RefundStage


class RefundStatus(StrEnum):
    """Where a refund, or one leg of it, stands."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUBMITTED = "submitted"
    UNKNOWN = "unknown"  # sent, and nobody knows what came of it
    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    MANUAL = "manual"  # only a person can settle it


class RefundReason(StrEnum):
    """Why money is given back."""

    CANCELLATION = "cancellation"
    PARTIAL_SCOPE = "partial_scope"
    GOODWILL = "goodwill"
    DUPLICATE = "duplicate"
    OVERPAYMENT = "overpayment"
    FRAUDULENT = "fraudulent"
    OTHER = "other"


_S = RefundStatus

# What we may decide ourselves. The database holds the same table (migrations/sql/refunds.sql).
TRANSITIONS: Mapping[RefundStatus, frozenset[RefundStatus]] = {
    _S.REQUESTED: frozenset({_S.APPROVED, _S.REJECTED, _S.CANCELED, _S.MANUAL}),
    # Straight to unknown or failed: it was sent or refused long ago, given up, and approved again.
    # Back to requested: it was changed, so that its approval is void.
    _S.APPROVED: frozenset(
        {_S.SUBMITTED, _S.UNKNOWN, _S.FAILED, _S.CANCELED, _S.MANUAL, _S.REQUESTED}
    ),
    _S.REJECTED: frozenset(),
    _S.SUBMITTED: frozenset({_S.UNKNOWN, _S.FAILED, _S.MANUAL}),
    _S.UNKNOWN: frozenset({_S.SUBMITTED, _S.FAILED, _S.MANUAL}),
    _S.PENDING: frozenset(),
    _S.REQUIRES_ACTION: frozenset(),
    _S.SUCCEEDED: frozenset(),
    _S.FAILED: frozenset(),
    _S.CANCELED: frozenset(),
    _S.MANUAL: frozenset({_S.REQUESTED, _S.CANCELED}),
}
# What a rail may say of a refund that it shows us. That outranks whatever we concluded.
RAIL_WORDS = frozenset({_S.PENDING, _S.REQUIRES_ACTION, _S.SUCCEEDED, _S.FAILED, _S.CANCELED})
# Money is spoken for while a leg stands here and the rail does not show its refund yet.
HOLDING = frozenset({_S.REQUESTED, _S.APPROVED, _S.SUBMITTED, _S.UNKNOWN, _S.MANUAL})
# A worker will still do something about it by itself.
SENDABLE = frozenset({_S.APPROVED, _S.SUBMITTED, _S.UNKNOWN})

# Books restored from a backup may have sent it since: it is looked for before any money moves.
LOOKED_FOR_AGAIN = HOLDING | {_S.PENDING, _S.REQUIRES_ACTION}

# Stripe's word, for a refund that waits as for one that failed.
NO_BALANCE = "insufficient_funds"

DEFAULT_TREATMENT: Mapping[RefundReason, Treatment] = {
    reason: (
        Treatment.REOPEN
        if reason in {RefundReason.DUPLICATE, RefundReason.OVERPAYMENT}
        else Treatment.CREDIT
    )
    for reason in RefundReason
}


def may_become(before: RefundStatus, after: RefundStatus, *, is_seen: bool) -> bool:
    """Whether a leg may go from `before` to `after`. `is_seen`: the rail showed us its refund."""
    return after in TRANSITIONS[before] or (is_seen and after in RAIL_WORDS)


def overall(legs: Iterable[RefundStatus]) -> RefundStatus:
    """One word for a refund of several legs: the one that most wants attention."""
    stand = set(legs)
    assert stand, "a refund has at least one leg"
    if len(stand) == 1:
        return stand.pop()
    for word in (_S.MANUAL, _S.UNKNOWN, _S.SUBMITTED, _S.REQUESTED):
        if word in stand:
            return word
    if _S.APPROVED in stand:
        return _S.SUBMITTED  # one leg is on its way, another is about to be
    for word in (_S.REQUIRES_ACTION, _S.PENDING):
        if word in stand:
            return word
    return _S.FAILED  # a part of it did not arrive


def seen(fact: RefundFact) -> RefundStatus:
    """The status of a leg whose refund the rail shows."""
    if fact.stage == RefundStage.FAILED:
        return _S.FAILED
    if fact.stage == RefundStage.CANCELED:
        return _S.CANCELED
    word = fact.shown[2]
    if word in {_S.PENDING, _S.REQUIRES_ACTION, _S.SUCCEEDED}:
        return RefundStatus(word)
    return _S.SUCCEEDED if fact.stage == RefundStage.LEFT else _S.PENDING


def why_waiting(fact: RefundFact) -> str | None:
    """The rail's word for what a refund waits for, where that is something people can do."""
    word = fact.waits[1]
    return word if seen(fact) is _S.PENDING and word == NO_BALANCE else None


# How much


@dataclass(frozen=True, slots=True)
class Reserved:
    """A live leg on a payment, in minor units, with its reference on the rail."""

    reference: str
    amount: int


def refundable(facts: PaymentFacts, legs: Iterable[Reserved]) -> int:
    """What of a payment can still be given back, in minor units; never below 0.

    Captured, less what refunds and disputes have taken or may take, less the legs that the rail
    does not show yet. What cannot be told apart yet (a refund, or a released remainder) counts
    as taken: too small an answer costs a moment, too large a one costs money. Nothing while a
    formal dispute is open: the bank decides who gets the money, and a rail refuses.
    """
    if is_disputed(facts):
        return 0
    known = {refund.reference for refund in facts.refunds.values()}
    waiting = sum(leg.amount for leg in legs if leg.reference not in known)
    return max(0, payments.captured(facts) - _gone(facts) - at_risk(facts) - waiting)


def at_risk(facts: PaymentFacts) -> int:
    """What disputes have taken for good or may yet take, in minor units. Inquiries take nothing."""
    taken = {d.dispute_id: d for d in disputes.taken(facts)}
    returned = taken.keys() - facts.disputes.keys()
    total = sum(max(0, taken[charge_id].presented) for charge_id in returned)
    for dispute in facts.disputes.values():
        if not dispute.was_formal:
            continue
        presented = max(0, taken[dispute.id].presented)
        is_told = bool(taken[dispute.id].settled)
        if disputes.is_open(dispute):
            total += max(presented, dispute.amount)
        elif is_told or dispute.shown[2] in {disputes.WON, disputes.PREVENTED}:
            total += presented
        else:
            total += dispute.amount  # lost, and its balance movement has yet to reach us
    return total


def is_disputed(facts: PaymentFacts) -> bool:
    """Whether a formal dispute of the payment is open."""
    return any(disputes.is_open(dispute) for dispute in facts.disputes.values())


def _gone(facts: PaymentFacts) -> int:
    return sum(
        refund.amount
        for refund in facts.refunds.values()
        if refund.stage <= RefundStage.LEFT and payments.is_released(refund, facts) is not True
    )


@dataclass(frozen=True, slots=True)
class Source:
    """Money that a refund may draw on: part of a payment, and what it is asked back from.

    `available` is what this payment put there, `refundable` what can leave the payment at all.
    Sources of one `pool` (a deposit, a deposit's use on an invoice) share its limit.
    """

    payment_id: str
    refundable: int
    available: int
    target_id: str | None = None
    pool: str | None = None
    step: int = 1


@dataclass(frozen=True, slots=True)
class PlannedLeg:
    """What one payment is to give back, in minor units."""

    payment_id: str
    target_id: str | None
    amount: int


def plan_legs(
    amount: int | None, sources: Sequence[Source], pools: Mapping[str, int]
) -> list[PlannedLeg]:
    """Split `amount` (None: all there is) over `sources`, which are given newest first.

    The legs may come to less than was asked. A rail that takes only whole steps gets whole
    steps; the rest is looked for further on.
    """
    legs: list[PlannedLeg] = []
    payment_left = {source.payment_id: source.refundable for source in sources}
    pool_left = dict(pools)
    wanted = sum(payment_left.values()) if amount is None else amount
    for source in sources:
        part = min(wanted, source.available, payment_left[source.payment_id])
        if source.pool is not None:
            part = min(part, pool_left[source.pool])
        part -= part % source.step
        if part <= 0:
            continue
        legs.append(PlannedLeg(source.payment_id, source.target_id, part))
        wanted -= part
        payment_left[source.payment_id] -= part
        if source.pool is not None:
            pool_left[source.pool] -= part
    return legs


# Its names at the rail

_KEY_PREFIX = "rr"


def idempotency_key(leg_id: str, generation: int) -> str:
    """The key of one generation. Made of chance, never of a counter that a restore would reuse."""
    return f"{_KEY_PREFIX}:{leg_id}:{generation}"


def leg_of_key(key: str) -> str | None:
    """The leg that an idempotency key is of; None for a key that is not one of ours."""
    prefix, _, rest = key.partition(":")
    leg_id, _, generation = rest.partition(":")
    return leg_id if prefix == _KEY_PREFIX and leg_id and generation.isdigit() else None


def reference(refund_id: str, number: int) -> str:
    """What the rail keeps with the `number`-th leg of a refund, for ever."""
    return refund_id if number == 1 else f"{refund_id}.{number}"


def carries_a_part(fact: RefundFact, refund_id: str) -> bool:
    """Whether the rail's refund is some leg of ours, of this refund."""
    return fact.reference == refund_id or (fact.reference or "").startswith(f"{refund_id}.")
