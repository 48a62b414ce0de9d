"""Journal entries that balance by construction, whatever the database thinks of them."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from reconciler.books.accounts import Account
from reconciler.money import Money


class Side(StrEnum):
    """Left or right of the account."""

    DEBIT = "debit"
    CREDIT = "credit"


@dataclass(frozen=True, slots=True)
class Posting:
    """One line of an entry: a positive amount on one side of an account."""

    side: Side
    account: Account
    amount: Money

    def __post_init__(self) -> None:
        """A line of nothing, or of less than nothing, is a bug of the rule that made it."""
        assert self.amount.minor > 0, f"a posting of {self.amount}"

    @property
    def signed(self) -> int:
        """Debits positive, credits negative, in minor units."""
        return self.amount.minor if self.side is Side.DEBIT else -self.amount.minor


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """Lines that happen together. `key` makes posting it twice impossible.

    `reverses` names the key of the entry that this one takes back. The ids tie an entry to
    what it is about, so that a screen can show the entries of one payment or invoice. `on` is the
    day on which it happened, where that is known; else it is the day on which it is written.
    """

    key: str
    postings: tuple[Posting, ...]
    reverses: str | None = None
    payment_id: str | None = None
    invoice_id: str | None = None
    deposit_id: str | None = None
    payout_id: str | None = None
    bill_id: str | None = None
    prepayment_id: str | None = None
    on: date | None = None

    def __post_init__(self) -> None:
        """An entry has a key, two sides, and nets to nothing in each currency."""
        assert self.key, "an entry without a key cannot be idempotent"
        assert len(self.postings) >= 2, f"{self.key}: an entry needs two sides"
        net: Counter[str] = Counter()
        for line in self.postings:
            net[line.amount.currency] += line.signed
        assert not any(net.values()), f"{self.key}: out of balance by {dict(net)}"


def lines(amount: Money, *, debit: Account, credit: Account) -> tuple[Posting, ...]:
    """Both sides of a move of `amount`; a negative amount is the mirror."""
    if amount.minor < 0:
        amount, debit, credit = -amount, credit, debit
    return Posting(Side.DEBIT, debit, amount), Posting(Side.CREDIT, credit, amount)
