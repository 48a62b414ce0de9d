"""What a payer's bank takes back, read from the rail's balance movements and from nothing else.

Fees are never assumed to come back, a loss may be reversed years later, and a dispute may
take more than its charge. So there is no step "lost" that books something: there is what was
withdrawn and not reinstated, and whether the dispute is over. Over it is by the rail's latest word
alone: an appeal opens again what was lost, also where the loss was never told.

A bank that takes a debit back after it had come through opens no dispute: that is a *return*. It
takes the same path, as something over from its first day, under the id of the charge.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from reconciler.books.allocations import Treatment
from reconciler.books.observations import BalanceFact, ChargeFact, DisputeFact, PaymentFacts

# Stripe's reporting categories for money taken and given back by disputes.
CATEGORIES = frozenset({"dispute", "dispute_reversal"})
# For a debit that was announced and did not come through, or came through and was taken back: its
# `reporting_category`, or the `type` where a row has none.
RETURN_CATEGORIES = frozenset({"charge_failure", "payment_failure_refund", "payment_reversal"})
WON = "won"
PREVENTED = "prevented"  # headed off before any money moved

# Stripe's words for a dispute so far, and where each leaves it; any other is shown to a person.
_OPEN_WORDS = {
    "warning_needs_response": "needs_response",
    "warning_under_review": "under_review",
    "needs_response": "needs_response",
    "under_review": "under_review",
    "appeal_needs_response": "needs_response",
    "appeal_under_review": "under_review",
}
_LAST_WORDS = frozenset({WON, "lost", PREVENTED, "warning_closed", "charge_refunded"})
_RETURNED = "returned"


class Kind(StrEnum):
    """What a bank does."""

    INQUIRY = "inquiry"  # asks: nothing was taken, and the money may still be given back
    CHARGEBACK = "chargeback"
    RETURN = "return"  # takes a debit back, and nobody can contest it


class Stage(StrEnum):
    """Where it stands, whatever the rail calls it."""

    NEEDS_RESPONSE = "needs_response"  # we may send evidence
    UNDER_REVIEW = "under_review"
    UNKNOWN = "unknown"  # a word that nobody here knows
    LOST = "lost"  # over, and money is gone for good, all or some of it
    WON = "won"  # over, and all that was taken came back
    LAPSED = "lapsed"  # over, and nothing was ever taken


class Decision(StrEnum):
    """What a person makes of a loss."""

    UNDECIDED = "undecided"
    CHASE = "chase"  # the invoice stays owed, and is asked for again
    WRITE_OFF = "write_off"  # nobody is chased, and we bear it
    CREDIT = "credit"  # nobody is chased: the customer was right


_TREATMENTS = {
    Decision.UNDECIDED: Treatment.REOPEN,
    Decision.CHASE: Treatment.REOPEN,
    Decision.WRITE_OFF: Treatment.WRITE_OFF,
    Decision.CREDIT: Treatment.CREDIT,
}


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


@dataclass(frozen=True, slots=True)
class Case:
    """A dispute or a return as people see it. Minor units of the payment's currency.

    `amount` is what the bank claims, `taken` what it has now, `lost` what of that this payment lost
    for good (a dispute may take more than its charge). `due` is in the rail's seconds.
    """

    dispute_id: str
    kind: Kind
    stage: Stage
    status: str
    reason: str | None
    amount: int
    taken: int
    lost: int
    due: int | None
    opened: int

    @property
    def is_open(self) -> bool:
        """Whether it may still come out either way."""
        return self.stage in {Stage.NEEDS_RESPONSE, Stage.UNDER_REVIEW, Stage.UNKNOWN}

    @property
    def is_known_word(self) -> bool:
        """Whether the rail's word is one that has been classified."""
        return self.status in _OPEN_WORDS or self.status in _LAST_WORDS | {_RETURNED}

    @property
    def is_lost(self) -> bool:
        """Whether there is a loss that a person can decide about."""
        return self.lost > 0

    def is_unsettled(self, decision: Decision) -> bool:
        """Whether nobody is to be chased meanwhile: it is open, or lost and undecided."""
        return self.is_open or (self.is_lost and decision is Decision.UNDECIDED)

    def needs_a_person(self, decision: Decision) -> bool:
        """Whether somebody has to look: also at money back after the loss was acted upon.

        Nobody while the bank has an answer and decides: that ends by itself, or asks again.
        """
        is_late_win = self.stage is Stage.WON and decision is not Decision.UNDECIDED
        # Headed off: how its money moved is documented nowhere.
        is_odd = self.status == PREVENTED or not self.is_known_word
        is_untold = self.stage is Stage.LOST and not self.lost and not self.taken
        waits = self.is_unsettled(decision) and self.stage is not Stage.UNDER_REVIEW
        return waits or is_late_win or is_odd or is_untold


