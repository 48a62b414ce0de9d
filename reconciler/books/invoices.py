"""An invoice's status, read off its amounts and its day; never set by hand."""

from collections.abc import Iterator
from datetime import date
from enum import StrEnum

from reconciler.books import accounts
from reconciler.books.journal import JournalEntry, Posting, Side
from reconciler.errors import Invalid, Refused
from reconciler.money import Money, shown


class InvoiceState(StrEnum):
    """What a person did with it last; the rest of its status follows from money."""

    DRAFT = "draft"
    SENT = "sent"
    VOID = "void"


class InvoiceStatus(StrEnum):
    """What everybody sees."""

    DRAFT = "draft"
    SENT = "sent"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    OVERDUE = "overdue"
    VOID = "void"
    REFUNDED = "refunded"
    WRITTEN_OFF = "written_off"  # nothing is owed any more, because we bear the loss


def outstanding(*, total: int, paid: int, credited: int) -> int:
    """What is still owed, in minor units: total less credited and paid, never below zero."""
    rest = total - credited - paid
    assert rest >= 0, f"paid {paid} and credited {credited} of {total}"
    return rest


def status(  # noqa: PLR0913  amounts and a day are what it follows from
    state: InvoiceState,
    *,
    total: int,
    paid: int,
    credited: int,
    refunded: int,
    written_off: int,
    due_on: date | None,
    today: date,
) -> InvoiceStatus:
    """The derived status.

    `credited` is all that lowers what is owed without paying it; of that, `refunded` is what
    refunds took back and credited, and `written_off` what a bank took and we bear.
    """
    if state is not InvoiceState.SENT:
        return InvoiceStatus(state.value)
    if outstanding(total=total, paid=paid, credited=credited) == 0:
        if written_off:
            return InvoiceStatus.WRITTEN_OFF
        all_went_back = refunded > 0 and paid == 0
        return InvoiceStatus.REFUNDED if all_went_back else InvoiceStatus.PAID
    if due_on is not None and due_on < today:
        return InvoiceStatus.OVERDUE
    return InvoiceStatus.PARTIALLY_PAID if paid else InvoiceStatus.SENT


def may_be_sent(state: InvoiceState, number: str) -> None:
    """Only a draft is sent. Raises Refused."""
    if state is not InvoiceState.DRAFT:
        raise Refused(f"invoice {number} is {state.value}, only a draft can be sent")


def may_be_voided(state: InvoiceState, number: str, *, paid: int, credited: int) -> None:
    """Only with nothing allocated. Raises Refused with what is in the way."""
    if state is InvoiceState.VOID:
        raise Refused(f"invoice {number} is void already")
    if paid or credited:
        raise Refused(
            f"invoice {number} has money on it (paid {paid}, credited {credited} minor units); "
            "say what becomes of it, or unmatch or refund it first"
        )


def may_be_credited(
    number: str, amount: int, *, outstanding: int, paid: int, currency: str
) -> None:
    """Only what is owed, and of what was paid what somebody has spoken of. Raises Invalid, Refused.

    `paid`: what may become free; nothing where nobody said what becomes of it.
    """
    if amount <= 0:
        raise Invalid("the amount must be more than nothing", field="amount")
    if amount <= outstanding + paid:
        return
    left = shown(outstanding, currency)
    more = shown(amount - outstanding, currency)
    raise Refused(
        f"invoice {number} has {shown(outstanding + paid, currency)} left, not more"
        if paid
        else f"invoice {number} is owed {left}, not more; say what becomes of the {more}"
        " beyond it that were paid (freed_to)",
        field="amount",
    )


def sent_entry(
    invoice_id: str, *, total: int, tax: int, currency: str, issued_on: date | None = None
) -> JournalEntry:
    """From now on it is owed; of that, the tax is owed on and is no revenue. Minor units.

    It is of the day on the invoice.
    """
    return JournalEntry(
        key=f"invoice/{invoice_id}/sent",
        postings=tuple(_owed(Side.DEBIT, Side.CREDIT, total, tax, currency)),
        invoice_id=invoice_id,
        on=issued_on,
    )


def voided_entry(invoice_id: str, *, total: int, tax: int, currency: str) -> JournalEntry:
    """It was never owed: the mirror of having been sent."""
    return JournalEntry(
        key=f"invoice/{invoice_id}/voided",
        postings=tuple(_owed(Side.CREDIT, Side.DEBIT, total, tax, currency)),
        reverses=f"invoice/{invoice_id}/sent",
        invoice_id=invoice_id,
    )


def _owed(owed: Side, earned: Side, total: int, tax: int, currency: str) -> Iterator[Posting]:
    yield Posting(owed, accounts.ACCOUNTS_RECEIVABLE, Money(total, currency))
    if total > tax:
        yield Posting(earned, accounts.REVENUE, Money(total - tax, currency))
    if tax:
        yield Posting(earned, accounts.SALES_TAX_PAYABLE, Money(tax, currency))
