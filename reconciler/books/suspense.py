"""What stands in suspense is moved to where it belongs, and put back where that was wrong.

Money that moved for a reason which no rule knows is booked against suspense. A person says what it
was: all of it, or a part, is moved by an entry of its own, which its mirror takes back.
"""

from dataclasses import dataclass

from reconciler.books import accounts, bills
from reconciler.books.accounts import Account, Role
from reconciler.books.journal import JournalEntry, lines
from reconciler.errors import Conflict, Invalid
from reconciler.money import Money, shown

# Where it may be moved. What customers are owed or owe follows from payments alone.
TARGETS = (
    Role.PROCESSING_FEES,
    Role.EXPENSES,
    Role.BANK,
    Role.REVENUE,
    Role.CURRENCY_CONVERSION,
)
MOVED = "moved-"  # the last word of the key of such an entry begins with it; then comes its turn


@dataclass(frozen=True, slots=True)
class MovedPart:
    """A part that is somewhere else now: by which turn, where, and how much (Standing.amount)."""

    turn: int
    to: Account
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What stands in suspense under a `subject`: the key of its entries without their last word.

    `amount` is what rests there, debits less credits, in minor units; `turns` counts moves and what
    put them back; `parts` are those that stand elsewhere now, the first moved first.
    """

    subject: str
    currency: str
    amount: int
    turns: int
    payment_id: str | None = None
    parts: tuple[MovedPart, ...] = ()

    @property
    def moved(self) -> int:
        """What all parts that stand elsewhere come to, as `amount` counts."""
        return sum(part.amount for part in self.parts)

    @property
    def movement(self) -> str:
        """The rail's id of what moved."""
        return self.subject.rpartition("/")[2]

    def key(self, turn: int) -> str:
        """The key of the entry of a turn."""
        return f"{self.subject}/{MOVED}{turn}"


def target(role: str, category: str = "") -> Account:
    """The account that a person names. Raises Invalid."""
    if role not in TARGETS:
        allowed = ", ".join(one.value for one in TARGETS)
        raise Invalid(f"say which account it belongs to: {allowed}", field="account")
    if role == Role.EXPENSES:
        return accounts.expenses(bills.category(category))
    return Account(Role(role))


def share(standing: Standing, amount: int | None) -> int:
    """What of it is to be moved, as `Standing.amount` counts; `amount` is above zero, None for all.

    Raises Invalid for nothing and for more than rests.
    """
    if amount is None:
        return standing.amount
    if not 0 < amount <= abs(standing.amount):
        rests = shown(abs(standing.amount), standing.currency)
        raise Invalid(f"there is {rests} of it to be moved, and no more", field="amount")
    return amount if standing.amount > 0 else -amount


def part_of(standing: Standing, turn: int | None) -> MovedPart:
    """The part that was moved by a turn; None for the only one. Raises Conflict and Invalid."""
    if not standing.parts:
        raise Conflict("it is in suspense already")
    if turn is None and len(standing.parts) > 1:
        raise Invalid("say which part, for several were moved", field="turn")
    found = [part for part in standing.parts if turn in {None, part.turn}]
    if not found:
        raise Conflict("that part is in suspense already")
    return found[0]


def entry(standing: Standing, to: Account, amount: int) -> JournalEntry:
    """So much of it goes to this account."""
    return JournalEntry(
        key=standing.key(standing.turns + 1),
        postings=lines(Money(amount, standing.currency), debit=to, credit=accounts.SUSPENSE),
        payment_id=standing.payment_id,
    )


def reversal(standing: Standing, part: MovedPart) -> JournalEntry:
    """A part that was moved is in suspense again."""
    return JournalEntry(
        key=standing.key(standing.turns + 1),
        reverses=standing.key(part.turn),
        postings=lines(
            Money(part.amount, standing.currency), debit=accounts.SUSPENSE, credit=part.to
        ),
        payment_id=standing.payment_id,
    )