def is_over(dispute: DisputeFact) -> bool:
    """Whether the bank has decided, for now: each end may be left again."""
    return dispute.shown[2] in _LAST_WORDS


def is_open(dispute: DisputeFact) -> bool:
    """Whether a bank has yet to decide about money. An inquiry has taken none."""
    return dispute.was_formal and not is_over(dispute)


def treatment(decision: Decision) -> Treatment:
    """What a decision does to the invoices that the lost money had paid."""
    return _TREATMENTS[decision]


def taken(facts: PaymentFacts) -> list[Taken]:
    """What each dispute of the payment has cost so far, by their opening; then each return."""
    disputes = sorted(facts.disputes.values(), key=lambda d: (d.created, d.id))
    found = [_taken(d, _rows(d, facts), facts.currency or "") for d in disputes]
    return found + [_returned(c, facts) for c in _taken_back(facts)]


def awaited(facts: PaymentFacts) -> list[str]:
    """Disputes and returns whose money must have moved though no movement of it has been seen."""
    found = []
    for dispute in facts.disputes.values():
        rows = _rows(dispute, facts)
        is_silent = dispute.was_formal and not rows and dispute.shown[2] != PREVENTED
        if is_silent or _is_won_unpaid(dispute, rows):
            found.append(dispute.id)
    failed = (c for c in facts.charges.values() if c.captured and c.is_failed)
    return found + [charge.id for charge in failed if not _failure_rows(charge, facts)]


def cases(facts: PaymentFacts, losses: Mapping[str, int]) -> list[Case]:
    """Each dispute and return as people see it. `losses` is what the payment lost by each."""
    cost = {one.dispute_id: one for one in taken(facts)}
    disputed = [
        Case(
            dispute_id=dispute.id,
            kind=Kind.CHARGEBACK if dispute.was_formal else Kind.INQUIRY,
            stage=_stage(dispute.shown[2], cost[dispute.id]),
            status=dispute.shown[2],
            reason=dispute.reason,
            amount=dispute.amount,
            taken=max(0, cost[dispute.id].presented),
            lost=losses.get(dispute.id, 0),
            due=dispute.evidence_due,
            opened=dispute.created,
        )
        for dispute in facts.disputes.values()
    ]
    returned = [
        Case(
            dispute_id=charge.id,
            kind=Kind.RETURN,
            stage=Stage.LOST,
            status=_RETURNED,
            reason=None,
            amount=max(0, cost[charge.id].presented),
            taken=max(0, cost[charge.id].presented),
            lost=losses.get(charge.id, 0),
            due=None,
            opened=min(row.created for row in _failure_rows(charge, facts)),
        )
        for charge in _taken_back(facts)
    ]
    return disputed + returned


def _stage(word: str, cost: Taken) -> Stage:
    if word not in _LAST_WORDS:
        return Stage(_OPEN_WORDS.get(word, Stage.UNKNOWN))
    if word == "lost" or (cost.is_lost and cost.presented > 0):
        return Stage.LOST
    return Stage.WON if word == WON else Stage.LAPSED


def _taken(dispute: DisputeFact, rows: list[BalanceFact], currency: str) -> Taken:
    settled: dict[str, int] = {}
    for row in rows:
        settled[row.currency] = settled.get(row.currency, 0) - row.amount
    is_lost = is_over(dispute) and dispute.was_formal and not _is_won_unpaid(dispute, rows)
    return Taken(dispute.id, settled, _presented(dispute.amount, rows, settled, currency), is_lost)


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
    claimed: int, rows: list[BalanceFact], settled: dict[str, int], currency: str
) -> int:
    if not any(settled.values()):
        return 0
    if set(settled) == {currency}:
        return settled[currency]
    # Settled in another currency: the dispute's own amount, less the share that came back.
    withdrawn = sum(-row.amount for row in rows if row.amount < 0)
    return claimed * sum(settled.values()) // withdrawn if withdrawn else 0


def _taken_back(facts: PaymentFacts) -> list[ChargeFact]:
    """Debits that had come through. One that never did has taken nothing that could go back."""
    found = (c for c in facts.charges.values() if c.captured and _failure_rows(c, facts))
    return sorted(found, key=lambda c: (c.created, c.id))


def _failure_rows(charge: ChargeFact, facts: PaymentFacts) -> list[BalanceFact]:
    return [
        row
        for row in facts.balance.values()
        if row.category in RETURN_CATEGORIES and row.source == charge.id
    ]


def _returned(charge: ChargeFact, facts: PaymentFacts) -> Taken:
    rows = _failure_rows(charge, facts)
    settled: dict[str, int] = {}
    for row in rows:
        settled[row.currency] = settled.get(row.currency, 0) - row.amount
    presented = _presented(charge.captured, rows, settled, facts.currency or "")
    return Taken(charge.id, settled, presented, is_lost=True)
