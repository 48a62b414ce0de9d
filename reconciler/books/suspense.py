"""What stands in suspense is moved to where it belongs, and put back where that was wrong.

Money that moved for a reason which no rule knows is booked against suspense. A person says what it
was: all of it is moved by an entry of its own, which its mirror takes back.
"""

from dataclasses import dataclass

from reconciler.books import accounts, bills
from reconciler.books.accounts import Account, Role
from reconciler.books.journal import JournalEntry, lines
from reconciler.errors import Invalid
from reconciler.money import Money

# Where it may be moved. What customers are owed or owe follows from payments alone.
TARGETS = (
    Role.PROCESSING_FEES,
    Role.EXPENSES,
    Role.BANK,
    Role.REVENUE,
    Role.CURRENCY_CONVERSION,
)
MOVED = "moved-"  # the last word of the key of such an entry begins with it; then comes its turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What stands in suspense under a `subject`: the key of its entries without their last word.

    `amount` is debits less credits, in minor units; `turns` counts moves and what put them back;
    `moved_to` and `moved` say where and how much, if it is moved now.
    """

    subject: str
    currency: str
    amount: int
    turns: int
    payment_id: str | None = None
    moved_to: Account | None = None
    moved: int = 0

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


def entry(standing: Standing, to: Account) -> JournalEntry:
    """All of it goes to this account."""
    return JournalEntry(
        key=standing.key(standing.turns + 1),
        postings=lines(
            Money(standing.amount, standing.currency), debit=to, credit=accounts.SUSPENSE
        ),
        payment_id=standing.payment_id,
    )


def reversal(standing: Standing) -> JournalEntry:
    """What was moved is in suspense again."""
    assert standing.moved_to is not None, f"{standing.subject} is moved nowhere"
    return JournalEntry(
        key=standing.key(standing.turns + 1),
        reverses=standing.key(standing.turns),
        postings=lines(
            Money(standing.moved, standing.currency),
            debit=accounts.SUSPENSE,
            credit=standing.moved_to,
        ),
        payment_id=standing.payment_id,
    )
