"""On what terms money is taken back: as a refund was asked for here, or as a person decided.

A refund that nobody here asked for (made in the rail's dashboard) lowers what is owed, so that
nobody is chased for money that was given back on purpose, until a person decides otherwise. What a
bank took for good is owed again, until a person decides otherwise. Such a decision is part of what
settling reads, like the facts, so that a replay gives the same books.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.books import allocations
from reconciler.books.allocations import Claim, Take, Treatment
from reconciler.books.observations import RefundFact
from reconciler.books.posting_rules import Position


@dataclass(frozen=True, slots=True)
class Terms:
    """What is known of the terms of refunds and losses.

    `asked`: by our reference, the treatment and what it was asked back from. `decided`: by the
    rail's id of a stranger's refund, the parts that a person set down. `losses`: by the rail's id
    of a dispute, what a person said is to become of what it lost.
    """

    asked: Mapping[str, tuple[Treatment, str | None]] = field(default_factory=dict)
    decided: Mapping[str, Sequence[Take]] = field(default_factory=dict)
    losses: Mapping[str, Treatment] = field(default_factory=dict)


def takes(refund: RefundFact, terms: Terms) -> list[Take]:
    """What this refund takes back, in order; together its whole amount, in minor units.

    Our own terms stand before a decision: that was made while the refund was taken for a
    stranger's. What a decision says nothing about is taken first, so that the payment's unapplied
    remainder serves that.
    """
    asked = terms.asked.get(refund.reference or "")
    if asked is not None:
        return [Take(refund.amount, *asked)]
    parts: list[Take] = []
    left = refund.amount
    for part in terms.decided.get(refund.id, ()):
        amount = min(part.amount, left)
        left -= amount
        if amount:
            parts.append(Take(amount, part.treatment, part.target))
    rest = [Take(left, Treatment.CREDIT)] if left else []
    return rest + parts


def of_payment(at: Position, terms: Terms) -> list[Take]:
    """All that left a payment again: its refunds in their order, then what disputes took."""
    found = [take for refund in at.refunds for take in takes(refund, terms)]
    return found + [take for _, take in _lost(at, terms)]


@dataclass(frozen=True, slots=True)
class Taken:
    """What a refund or a loss, by the rail's id of it, took of what a payment put to a target.

    Minor units; `at` is when the rail made a refund, None of a loss.
    """

    name: str
    target: str
    amount: int
    treatment: Treatment
    at: int | None = None


def taken(
    at: Position, claims: Sequence[Claim], unused: Mapping[str, int], terms: Terms
) -> list[Taken]:
    """What each refund of a payment that counts, and each loss, takes of which claim's target.

    What is missing to its amount came from what was meant for nothing.
    """
    own = [
        (refund.id, refund.created, take) for refund in at.refunds for take in takes(refund, terms)
    ]
    lost = [(name, None, take) for name, take in _lost(at, terms)]
    all_of_it = [*own, *lost]
    parts = allocations.taken_from(claims, at.captured, [take for _, _, take in all_of_it], unused)
    return [
        Taken(name, target, amount, take.treatment, made)
        for (name, made, take), of in zip(all_of_it, parts, strict=True)
        for target, amount in of.items()
    ]


def split(
    at: Position, claims: Sequence[Claim], unused: Mapping[str, int], terms: Terms
) -> dict[str, dict[str, int]]:
    """Of each refund that counts, by the rail's id: what it takes of which claim's target."""
    found: dict[str, dict[str, int]] = {refund.id: {} for refund in at.refunds}
    for one in taken(at, claims, unused, terms):
        if one.name in found:
            found[one.name][one.target] = found[one.name].get(one.target, 0) + one.amount
    return found


def beyond(found: Iterable[Taken], excess: Mapping[str, int]) -> list[Taken]:
    """The same without what its target had no room for: that no document had taken up.

    `excess` is how much more was put to each target than it takes. It is eaten as settling does
    (allocations.settle_invoice): by what is credited first, then the oldest first.
    """
    left = dict(excess)
    rest = []
    for one in sorted(found, key=_turn):
        eaten = min(one.amount, left.get(one.target, 0))
        left[one.target] = left.get(one.target, 0) - eaten
        if one.amount > eaten:
            rest.append(replace(one, amount=one.amount - eaten))
    return rest


def _turn(one: Taken) -> tuple[int, bool, int, str]:
    return allocations.IN_ORDER.index(one.treatment), one.at is None, one.at or 0, one.name


def _lost(at: Position, terms: Terms) -> list[tuple[str, Take]]:
    return [
        (dispute_id, Take(lost, terms.losses.get(dispute_id, Treatment.REOPEN)))
        for dispute_id, lost in at.losses.items()
    ]
