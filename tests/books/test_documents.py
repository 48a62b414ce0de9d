"""Statuses of invoices and deposits follow from their amounts."""

from datetime import date

import pytest

from reconciler.books import deposits, invoices
from reconciler.books.deposits import AppliedStatus, PaymentStatus
from reconciler.books.invoices import InvoiceState, InvoiceStatus
from reconciler.errors import Invalid, Refused

TODAY = date(2026, 11, 22)

INVOICES = {
    "a-draft": (InvoiceState.DRAFT, {}, InvoiceStatus.DRAFT),
    "void": (InvoiceState.VOID, {}, InvoiceStatus.VOID),
    "sent": (InvoiceState.SENT, {}, InvoiceStatus.SENT),
    "paid-in-part": (InvoiceState.SENT, {"paid": 1}, InvoiceStatus.PARTIALLY_PAID),
    "paid": (InvoiceState.SENT, {"paid": 100}, InvoiceStatus.PAID),
    "paid-and-credited": (InvoiceState.SENT, {"paid": 40, "credited": 60}, InvoiceStatus.PAID),
    "credited-by-hand": (InvoiceState.SENT, {"credited": 100}, InvoiceStatus.PAID),
    "all-went-back": (
        InvoiceState.SENT,
        {"credited": 100, "refunded": 100},
        InvoiceStatus.REFUNDED,
    ),
    "a-part-went-back": (
        InvoiceState.SENT,
        {"paid": 40, "credited": 60, "refunded": 60},
        InvoiceStatus.PAID,
    ),
    "written-off": (
        InvoiceState.SENT,
        {"paid": 40, "credited": 60, "written_off": 60},
        InvoiceStatus.WRITTEN_OFF,
    ),
    "a-part-is-written-off": (
        InvoiceState.SENT,
        {"credited": 60, "written_off": 60},
        InvoiceStatus.SENT,
    ),
    "due-today": (InvoiceState.SENT, {"due_on": TODAY}, InvoiceStatus.SENT),
    "due-yesterday": (InvoiceState.SENT, {"due_on": date(2026, 11, 21)}, InvoiceStatus.OVERDUE),
    "paid-in-part-and-late": (
        InvoiceState.SENT,
        {"paid": 1, "due_on": date(2026, 11, 21)},
        InvoiceStatus.OVERDUE,
    ),
    "paid-and-once-due": (
        InvoiceState.SENT,
        {"paid": 100, "due_on": date(2026, 11, 21)},
        InvoiceStatus.PAID,
    ),
}


@pytest.mark.parametrize("case", INVOICES, ids=str)
def test_an_invoice_says_where_it_stands(case: str) -> None:
    state, amounts, word = INVOICES[case]
    given = {"total": 100, "paid": 0, "credited": 0, "refunded": 0, "written_off": 0}
    given |= {"due_on": None} | amounts
    assert invoices.status(state, today=TODAY, **given) is word


def test_nothing_is_owed_below_zero() -> None:
    assert invoices.outstanding(total=100, paid=30, credited=20) == 50
    with pytest.raises(AssertionError):
        invoices.outstanding(total=100, paid=90, credited=20)


def test_only_a_draft_is_sent() -> None:
    invoices.may_be_sent(InvoiceState.DRAFT, "INV-1")
    for state in (InvoiceState.SENT, InvoiceState.VOID):
        with pytest.raises(Refused, match=state.value):
            invoices.may_be_sent(state, "INV-1")


def test_only_an_invoice_without_money_is_voided() -> None:
    invoices.may_be_voided(InvoiceState.SENT, "INV-1", paid=0, credited=0)
    for state, paid, credited in (
        (InvoiceState.VOID, 0, 0),
        (InvoiceState.SENT, 1, 0),
        (InvoiceState.SENT, 0, 1),
    ):
        with pytest.raises(Refused):
            invoices.may_be_voided(state, "INV-1", paid=paid, credited=credited)


def test_only_what_is_owed_or_spoken_of_is_credited() -> None:
    owed = {"outstanding": 60, "currency": "USD"}
    invoices.may_be_credited("INV-1", 60, paid=0, **owed)
    invoices.may_be_credited("INV-1", 100, paid=40, **owed)
    with pytest.raises(Invalid, match="more than nothing") as nothing:
        invoices.may_be_credited("INV-1", 0, paid=0, **owed)
    assert nothing.value.field == "amount"
    with pytest.raises(Refused, match=r"is owed USD 0\.60, not more; .* the USD 0\.40 beyond"):
        invoices.may_be_credited("INV-1", 100, paid=0, **owed)
    with pytest.raises(Refused, match=r"has USD 1\.00 left, not more"):
        invoices.may_be_credited("INV-1", 101, paid=40, **owed)


@pytest.mark.parametrize(
    ("tax", "revenue"), [(0, -119), (19, -100), (119, 0)], ids=["none", "some", "all"]
)
def test_tax_is_owed_on_and_what_is_voided_mirrors_what_was_sent(tax: int, revenue: int) -> None:
    amounts = {"total": 119, "tax": tax, "currency": "USD"}
    sent = invoices.sent_entry("inv_1", **amounts, issued_on=TODAY)
    booked = {line.account.role.value: line.signed for line in sent.postings}
    assert booked == {
        role: amount
        for role, amount in {
            "accounts_receivable": 119,
            "revenue": revenue,
            "sales_tax_payable": -tax,
        }.items()
        if amount
    }
    assert sent.on == TODAY

    voided = invoices.voided_entry("inv_1", **amounts)
    assert voided.reverses == sent.key
    assert {line.account.role.value: -line.signed for line in voided.postings} == booked


DEPOSITS = {
    (0, 0, 0): (0, PaymentStatus.PENDING, AppliedStatus.UNAPPLIED),
    (60, 0, 0): (60, PaymentStatus.PENDING, AppliedStatus.UNAPPLIED),
    (100, 0, 0): (100, PaymentStatus.CLEARED, AppliedStatus.UNAPPLIED),
    (100, 30, 0): (70, PaymentStatus.CLEARED, AppliedStatus.PARTIALLY_APPLIED),
    (100, 70, 30): (0, PaymentStatus.CLEARED, AppliedStatus.COMPLETED),
    (100, 0, 100): (0, PaymentStatus.CLEARED, AppliedStatus.COMPLETED),
    (100, 100, 0): (0, PaymentStatus.CLEARED, AppliedStatus.COMPLETED),
}


@pytest.mark.parametrize("amounts", DEPOSITS, ids=str)
def test_a_deposit_says_where_it_stands(amounts: tuple[int, int, int]) -> None:
    received, applied, refunded = amounts
    rest, paid, used = DEPOSITS[amounts]
    given = {"received": received, "applied": applied, "refunded": refunded}
    assert deposits.remaining(**given) == rest
    assert deposits.payment_status(amount=100, received=received) is paid
    assert deposits.applied_status(**given) is used


def test_no_deposit_is_used_twice() -> None:
    with pytest.raises(AssertionError):
        deposits.remaining(received=100, applied=60, refunded=50)


def test_what_is_tax_and_nothing_else_is_no_revenue() -> None:
    for entry in (invoices.sent_entry, invoices.voided_entry):
        made = entry("inv_1", total=100, tax=100, currency="USD")
        assert {posting.account.role for posting in made.postings} == {
            "accounts_receivable",
            "sales_tax_payable",
        }
