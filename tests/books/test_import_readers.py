"""Rows of money, of lines, of what is bought: what each says; what is refused is named."""

from datetime import date

import pytest

from reconciler.books import imports
from reconciler.books.import_kinds import ImportKind, Taken
from reconciler.books.imports import take
from reconciler.errors import Invalid
from tests.books.test_imports import BILL

BOUGHT = {"number": "B-1", "vendor_id": "V", "currency": "USD", "total": "119"}


def test_what_was_paid_on_a_document_is_a_row_of_its_own():
    paid = {"paid": "40", "paid_on": "2026-01-02", "paid_by": "Bank transfer", "reference": "x 1"}
    bill, receipt = imports.rows_of(ImportKind.INVOICE, BILL | paid | {"status": "partially_paid"})
    assert bill.state == "sent"
    assert receipt == Taken(
        kind=ImportKind.RECEIPT, key="invoice/r-1", name="R-1", currency="USD", amount=40,
        issued_on=date(2026, 1, 2), of_kind="invoice", of_key="r-1",
        more={"source": "bank_transfer", "reference": "x 1"},
    )  # fmt: skip
    _, all_of_it = imports.rows_of(
        ImportKind.INVOICE, BILL | {"paid": "100", "paid_on": "2026-01-02", "status": "paid"}
    )
    assert (all_of_it.amount, all_of_it.more) == (100, {"source": "other"})
    held = {"code": "D-1", "customer_id": "c", "currency": "USD", "amount": "5", "received": "5"}
    _, taken = imports.rows_of(ImportKind.DEPOSIT, held | {"paid_on": "2026-01-02"})
    assert (taken.of_kind, taken.of_key, taken.key) == ("deposit", "d-1", "deposit/d-1")
    bought = BOUGHT | {"category": "Travel", "paid_decimal": "1.00", "paid_on": "2026-01-02"}
    _, left = imports.rows_of(ImportKind.BILL, bought)
    assert (left.kind, left.customer_key, left.more) == (ImportKind.BILL_PAYMENT, "V", None)
    assert imports.rows_of(ImportKind.INVOICE, BILL | {"paid": "0"})[1:] == ()
    assert len(imports.rows_of(ImportKind.VENDOR, {"id": "V", "name": "Ink"})) == 1


def test_tax_stands_on_lines_or_is_of_one_rate():
    taxed = take(ImportKind.INVOICE, BILL | {"tax": "16", "tax_rate": "19", "description": "A\nb"})
    line = {"description": "A", "quantity": "1", "unit_price": 84, "tax_rate": "19"}
    assert taxed.more == {"tax": 16, "line": line | {"tax_name": None}}
    own = take(
        ImportKind.INVOICE_LINE,
        {"number": "R-1", "currency": "USD", "description": "Discount", "unit_price": "-5"},
    )
    assert (own.key, own.of_key, own.amount, own.more["quantity"]) == ("", "r-1", -5, "1")
    spent = {"number": "B-1", "vendor_id": "V", "currency": "USD", "unit_price_decimal": "1.50"}
    bought = take(
        ImportKind.BILL_LINE, spent | {"description": "Pens", "category": "Office supplies"}
    )
    assert (bought.customer_key, bought.more["category"]) == ("V", "office_supplies")
    owed = take(ImportKind.BILL, BOUGHT | {"category": "Travel", "tax": "19", "tax_rate": "19"})
    assert (owed.key, owed.state) == ("V/b-1", "draft")
    assert (owed.more["line"]["unit_price"], owed.more["line"]["category"]) == (100, "travel")
    plain = take(ImportKind.BILL, BOUGHT | {"category": "Travel", "state": "open"})
    assert (plain.state, plain.more["line"]["description"]) == ("open", "B-1")
    assert take(ImportKind.BILL, BOUGHT).more is None
    no_credit = {"credited": "0.00", "state": "sent"}
    assert take(ImportKind.INVOICE, BILL | no_credit).state == "sent"


