"""What a bank took off a transfer: the difference between what left and what its line shows.

It is an expense of ours. It is missing at the bank; but of money received by hand it is missing
among what was received, because that stands in the drawer as who paid it sent it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.books import accounts
from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.bank_lines import BankLine, Target, TargetKind
from reconciler.books.journal import JournalEntry, lines
from reconciler.money import Money

SHARE = 20  # where no bound is set, a bank takes at most a twentieth


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """A fee that was taken off what a line is tied to. `turn` counts the fees of this line."""

    line_id: str
    turn: int
    kind: TargetKind
    target_id: str
    amount: int
    currency: str

    @property
    def key(self) -> str:
        """The key of its entry."""
        return f"bank_line/{self.line_id}/fee/{self.turn}"


def difference(line: BankLine, target: Target) -> int:
    """What the bank took of the target, in minor units; 0 where it can be no fee.

    Going out, a fee makes more leave the account; coming in, less arrive.
    """
    if line.currency != target.currency or (line.amount > 0) != (target.amount > 0):
        return 0
    return max(0, target.amount - line.amount)


def bound(target: Target, bounds: Mapping[str, int]) -> int:
    """The most that may be called a fee of the target, in minor units of its currency."""
    return bounds.get(target.currency, abs(target.amount) // SHARE)


def fits(line: BankLine, target: Target, bounds: Mapping[str, int]) -> bool:
    """Whether the difference may be a fee."""
    return 0 < difference(line, target) <= bound(target, bounds)


def entry(fee: Fee) -> JournalEntry:
    """What is posted for it."""
    amount = Money(fee.amount, fee.currency)
    return JournalEntry(
        key=fee.key,
        postings=lines(amount, debit=accounts.BANK_FEES, credit=_missing_from(fee.kind)),
        payout_id=fee.target_id if fee.kind is TargetKind.PAYOUT else None,
        payment_id=fee.target_id if fee.kind is TargetKind.RECEIPT else None,
    )


def reversal(fee: Fee) -> JournalEntry:
    """What takes it back, when the line is untied."""
    amount = Money(fee.amount, fee.currency)
    return JournalEntry(
        key=f"{fee.key}/untied",
        reverses=fee.key,
        postings=lines(amount, debit=_missing_from(fee.kind), credit=accounts.BANK_FEES),
        payout_id=fee.target_id if fee.kind is TargetKind.PAYOUT else None,
        payment_id=fee.target_id if fee.kind is TargetKind.RECEIPT else None,
    )


def _missing_from(kind: TargetKind) -> accounts.Account:
    return accounts.clearing(MANUAL_RAIL) if kind is TargetKind.RECEIPT else accounts.BANK
