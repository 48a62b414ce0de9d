"""Bills of vendors: what they cost, in which category, and where each stands. Mirrors invoices.

A bill is owed from the day it is opened. What it costs goes to a category's expenses, the tax on
it to input tax, which the tax office gives back. Its status is read off amounts and its due day.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum

from reconciler.books import accounts, invoice_lines, journal
from reconciler.books.accounts import Account
from reconciler.books.invoice_lines import Line, PricedLine
from reconciler.books.journal import JournalEntry, Posting
from reconciler.errors import Invalid, Refused
from reconciler.money import Money, shown

CATEGORY_CHARS_MAX = 40
# Apart enough that no two of them are one account in a program that writes them as one word.
_CATEGORY = re.compile(r"[a-z][a-z0-9]*(?:_[a-z][a-z0-9]*)*", re.ASCII)


class BillState(StrEnum):
    """What a person did with it last; the rest of its status follows from money."""

    DRAFT = "draft"
    OPEN = "open"
    VOID = "void"


class BillStatus(StrEnum):
    """What everybody sees."""

    DRAFT = "draft"
    OPEN = "open"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    OVERDUE = "overdue"
    VOID = "void"


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine(Line):
    """A line of a bill: the same as an invoice's, and the `category` that it is a cost of."""

    category: str


def category(text: str, *, field: str = "category") -> str:
    """`Office supplies` as `office_supplies`: one name for what is meant. Raises Invalid."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    joined = "_".join(re.split(r"[^a-z0-9]+", plain)).strip("_")
    name = re.sub(r"_(?=[0-9])", "", joined)
    if not _CATEGORY.fullmatch(name) or len(name) > CATEGORY_CHARS_MAX:
        raise Invalid(
            f"a category is a few words such as travel or office supplies, of at most"
            f" {CATEGORY_CHARS_MAX} letters",
            field=field,
        )
    return name


def checked(line: CostLine, *, place: int) -> CostLine:
    """The line, its words cleaned. Raises Invalid, naming the field as `lines.0.category`."""
    cleaned = invoice_lines.checked(line, place=place)
    named = category(line.category, field=f"lines.{place}.category")
    said = {name: value for name, value in asdict(cleaned).items() if name != "category"}
    return CostLine(**said, category=named)


def costs(lines: Iterable[tuple[str, int]]) -> dict[str, int]:
    """What each category costs, of lines by category and net. Minor units without tax.

    Below zero where a discount stands under a category of its own.
    """
    found: Counter[str] = Counter()
    for name, net in lines:
        found[name] += net
    return dict(sorted(found.items()))


def costs_of(lines: Iterable[PricedLine]) -> dict[str, int]:
    """The same, of lines that were priced."""
    return costs((one.line.category, one.net) for one in lines if isinstance(one.line, CostLine))


def outstanding(*, total: int, paid: int) -> int:
    """What we still owe on it, in minor units; never below zero."""
    assert 0 <= paid <= total, f"paid {paid} of {total}"
    return total - paid


def status(
    state: BillState, *, total: int, paid: int, due_on: date | None, today: date
) -> BillStatus:
    """The derived status: the same words as an invoice's, for the same reasons."""
    if state is not BillState.OPEN:
        return BillStatus(state.value)
    if outstanding(total=total, paid=paid) == 0:
        return BillStatus.PAID
    if due_on is not None and due_on < today:
        return BillStatus.OVERDUE
    return BillStatus.PARTIALLY_PAID if paid else BillStatus.OPEN


def may_be_opened(state: BillState, number: str) -> None:
    """Only a draft is opened. Raises Refused."""
    if state is not BillState.DRAFT:
        raise Refused(f"bill {number} is {state.value}, only a draft can be opened")


def may_be_voided(state: BillState, number: str, *, paid: int, currency: str) -> None:
    """Only with nothing paid. Raises Refused with what is in the way."""
    if state is BillState.VOID:
        raise Refused(f"bill {number} is void already")
    if paid:
        raise Refused(
            f"bill {number} has {shown(paid, currency)} paid on it; take its payments back and its "
            "prepayments off first"
        )


def to_pay(
    state: BillState, number: str, amount: int | None, *, outstanding: int, currency: str
) -> int:
    """How much is paid now: all that is owed unless an amount is given.

    Raises Refused, naming the excess, for more than is owed, and where nothing is.
    """
    if state is not BillState.OPEN:
        raise Refused(f"bill {number} is {state.value}; only an open one is paid")
    if not outstanding:
        raise Refused(f"nothing is owed on bill {number}", field="amount")
    wanted = outstanding if amount is None else amount
    if wanted <= 0:
        raise Refused("the amount must be more than nothing", field="amount")
    if wanted > outstanding:
        over = shown(wanted - outstanding, currency)
        raise Refused(
            f"that is {over} more than is owed on bill {number}; record what was paid beyond it as"
            " a prepayment",
            field="amount",
        )
    return wanted


def opened_entry(
    bill_id: str,
    *,
    costs: Mapping[str, int],
    tax: int,
    currency: str,
    issued_on: date | None = None,
) -> JournalEntry:
    """From now on it is owed: by category what it costs, and the tax apart. Minor units.

    It is of the day on the bill.
    """
    return JournalEntry(
        key=f"bill/{bill_id}/opened",
        postings=tuple(costed(costs, tax, currency, against=accounts.ACCOUNTS_PAYABLE, sign=1)),
        bill_id=bill_id,
        on=issued_on,
    )


def voided_entry(
    bill_id: str, *, costs: Mapping[str, int], tax: int, currency: str
) -> JournalEntry:
    """It was never owed: the mirror of having been opened."""
    return JournalEntry(
        key=f"bill/{bill_id}/voided",
        postings=tuple(costed(costs, tax, currency, against=accounts.ACCOUNTS_PAYABLE, sign=-1)),
        reverses=f"bill/{bill_id}/opened",
        bill_id=bill_id,
    )


def paid_entry(
    payment_id: str, bill_id: str, amount: Money, *, on: date | None = None
) -> JournalEntry:
    """Money left the bank for it, on that day."""
    return JournalEntry(
        key=f"bill_payment/{payment_id}/paid",
        postings=journal.lines(amount, debit=accounts.ACCOUNTS_PAYABLE, credit=accounts.BANK),
        bill_id=bill_id,
        on=on,
    )


def taken_back_entry(payment_id: str, bill_id: str, amount: Money) -> JournalEntry:
    """It did not, or the bank gave it back: the mirror."""
    return JournalEntry(
        key=f"bill_payment/{payment_id}/taken_back",
        postings=journal.lines(-amount, debit=accounts.ACCOUNTS_PAYABLE, credit=accounts.BANK),
        reverses=f"bill_payment/{payment_id}/paid",
        bill_id=bill_id,
    )


def costed(
    costs: Mapping[str, int], tax: int, currency: str, *, against: Account, sign: int
) -> Iterator[Posting]:
    """What costs and their tax come to on their accounts, and the whole `against` another.

    With a `sign` of -1 they cost that much less.
    """
    for name, net in costs.items():
        yield from _on(accounts.expenses(name), sign * net, currency)
    yield from _on(accounts.INPUT_TAX, sign * tax, currency)
    yield from _on(against, -sign * (sum(costs.values()) + tax), currency)


def _on(account: Account, signed: int, currency: str) -> Iterator[Posting]:
    """One side of an entry, debits above zero; none where it comes to nothing."""
    if signed:
        side = journal.Side.DEBIT if signed > 0 else journal.Side.CREDIT
        yield Posting(side, account, Money(abs(signed), currency))
