"""What a dispute has cost, read from the rail's balance movements and from nothing else.

Fees are never assumed to come back, a loss may be reversed years later, and a dispute may
take more than its charge. So there is no step "lost" that books something: there is what was
withdrawn and not reinstated, and whether the dispute is over.
"""

from dataclasses import dataclass

from reconciler.books.observations import BalanceFact, DisputeFact, PaymentFacts

# Stripe's reporting categories for money taken and given back by disputes.
CATEGORIES = frozenset({"dispute", "dispute_reversal"})
WON = "won"
PREVENTED = "prevented"  # headed off before any money moved


@dataclass(frozen=True, slots=True)
class Taken:
    """What one dispute has withdrawn and not given back.

    `settled` is per settlement currency, in its minor units; `presented` is the same money in
    the payment's own currency.
    """

    dispute_id: str
    settled: dict[str, int]
    presented: int
    is_lost: bool


def taken(facts: PaymentFacts) -> list[Taken]:
    """What each dispute of the payment has cost so far, in the order they were opened."""
    disputes = sorted(facts.disputes.values(), key=lambda d: (d.created, d.id))
    return [_taken(d, _rows(d, facts), facts.currency or "") for d in disputes]


def awaited(facts: PaymentFacts) -> list[str]:
    """Disputes whose money must have moved though no movement of it has been seen."""
    found = []
    for dispute in facts.disputes.values():
        rows = _rows(dispute, facts)
        is_silent = dispute.was_formal and not rows and dispute.shown[2] != PREVENTED
        if is_silent or _is_won_unpaid(dispute, rows):
            found.append(dispute.id)
    return found


def _taken(dispute: DisputeFact, rows: list[BalanceFact], currency: str) -> Taken:
    settled: dict[str, int] = {}
    for row in rows:
        settled[row.currency] = settled.get(row.currency, 0) - row.amount
    is_over = dispute.is_closed and dispute.was_formal and not _is_won_unpaid(dispute, rows)
    return Taken(dispute.id, settled, _presented(dispute, rows, settled, currency), is_over)


def _rows(dispute: DisputeFact, facts: PaymentFacts) -> list[BalanceFact]:
    return [
        row
        for row in facts.balance.values()
        if row.category in CATEGORIES and row.source == dispute.id
    ]


def _is_won_unpaid(dispute: DisputeFact, rows: list[BalanceFact]) -> bool:
    """The rail says `won` before it gives the money back; that is no loss to be undone later."""
    is_taken = any(row.amount < 0 for row in rows)
    return dispute.shown[2] == WON and is_taken and not any(row.amount > 0 for row in rows)


def _presented(
    dispute: DisputeFact, rows: list[BalanceFact], settled: dict[str, int], currency: str
) -> int:
    if not any(settled.values()):
        return 0
    if set(settled) == {currency}:
        return settled[currency]
    # Settled in another currency: the dispute's own amount, less the share that came back.
    withdrawn = sum(-row.amount for row in rows if row.amount < 0)
    return dispute.amount * sum(settled.values()) // withdrawn if withdrawn else 0
