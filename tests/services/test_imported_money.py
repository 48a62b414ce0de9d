"""Documents that come over with their tax, their lines, and what was paid on them already."""

from datetime import date, timedelta

import pytest

from reconciler.reads import export_text
from reconciler.reads.export_rows import Window
from reconciler.services import closings, customers, imports, reminders
from reconciler.services.reminders import PlanChange
from tests import builders
from tests.runtime import SOMEBODY, Office
from tests.services.test_imports import given, look, refused, take

LAST_YEAR = """kind,external_id,name,email,overpayment_policy,rail_customers,customer_id,vendor_id,number,code,currency,total,tax,amount,state,issued_on,due_on,expires_on,received_on,applied_on,paid_on,source,reference,description,quantity,unit_price,tax_rate,category
customer,c-1,Ann Lee,ann@example.com,deposit,stripe:cus_1; other:7,,,,,,,,,,,,,,,,,,,,,,
vendor,v-1,Ink and Co,ink@example.com,,,,,,,,,,,,,,,,,,,,,,,,
invoice,,,,,,c-1,,R-1,,USD,11900,1900,,sent,2025-03-01,2025-03-31,,,,,,,A wall,,,,
invoice_line,,,,,,,,R-1,,USD,,,,,,,,,,,,,Bricks,2,3000,19,
invoice_line,,,,,,,,R-1,,USD,,,,,,,,,,,,,Work,1,4000,19,
invoice,,,,,,c-1,,R-2,,USD,5350,350,,sent,2025-04-01,,,,,,,,Paint,,,7,
deposit,,,,,,c-1,,,D-1,USD,,,6000,,,2025-02-10,2025-02-20,,,,,,,,,,
receipt,k-1,,,,,,,,D-1,USD,,,6000,,,,,2025-02-05,,,bank_transfer,E2E 77,,,,,
application,k-2,,,,,,,R-1,D-1,USD,,,5000,,,,,,2025-03-05,,,,,,,,
receipt,k-3,,,,,,,R-1,,USD,,,3000,,,,,2025-03-20,,,check,No. 12,,,,,
bill,,,,,,,v-1,B-7,,USD,10700,700,,open,2025-05-01,2025-05-31,,,,,,,,,,,
bill_line,,,,,,,v-1,B-7,,USD,,,,,,,,,,,,,Ink,10,1000,7,Office supplies
bill_payment,k-4,,,,,,v-1,B-7,,USD,,,700,,,,,,,2025-05-09,,SEPA 9,,,,,
"""  # noqa: E501


def test_last_year_comes_over_with_its_money_each_on_its_own_day(office: Office) -> None:
    seen = look(office, LAST_YEAR)
    assert (seen.refused, office.scalar("select count(*) from payment")) == (0, 0)
    made = take(office, LAST_YEAR)
    assert made.counts == seen.counts
    assert made.total("new") == 13
    r1, r2 = (office.scalar(f"select id from invoice where number = 'R-{n}'") for n in (1, 2))
    assert builders.paid_on(office, r1) == (8_000, 0, 3_900)
    assert builders.paid_on(office, r2) == (0, 0, 5_350)
    held = office.rows("select * from deposit")[0]
    assert builders.held_on(office, held.id) == (6_000, 5_000, 0, 1_000)
    assert (held.due_on, held.expires_on) == (date(2025, 2, 10), date(2025, 2, 20))
    assert office.scalar("select outstanding from bill") == 10_000
    assert builders.balances(office) == {
        "accounts_receivable": 9_250, "revenue": -15_000, "sales_tax_payable": -2_250,
        "customer_deposits": -1_000, "undeposited": 9_000, "expenses": 10_000, "input_tax": 700,
        "accounts_payable": -10_000, "bank": -700,
    }  # fmt: skip
    days = office.rows("select posted_on, split_part(key, '/', 1) as what from journal_entry")
    assert {(str(row.posted_on), row.what) for row in days} >= {
        ("2025-03-01", "invoice"), ("2025-02-05", "allocation"), ("2025-03-05", "application"),
        ("2025-03-20", "allocation"), ("2025-05-01", "bill"), ("2025-05-09", "bill_payment"),
    }  # fmt: skip
    assert {row.posted_on.year for row in days} == {2025}
    assert office.violations() == []


