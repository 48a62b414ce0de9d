"""Taking documents over from a file: all or none, twice is once, and the books stay right."""

import io
import json

import pytest

from reconciler.books.import_kinds import ImportKind
from reconciler.errors import Invalid
from reconciler.services import imports, receipts
from reconciler.services.imports import Given, NotTaken
from reconciler.services.receipts import Receipt
from tests import builders
from tests.runtime import SOMEBODY

PEOPLE = "kind,external_id,name,email\ncustomer,c-1,Ann Lee,ann@example.com\ncustomer,c-2,Bo,\n"
ALL = """kind,external_id,customer_id,name,currency,original_price_decimal,number,total,state,code,amount_decimal,project_id,due_on
customer,c-1,,Ann Lee,,,,,,,,,
project,p-1,c-1,Kitchen,USD,"1,000.00",,,,,,,
invoice,,c-1,,USD,,R-1,40000,sent,,,p-1,2026-12-24
invoice,,c-1,,EUR,,R-2,500,draft,,,,
deposit,,c-1,,USD,,,,,D-1,300.00,p-1,
"""  # noqa: E501


def given(text, kind=None, name="rows.csv") -> Given:
    body = text if isinstance(text, bytes) else text.encode()
    return Given(io.BytesIO(body), name, ImportKind(kind) if kind else None)


def take(office, text, kind=None):
    return office.do(lambda work: imports.take(work, given(text, kind)))


def look(office, text, kind=None):
    return office.runtime.rehearse(SOMEBODY, lambda work: imports.look(work, given(text, kind)))


def refused(office, text, kind=None):
    """Line, column and reason of each row that is refused; nothing was written."""
    before = counted(office)
    seen = look(office, text, kind)
    with pytest.raises(NotTaken) as refusal:
        take(office, text, kind)
    assert counted(office) == before
    assert refusal.value.outcome.bad == seen.bad
    assert refusal.value.outcome.refused == seen.refused
    return [(bad.line, bad.field, bad.why) for bad in seen.bad]


def counted(office) -> list[int]:
    tables = ("customer", "project", "invoice", "deposit", "journal_entry", "imported_key",
              "import_file", "audit_line")  # fmt: skip
    return [office.scalar(f"select count(*) from {table}") for table in tables]


def test_customers_projects_invoices_and_deposits_come_over_in_one_go(office):
    seen = look(office, ALL)
    assert counted(office) == [0] * 8
    made = take(office, ALL)
    assert made.counts == seen.counts == {
        "customer": {"new": 1}, "deposit": {"new": 1}, "invoice": {"new": 2}, "project": {"new": 1},
    }  # fmt: skip
    invoice = office.rows("select * from invoice where number = 'R-1'")[0]
    project = office.rows("select * from project")[0]
    assert (invoice.total, invoice.outstanding, invoice.state) == (40_000, 40_000, "sent")
    assert (invoice.project_id, str(invoice.due_on)) == (project.id, "2026-12-24")
    assert (project.original_price, project.approved_price) == (100_000, 100_000)
    assert office.scalar("select amount from deposit") == 30_000
    assert builders.balances(office) == {"accounts_receivable": 40_000, "revenue": -40_000}
    assert office.violations() == []


def test_the_same_file_twice_changes_nothing(office):
    take(office, ALL)
    before = counted(office)
    again = take(office, ALL)
    assert again.imported_before
    assert again.import_id is None
    assert {found for kinds in again.counts.values() for found in kinds} == {"unchanged"}
    assert counted(office) == before


def test_what_was_taken_over_is_paid_and_found_like_anything_else(office):
    take(office, ALL)
    invoice = office.scalar("select id from invoice where number = 'R-1'")
    receipt = Receipt("cash", office.clock().date(), 15_000)
    office.do(lambda work: receipts.receive(work, invoice, receipt))
    assert builders.paid_on(office, invoice) == (15_000, 0, 25_000)
    assert office.violations() == []
    assert take(office, ALL).total("unchanged") == 5


