"""On what terms money is taken back: as a refund was asked for here, or as a person decided.

A refund that nobody here asked for (made in the rail's dashboard) lowers what is owed, so that
nobody is chased for money that was given back on purpose, until a person decides otherwise. What a
bank took for good is owed again, until a person decides otherwise. Such a decision is part of what
settling reads, like the facts, so that a replay gives the same books.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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
    for dispute_id, lost in at.losses.items():
        found.append(Take(lost, terms.losses.get(dispute_id, Treatment.REOPEN)))
    return found


def split(
    at: Position, claims: Sequence[Claim], unused: Mapping[str, int], terms: Terms
) -> dict[str, dict[str, int]]:
    """Of each refund that counts, by the rail's id: what it takes from which invoice or deposit.

    What is missing to its amount came from what was unapplied. Minor units.
    """
    own = [(refund.id, take) for refund in at.refunds for take in takes(refund, terms)]
    parts = allocations.taken_from(claims, at.captured, [take for _, take in own], unused)
    found: dict[str, dict[str, int]] = {refund.id: {} for refund in at.refunds}
    for (refund_id, _), taken in zip(own, parts, strict=True):
        for target, amount in taken.items():
            found[refund_id][target] = found[refund_id].get(target, 0) + amount
    return found