def test_the_same_file_twice_is_once_and_a_changed_receipt_is_refused(office: Office) -> None:
    take(office, LAST_YEAR)
    before = office.rows("select count(*) from posting")
    again = take(office, LAST_YEAR)
    assert again.import_id is None
    assert {status for found in again.counts.values() for status in found} == {"unchanged"}
    assert office.rows("select count(*) from posting") == before
    told = refused(office, LAST_YEAR.replace("USD,,,3000,", "USD,,,2999,"))
    assert told == [(11, "amount", "k-3 is there, and of another amount or day")]
    told = refused(office, LAST_YEAR.replace("Work,1,4000,19", "Work,2,2000,19"))
    assert told == [(4, "number", "R-1 is there, is sent, and says something else")]


@pytest.mark.thorough
def test_what_a_customer_is_called_and_wants_comes_over_and_is_changed(office: Office) -> None:
    take(office, LAST_YEAR)
    known = "select rail || ':' || rail_customer_id as it from customer_rail_id order by 1"
    assert [row.it for row in office.rows(known)] == ["other:7", "stripe:cus_1"]
    assert office.scalar("select overpayment_policy from customer") == "deposit"
    changed = LAST_YEAR.replace("deposit,stripe:cus_1; other:7", "hold,stripe:cus_9")
    assert take(office, changed).counts["customer"] == {"changed": 1}
    assert [row.it for row in office.rows(known)] == ["other:7", "stripe:cus_9"]
    assert office.scalar("select overpayment_policy from customer") == "hold"
    office.do(lambda w: customers.create(w, name="Bo", rail_customers={"stripe": "cus_2"}))
    rows = "external_id,name,rail_customers\nc-8,X,stripe:cus_2\nc-9,Y,stripe:cus_3\n"
    rows += "c-10,Z,stripe:cus_3\n"
    assert [bad[:2] for bad in refused(office, rows, "customer")] == [
        (2, "rail_customers"), (3, "rail_customers"), (4, "rail_customers"),
    ]  # fmt: skip


SHORT = """number,customer_id,currency,total,state,issued_on,paid,paid_on,paid_by,reference
S-1,c-1,USD,5000,paid,2025-06-01,5000,2025-06-09,cash,
S-2,c-1,USD,5000,sent,2025-06-01,2000,2025-06-10,bank transfer,E 5
"""


def test_an_invoice_says_in_its_row_what_was_paid_on_it(office: Office) -> None:
    take(office, "external_id,name\nc-1,Ann\n", "customer")
    take(office, SHORT.replace(",state,", ",status,"), "invoice")
    assert take(office, SHORT.replace(",state,", ",status,"), "invoice").import_id is None
    got = office.rows(
        """select i.number, i.outstanding, p.status, (p.occurred_at at time zone 'UTC')::date as day
        from invoice i join allocation a on a.invoice_id = i.id join payment p
        on p.id = a.payment_id order by 1"""
    )
    assert [(row.number, row.outstanding, str(row.day)) for row in got] == [
        ("S-1", 0, "2025-06-09"), ("S-2", 3_000, "2025-06-10"),
    ]  # fmt: skip
    assert office.violations() == []