def test_a_changed_row_changes_what_is_there(office):
    take(office, ALL)
    after = (
        ALL.replace("Ann Lee", "Anna Lee").replace("R-2,500", "R-2,700").replace("300.00", "250")
    )
    made = take(office, after)
    assert made.counts == {
        "customer": {"changed": 1}, "deposit": {"changed": 1},
        "invoice": {"changed": 1, "unchanged": 1}, "project": {"unchanged": 1},
    }  # fmt: skip
    assert office.scalar("select name from customer") == "Anna Lee"
    assert office.scalar("select total from invoice where number = 'R-2'") == 700
    assert office.scalar("select amount from deposit") == 25_000
    assert office.violations() == []


def test_what_stands_in_the_books_is_not_changed_by_a_file(office):
    take(office, ALL)
    deposit = office.scalar("select id from deposit")
    receipt = Receipt("cash", office.clock().date(), 100)
    office.do(lambda work: receipts.receive(work, deposit, receipt))
    after = ALL.replace("R-1,40000", "R-1,30000").replace("300.00", "250.00")
    after = after.replace('"1,000.00"', '"2,000.00"')
    assert refused(office, after) == [
        (3, "original_price",
         "is there with another customer or price; a change order moves a price"),
        (4, "number", "R-1 is there, is sent, and says something else"),
        (6, "code", "D-1 has received money, and says something else"),
    ]  # fmt: skip


def test_each_bad_row_is_named_and_none_is_taken_over(office):
    rows = """kind,external_id,customer_id,name,currency,total,total_decimal,number,state,issued_on
customer,c-1,,Ann,,,,,,
customer,c-1,,Bo,,,,,,
customer,,,Nobody,,,,,,
other,c-3,,X,,,,,,
invoice,,c-1,,USD,12.50,,R-1,,
invoice,,c-9,,USD,100,,R-2,,
invoice,,c-1,,XYZ,100,,R-3,,
invoice,,c-1,,USD,100,1.01,R-4,,
invoice,,c-1,,USD,0,,R-5,,
invoice,,c-1,,USD,100,,R-6,void,
invoice,,c-1,,USD,100,,R-7,,2026-02-30
invoice,,c-1,,USD,100,,R-8,,
invoice,,c-1,,USD,100,,r-8 ,,
"""
    found = refused(office, rows)
    assert [(line, field) for line, field, _ in found] == [
        (3, "file"), (4, "id"), (5, "kind"), (6, "total"), (7, "customer_id"), (8, "currency"),
        (9, "total"), (10, "total"), (11, "state"), (12, "issued_on"), (14, "file"),
    ]  # fmt: skip
    assert found[0][2] == "the same as line 2"
    assert "total_decimal" in found[3][2]


def test_what_money_did_elsewhere_is_not_taken_over(office):
    take(office, PEOPLE)
    head = "number,customer_id,currency,total,paid,credited,tax\n"
    assert [f for _, f, _ in refused(office, head + "R-1,c-1,USD,100,5,0,0\n", "invoice")] == [
        "paid"
    ]
    assert [f for _, f, _ in refused(office, head + "R-1,c-1,USD,100,0,0,7\n", "invoice")] == [
        "tax"
    ]
    assert take(office, head + "R-1,c-1,USD,100,0,0.00,\n", "invoice").total("new") == 1


@pytest.mark.thorough
def test_a_project_is_not_billed_beyond_its_price(office):
    take(office, ALL)
    head = "number,customer_id,project_id,currency,total\n"
    rows = head + "R-8,c-1,p-1,USD,60000\nR-9,c-1,p-1,USD,1\n"
    assert [line for line, _, _ in refused(office, rows, "invoice")] == [2, 3]
    assert take(office, head + "R-8,c-1,p-1,USD,60000\n", "invoice").total("new") == 1
    other = head + "R-7,c-2,p-1,USD,1\n"
    take(office, PEOPLE)
    [(_, field, why)] = refused(office, other, "invoice")
    assert (field, "another customer" in why) == ("project_id", True)
    [(_, field, _)] = refused(office, head + "R-6,c-1,p-9,USD,1\n", "invoice")
    assert field == "project_id"