def test_what_a_customer_is_called_and_wants_is_read():
    known = {"external_id": "c", "name": "Ann", "overpayment_policy": "Hold"}
    found = take(ImportKind.CUSTOMER, known | {"rail_customers": "stripe:cus_1; other:4:2;"})
    assert found.more == {
        "overpayment_policy": "hold", "rail_customers": {"stripe": "cus_1", "other": "4:2"},
    }  # fmt: skip
    for change in (
        {"overpayment_policy": "burn"}, {"rail_customers": "stripe:a; stripe:b"},
        {"rail_customers": "stripe"},
    ):  # fmt: skip
        with pytest.raises(Invalid) as refusal:
            take(ImportKind.CUSTOMER, known | change)
        assert refusal.value.field in change


@pytest.mark.parametrize(
    ("kind", "said", "field"),
    [
        ("receipt", {"received_on": "2026-01-02"}, "number"),
        ("receipt", {"number": "R", "code": "D", "received_on": "2026-01-02"}, "number"),
        ("receipt", {"number": "R"}, "received_on"),
        ("receipt", {"number": "R", "received_on": "2026-01-02", "source": "luck"}, "source"),
        ("application", {"code": "D"}, "number"),
        ("bill_payment", {"number": "B", "vendor_id": "V"}, "paid_on"),
        ("bill_payment", {"number": "B", "paid_on": "2026-01-02"}, "vendor_id"),
        ("invoice_line", {"number": "R", "description": "x"}, "unit_price"),
        ("invoice_line", {"number": "R", "unit_price": "1"}, "description"),
        ("deposit", {"code": "D", "customer_id": "c", "due_on": "2026-02-02",
                     "expires_on": "2026-02-01"}, "expires_on"),
        ("deposit", {"code": "D", "customer_id": "c", "applied": "3"}, "applied"),
        ("vendor", {"email": "no"}, "name"),
    ],
)  # fmt: skip
def test_a_row_of_money_that_cannot_be_right_is_named(kind, said, field):
    base = {"external_id": "k", "currency": "USD", "amount": "5"}
    with pytest.raises(Invalid) as refusal:
        imports.rows_of(None, {"kind": kind} | base | said)
    assert refusal.value.field == field


def test_rows_of_money_are_known_again_by_what_they_are_called():
    base = {"currency": "USD", "amount": "5"}
    day = {"received_on": "2026-01-02", "external_id": "k-1", "code": "D-1", "source": "cash"}
    got = take(ImportKind.RECEIPT, base | day)
    assert (got.key, got.of_kind, got.of_key, got.more) == (
        "k-1", "deposit", "d-1", {"source": "cash"},
    )  # fmt: skip
    used = take(ImportKind.APPLICATION, base | {"code": "D-1", "number": "R-1"})
    assert (used.key, used.of_key, used.more, used.issued_on) == (
        "d-1/r-1", "d-1", {"invoice": "r-1"}, None,
    )  # fmt: skip
    assert take(ImportKind.APPLICATION, base | day | {"number": "R-1"}).key == "k-1"
    paid = {"external_id": "k-2", "number": "B-1", "vendor_id": "V", "paid_on": "2026-01-02"}
    assert take(ImportKind.BILL_PAYMENT, base | paid).of_key == "b-1"
    vendor = {"id": "V", "name": "Ink", "email": "i@example.com", "notes": "n"}
    assert take(ImportKind.VENDOR, vendor).words == "n"
    later = {"code": "D", "customer_id": "c", "expires_on": "2026-02-01"}
    assert take(ImportKind.DEPOSIT, base | later).more == {"expires_on": "2026-02-01"}


DEPOSIT = {"code": "D", "customer_id": "c", "currency": "USD", "amount": "5"}


def test_what_was_used_elsewhere_is_not_taken_over_and_nothing_is_nothing():
    assert take(ImportKind.DEPOSIT, DEPOSIT | {"applied": "0.00"}).key == "d"
    with pytest.raises(Invalid) as refusal:
        take(ImportKind.DEPOSIT, DEPOSIT | {"applied": "5"})
    assert refusal.value.field == "applied"


def test_what_was_paid_already_needs_its_day():
    with pytest.raises(Invalid, match="paid_on") as refusal:
        imports.rows_of(ImportKind.DEPOSIT, DEPOSIT | {"received": "5"})
    assert refusal.value.field == "received"
