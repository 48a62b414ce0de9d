"""Rows of a file for import: what each column says, and what is refused by its name."""

from datetime import date

import pytest

from reconciler.books import imports
from reconciler.books.import_kinds import ImportKind, Taken
from reconciler.books.imports import take
from reconciler.errors import Invalid

BILL = {"number": "R-1", "customer_id": "c-1", "currency": "usd", "total": "100"}


def test_an_invoice_is_read_as_the_api_and_the_exports_write_it():
    said = BILL | {"issued_on": "2026-11-22", "due_on": "", "description": "=1+1", "paid": "0"}
    assert take(ImportKind.INVOICE, said) == Taken(
        kind=ImportKind.INVOICE, key="r-1", name="R-1", customer_key="c-1", currency="USD",
        amount=100, issued_on=date(2026, 11, 22), state="draft", words="=1+1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({"status": "overdue"}, "sent"),
        ({"status": "draft", "state": "sent"}, "sent"),
        ({}, "draft"),
    ],
)
def test_a_state_is_said_or_shown(more, state):
    assert take(ImportKind.INVOICE, BILL | more).state == state


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"total": "1.00"}, "total"),
        ({"total": "٣"}, "total"),
        ({"total": "0"}, "total"),
        ({"total": ""}, "total"),
        ({"total": "9" * 17}, "total"),
        ({"total": str(10**15 + 1)}, "total"),
        ({"total_decimal": "1.01"}, "total"),
        ({"total_decimal": "1.001"}, "total_decimal"),
        ({"currency": "XYZ"}, "currency"),
        ({"number": ""}, "number"),
        ({"number": "a\nb"}, "number"),
        ({"customer_id": ""}, "customer_id"),
        ({"issued_on": "20261122"}, "issued_on"),
        ({"due_on": "2026-02-30"}, "due_on"),
        ({"due_on": "1066-01-01"}, "due_on"),
        ({"state": "void"}, "state"),
        ({"status": "paid"}, "status"),
        ({"paid": "0.01"}, "paid"),
        ({"paid": "10"}, "paid"),
        ({"credited": "1"}, "credited"),
        ({"tax_rate": "7"}, "tax"),
        ({"tax": "7", "tax_rate": "x"}, "tax_rate"),
        ({"paid": "10", "paid_on": "2026-01-02", "paid_by": "luck"}, "paid_by"),
        ({"paid": "10", "status": "paid", "paid_on": "2026-01-02"}, "status"),
    ],
)
def test_a_cell_that_cannot_be_right_is_named(change, field):
    with pytest.raises(Invalid) as refusal:
        imports.rows_of(ImportKind.INVOICE, BILL | change)
    assert refusal.value.field == field


def test_both_forms_of_an_amount_may_stand_beside_each_other():
    assert take(ImportKind.INVOICE, BILL | {"total_decimal": "1.00"}).amount == 100
    yen = BILL | {"currency": "JPY", "total": "", "total_decimal": "1,000"}
    assert take(ImportKind.INVOICE, yen).amount == 1_000


def test_the_other_kinds_are_read_alike():
    person = take(None, {"kind": "Customer", "id": "c-1", "name": "Ann", "email": "a@example.com"})
    assert (person.kind, person.key, person.email) == (ImportKind.CUSTOMER, "c-1", "a@example.com")
    assert take(ImportKind.CUSTOMER, {"external_id": "c", "name": "Bo"}).email is None
    project = {"external_id": "p", "customer_id": "c", "name": "K", "currency": "USD"}
    assert take(ImportKind.PROJECT, project | {"original_price": "5"}).amount == 5
    deposit = {"code": "D-1", "customer_id": "c", "currency": "USD", "amount": "5"}
    found = take(ImportKind.DEPOSIT, deposit | {"project_id": "p", "date": "2026-11-22"})
    assert (found.key, found.project_key, found.issued_on) == ("d-1", "p", date(2026, 11, 22))


def test_a_row_of_no_kind_is_refused():
    with pytest.raises(Invalid) as refusal:
        take(None, {"kind": "refund"})
    assert refusal.value.field == "kind"


@pytest.mark.parametrize(
    ("kind", "columns", "field"),
    [
        (None, ["external_id", "name"], "kind"),
        (ImportKind.CUSTOMER, ["external_id", "nmae"], "nmae"),
        (ImportKind.CUSTOMER, ["name", "name"], "name"),
        (ImportKind.CUSTOMER, ["external_id", "total"], "total"),
    ],
)
def test_a_column_that_means_nothing_is_refused(kind, columns, field):
    with pytest.raises(Invalid) as refusal:
        imports.columns_of(kind, columns)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        (None, ["kind", "number", "code"]),
        (ImportKind.INVOICE, ["id", "number", "total", "total_decimal", "outstanding_decimal"]),
    ],
)
def test_the_columns_of_an_export_are_known(kind, columns):
    imports.columns_of(kind, columns)
    with pytest.raises(Invalid):
        imports.columns_of(kind, [*columns, "odd"])


def test_the_mark_before_what_a_spreadsheet_would_run_is_taken_off_once() -> None:
    marked = {"'=1": "=1", "''-1": "'-1", "'O'Hara": "'O'Hara", "x": "x", "=1": "=1", "'": "'"}
    assert {cell: imports.unmarked(cell) for cell in marked} == marked