def test_json_says_the_same(office):
    rows = [
        {"kind": "customer", "external_id": "c-1", "name": "Ann [Lee], {x}"},
        {"kind": "invoice", "number": "R-1", "customer_id": "c-1", "currency": "USD",
         "total": 500, "state": "sent", "due_on": None},
    ]  # fmt: skip
    each = [json.dumps(row) for row in rows]
    whole = [json.dumps(rows), json.dumps(rows, indent=2), "[]"]
    for text in [*whole, "\n".join(each), "[\n" + ",\n".join(each) + "]\n"]:
        take(office, text)
    assert office.scalar("select count(*) from invoice") == 1
    assert office.violations() == []


def test_rows_on_one_line_are_told_apart(office):
    def rows(second):
        return json.dumps(
            [{"kind": "customer", "external_id": f"c-{n}", "name": n} for n in ("Ann", second)]
        )

    take(office, rows("Bo"))
    assert take(office, rows("Bo")).counts == {"customer": {"unchanged": 2}}
    [(line, field, why)] = refused(office, rows("Ann"))
    assert (line, field, why) == (1, "file", "the same as line 1")
    kept = office.rows("select subject_id, name from imported_row order by place")
    there = office.rows("select id, name from customer order by name")
    assert [tuple(row) for row in kept] == [tuple(row) for row in there]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"kind,external_id,name\ncustomer,c-1,Ann\ncustomer,c-2,Jos\xe9\n", "line 3 is not UTF-8"),
        (b"kind,external_id,name\ncustomer,c-1,A\0n\n", "line 2 holds a zero byte"),
        ("kind,external_id,name\ncustomer,c-1," + "x" * 300_000 + "\n", "longer than any row"),
        ("kind,external_id,nmae\ncustomer,c-1,Ann\n", "no column 'nmae'"),
        ("kind,kind,name\n", "twice"),
        ("external_id,name\nc-1,Ann\n", "say what the rows are"),
        ('kind,external_id,name\ncustomer,c-1,"Ann\n', "line 2"),
        ("kind,external_id,name\ncustomer,c-1,Ann,more\n", "more cells"),
        ("[1]", "a row is an object"),
        ('[{"kind": "customer", "total": 1.5}]', "whole number"),
        ('[{"kind": "customer", "name": "Ann"', "no JSON"),
    ],
)
def test_a_file_that_is_no_table_says_where(office, text, why):
    with pytest.raises(Invalid, match=why):
        take(office, text)
    assert counted(office) == [0] * 8


def test_a_name_that_a_spreadsheet_would_run_is_a_name(office):
    take(office, "external_id,name\nc-1,'=1+1\nc-2,=2+2\nc-3,'O'Hara\n", "customer")
    names = [row.name for row in office.rows("select name from customer ")]
    assert sorted(names) == ["'O'Hara", "=1+1", "=2+2"]


def test_semicolons_and_tabs_divide_as_well(office):
    take(office, "external_id;name\nc-1;Lee, Ann\n", "customer")
    take(office, "\ufeffexternal_id\tname\r\nc-2\tBo\r\n", "customer")
    assert office.scalar("select count(*) from customer") == 2


@pytest.mark.thorough
def test_thousands_of_rows_are_one_transaction(office):
    people = "".join(f"customer,c-{n},Customer {n},,,,\n" for n in range(500))
    bills = "".join(f"invoice,,,c-{n % 500},R-{n},USD,{n + 1}\n" for n in range(5_000))
    head = "kind,external_id,name,customer_id,number,currency,total,state\n"
    body = head + people.replace(",,,,\n", ",,,,,\n") + bills.replace("\n", ",sent\n")
    made = take(office, body)
    assert (made.total("new"), made.refused) == (5_500, 0)
    assert builders.balances(office)["revenue"] == -sum(range(1, 5_001))
    assert office.violations() == []
    assert take(office, body).total("unchanged") == 5_500