@pytest.mark.parametrize(
    ("change", "at", "field"),
    [
        (("USD,11900,1900", "USD,11900,1800"), 4, "tax"),
        (("USD,11900,1900", "USD,12000,1900"), 4, "total"),
        (("Paint,,,7,", "Paint,,,,"), 7, "tax"),
        (("USD,10700,700", "USD,10701,700"), 12, "total"),
        (("bill_line,,,,,,,v-1,B-7", "bill_line,,,,,,,v-1,B-8"), 12, "category"),
        (("k-3,,,,,,,R-1", "k-3,,,,,,,R-9"), 11, "number"),
        (("k-1,,,,,,,,D-1", "k-1,,,,,,,,D-9"), 9, "code"),
        (("USD,,,3000,", "USD,,,6901,"), 11, "amount"),
        (("USD,,,5000,", "USD,,,6001,"), 10, "amount"),
        (("USD,,,6000,,,,,2025-02-05", "EUR,,,6000,,,,,2025-02-05"), 9, "currency"),
        (("2025-03-05", "2025-02-28"), 10, "applied_on"),
        (("2025-03-20", "2126-03-20"), 11, "issued_on"),
        (("USD,5350,350,,sent", "USD,5350,350,,void"), 7, "state"),
        (("c-1,,R-1,,USD", "c-9,,R-1,,USD"), 4, "customer_id"),
        (("v-1,B-7,,USD,10700", "v-9,B-7,,USD,10700"), 12, "vendor_id"),
    ],
)  # fmt: skip
def test_a_row_that_does_not_fit_the_others_is_named(office: Office, change, at, field) -> None:
    assert change[0] in LAST_YEAR
    told = refused(office, LAST_YEAR.replace(*change))
    assert (at, field) in [bad[:2] for bad in told], told


def test_money_on_a_draft_or_on_anothers_invoice_is_refused(office: Office) -> None:
    told = refused(office, LAST_YEAR.replace("1900,,sent", "1900,,draft"))
    assert [bad[:2] for bad in told] == [(10, "number"), (11, "number")]
    more = LAST_YEAR.replace("customer,c-1,", "customer,c-2,Bo\ncustomer,c-1,", 1)
    told = refused(office, more.replace("c-1,,,D-1", "c-2,,,D-1"))
    assert told == [(11, "number", "the invoice is another customer's")]


def test_into_closed_books_it_counts_on_the_first_open_day_and_keeps_its_own(
    office: Office,
) -> None:
    office.do(lambda work: closings.close(work, date(2025, 3, 1)))
    take(office, LAST_YEAR)
    late = office.rows(
        """select distinct split_part(key, '/', 1) as what, effective_on, posted_on
        from journal_entry where effective_on < posted_on order by 1, 2"""
    )
    assert {str(row.posted_on) for row in late} == {"2025-03-02"}
    assert [(row.what, str(row.effective_on)) for row in late if row.what == "invoice"] == [
        ("invoice", "2025-03-01")
    ]
    assert office.violations() == []


def test_a_deposit_is_not_used_on_a_day_that_is_closed(office: Office) -> None:
    office.do(lambda work: closings.close(work, date(2025, 3, 31)))
    [(line, field, why)] = refused(office, LAST_YEAR)
    assert (line, field) == (10, "applied_on")
    assert "closed through 2025-03-31" in why


def test_nobody_is_told_of_what_happened_elsewhere(office: Office) -> None:
    today = office.clock().date()
    house = PlanChange([0], receipts=True)
    office.do(lambda work: reminders.change(work, "house", house), SOMEBODY)
    late = (today - timedelta(days=1)).isoformat()
    take(office, LAST_YEAR.replace("2025-03-20", late))
    assert office.scalar("select count(*) from message") == 0


def test_what_is_exported_as_documents_comes_back_as_the_same(office: Office) -> None:
    take(office, LAST_YEAR)

    def leave(work, form: str) -> bytes:
        pieces = export_text.pieces(
            work.session, "documents", form, Window(), today=office.clock().date()
        )
        return "".join(pieces).encode()

    files = {form: office.do(lambda w, f=form: leave(w, f)) for form in ("csv", "json")}
    for body in files.values():
        again = office.runtime.rehearse(SOMEBODY, lambda w, b=body: imports.take(w, given(b)))
        assert again.refused == 0
        assert set(again.counts["receipt"]) == {"unchanged"}
        assert again.total("new") == 0
