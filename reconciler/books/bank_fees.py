"""What a bank took off a transfer: the difference between what left and what its line shows.

It is an expense of ours. It is missing at the bank; but of money received or given back by hand it
is missing in the drawer, because that stands there as it was sent.

Where the payment itself came short, because the fee went off before it reached us, it is missing
on the invoice: we bear it, and the customer owes it no more. That lowers no tax, for it is no
lower price.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.books import accounts
from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.bank_lines import BankLine, Target, TargetKind
from reconciler.books.journal import JournalEntry, lines
from reconciler.errors import Invalid, Refused
from reconciler.money import Money, shown

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
    is_from_bank: bool = False  # of a refund that people paid: from our account

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
        postings=lines(amount, debit=accounts.BANK_FEES, credit=_missing_from(fee)),
        payout_id=fee.target_id if fee.kind is TargetKind.PAYOUT else None,
        payment_id=fee.target_id if fee.kind is TargetKind.RECEIPT else None,
    )


def reversal(fee: Fee) -> JournalEntry:
    """What takes it back, when the line is untied."""
    amount = Money(fee.amount, fee.currency)
    return JournalEntry(
        key=f"{fee.key}/untied",
        reverses=fee.key,
        postings=lines(amount, debit=_missing_from(fee), credit=accounts.BANK_FEES),
        payout_id=fee.target_id if fee.kind is TargetKind.PAYOUT else None,
        payment_id=fee.target_id if fee.kind is TargetKind.RECEIPT else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """An invoice that came short. Minor units.

    `asked` is its total less its credit notes, `borne` what of it we bear already.
    """

    number: str
    currency: str
    asked: int
    outstanding: int
    paid: int
    borne: int

    def most(self, bounds: Mapping[str, int]) -> int:
        """The most that may be a bank's fee still; nothing where nothing was paid."""
        if not self.paid:
            return 0
        bound = bounds.get(self.currency, self.asked // SHARE)
        return min(self.outstanding, max(0, bound - self.borne))


@dataclass(frozen=True, slots=True, kw_only=True)
class Short:
    """By how much an invoice came short, and what paid it if that is known."""

    id: str
    invoice_id: str
    payment_id: str | None
    amount: int
    currency: str

    @property
    def key(self) -> str:
        """The key of its entry."""
        return f"bank_fee/{self.id}"


def may_be_borne(owed: Owed, amount: int, bounds: Mapping[str, int]) -> None:
    """Whether that much may be called a bank's fee. Raises Invalid, Refused with the field."""
    if not owed.outstanding:
        raise Refused(f"nothing is owed on {owed.number}", field="amount")
    if not owed.paid:
        raise Refused(f"nothing has paid {owed.number} yet: no bank took that", field="amount")
    if amount <= 0:
        raise Invalid("the amount must be more than nothing", field="amount")
    if amount > owed.outstanding:
        left = shown(owed.outstanding, owed.currency)
        raise Refused(f"{owed.number} is owed {left}, not more", field="amount")
    most = owed.most(bounds)
    if amount > most:
        raise Refused(
            f"{shown(amount, owed.currency)} is more than a bank's fee may be: BANK_FEE_MAX allows"
            f" {shown(most, owed.currency)} here. Write a credit note, or ask for the rest",
            field="amount",
        )


def short_entry(short: Short) -> JournalEntry:
    """What is posted for an invoice that came short."""
    amount = Money(short.amount, short.currency)
    return JournalEntry(
        key=short.key,
        postings=lines(amount, debit=accounts.BANK_FEES, credit=accounts.ACCOUNTS_RECEIVABLE),
        invoice_id=short.invoice_id,
        payment_id=short.payment_id,
    )


def short_reversal(short: Short) -> JournalEntry:
    """What takes it back: the invoice is owed again."""
    amount = Money(short.amount, short.currency)
    return JournalEntry(
        key=f"{short.key}/taken_back",
        reverses=short.key,
        postings=lines(amount, debit=accounts.ACCOUNTS_RECEIVABLE, credit=accounts.BANK_FEES),
        invoice_id=short.invoice_id,
        payment_id=short.payment_id,
    )


def _missing_from(fee: Fee) -> accounts.Account:
    is_in_drawer = fee.kind in {TargetKind.RECEIPT, TargetKind.REFUND} and not fee.is_from_bank
    return accounts.clearing(MANUAL_RAIL) if is_in_drawer else accounts.BANK
