"""Writing invoices with lines on the screen, and money by hand, credit notes and voids on them."""

import re
from collections import Counter
from contextlib import contextmanager
from datetime import date

import pytest

from reconciler.services import customers, invoices, receipts
from reconciler.services.invoices import NewInvoice
from reconciler.services.receipts import Receipt
from tests.web.screens import Screens, said

_numbers = Counter()
LINES = {
    "line_description": ["Design", "Hosting", ""],
    "line_quantity": ["2.5", "", ""],
    "line_unit_price": ["400.00", "9.99", ""],
    "line_tax_rate": ["19", "7 %", ""],
    "line_tax_name": ["VAT", "", ""],
}


def sheet(customer_id: str, do: str, **more) -> list[tuple[str, str]]:
    """The editor's form, as a browser sends it."""
    about = {"customer_id": customer_id, "currency": "usd", "number": "", "issued_on": "",
             "due_on": "2027-01-31", "description": "Website", "do": do}  # fmt: skip
    cells = [(name, value) for name, values in (LINES | more).items() for value in values]
    return [*about.items(), *cells]


@pytest.fixture
def ann(company: Screens) -> str:
    return company.office.do(lambda work: customers.create(work, name="Ann Lee"))


@pytest.fixture
def owed(company: Screens, ann: str) -> str:
    """A sent invoice of 100.00."""
    _numbers["made"] += 1
    new = NewInvoice(
        customer_id=ann, currency="USD", total=10_000, number=f"DEED-{_numbers['made']}"
    )

    def step(work):
        made = invoices.create(work, new)
        invoices.send(work, made)
        return made

    return company.office.do(step)


@pytest.fixture(scope="module")
def company(standing: Screens) -> Screens:
    """An office of these tests alone, each with documents of its own."""
    return standing


@contextmanager
def unchanged(company: Screens):
    before = company.books()
    yield
    assert company.books() == before


def pay(company: Screens, invoice_id: str, amount: int) -> None:
    receipt = Receipt("cash", date(2026, 11, 20), amount)
    company.office.do(lambda work: receipts.receive(work, invoice_id, receipt))


def inputs(page: str, name: str) -> list[str]:
    return re.findall(rf'<input name="{name}"[^>]* value="([^"]*)"', page)


def test_lines_are_added_and_removed_by_plain_forms(company, ann):
    rae = company.as_("reconciler")
    page = rae.post("/invoices/new", sheet(ann, "add")).get_data(as_text=True)
    assert inputs(page, "line_description") == ["Design", "Hosting", "", ""]
    page = rae.post("/invoices/new", sheet(ann, "remove-0")).get_data(as_text=True)
    assert inputs(page, "line_description") == ["Hosting", ""]
    assert inputs(page, "line_unit_price") == ["9.99", ""]


def test_what_it_comes_to_is_shown_before_it_is_saved(company, ann):
    with unchanged(company):
        answer = company.as_("reconciler").post("/invoices/new", sheet(ann, "look"))
    text = said(answer)
    assert answer.status_code == 200
    assert "VAT, 19 % of $1,000.00 $190.00" in text
    assert "Tax, 7 % of $9.99 $0.70" in text
    assert "Total $1,200.69" in text


def test_a_draft_is_saved_changed_and_sent(company, ann):
    rae = company.as_("reconciler")
    made = rae.post("/invoices/new", sheet(ann, "save"))
    assert made.status_code == 303
    name = made.location.split("/invoices/")[1].split("?")[0]
    page = rae.read(f"/invoices/{name}")
    assert "VAT, 19 % $190.00" in page
    assert "$1,200.69" in page
    editor = rae.get(f"/invoices/{name}/edit").get_data(as_text=True)
    assert inputs(editor, "line_unit_price") == ["400.00", "9.99"]
    rev = company.office.scalar("select rev from invoice where id = :id", id=name)
    short = {column: values[:1] for column, values in LINES.items()}
    changed = [*sheet(ann, "save", **short), ("rev", rev)]
    assert rae.post(f"/invoices/{name}/edit", changed).status_code == 303
    stale = rae.post(f"/invoices/{name}/edit", changed)
    assert (stale.status_code, "changed meanwhile" in said(stale)) == (409, True)
    rev = company.office.scalar("select rev from invoice where id = :id", id=name)
    assert rae.post(f"/invoices/{name}/send", {"rev": rev}).status_code == 303
    row = company.office.rows("select state, total, tax from invoice where id = :id", id=name)[0]
    assert tuple(row) == ("sent", 119_000, 19_000)
    assert rae.get(f"/invoices/{name}/edit").status_code == 409


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"line_quantity": ["x", "", ""]}, "is not such a number"),
        ({"line_unit_price": ["", "9.99", ""]}, "Write a price"),
        ({"line_unit_price": ["4,00", "9.99", ""]}, "is not an amount"),
        ({"line_tax_rate": ["190", "", ""]}, "at most 100 percent"),
        ({"line_description": ["", "Hosting", ""]}, "must not be empty"),
    ],
)
def test_a_line_that_cannot_be_read_is_shown_as_it_was_typed(company, ann, changed, words):
    with unchanged(company):
        answer = company.as_("reconciler").post("/invoices/new", sheet(ann, "save", **changed))
    assert answer.status_code == 422
    assert words in said(answer)
    [name] = changed
    page = answer.get_data(as_text=True)
    assert inputs(page, name)[:2] == changed[name][:2]
    assert page.count('aria-invalid="true"') == 1


def test_money_by_hand_is_all_that_is_left_unless_said_otherwise(company, owed):
    rae = company.as_("reconciler")
    page = rae.get(f"/invoices/{owed}/receive").get_data(as_text=True)
    assert re.search(r'id="amount"[^>]* value="100.00"', page)
    more = {"amount": "125.00", "source": "check", "received_on": "2026-11-20", "reference": "7"}
    with unchanged(company):
        answer = rae.post(f"/invoices/{owed}/receive", more)
    assert (answer.status_code, "$25.00 more than is owed" in said(answer)) == (422, True)
    meant = rae.post(f"/invoices/{owed}/receive", more | {"allow_overpayment": "1"})
    assert meant.status_code == 303
    assert company.office.scalar("select paid from invoice where id = :id", id=owed) == 10_000


def test_a_credit_note_says_first_what_it_does(company, owed):
    pay(company, owed, 8_000)
    rae = company.as_("reconciler")
    form = {"amount": "50.00", "reason": "less", "freed_to": "credit", "once": f"cn-{owed}"}
    with unchanged(company):
        looked = said(rae.post(f"/invoices/{owed}/credit", form | {"do": "look"}))
        unsaid = rae.post(f"/invoices/{owed}/credit", {"amount": "50.00", "reason": "less"})
    assert "is owed $0.00 instead of $20.00" in looked
    assert "$30.00 of the payment is unapplied instead of $0.00" in looked
    assert (unsaid.status_code, "say what becomes of the $30.00" in said(unsaid)) == (422, True)
    for _ in range(2):  # a double click writes one note
        assert rae.post(f"/invoices/{owed}/credit", form | {"do": "write"}).status_code == 303
    assert (
        company.office.scalar("select count(*) from credit_note where invoice_id = :id", id=owed)
        == 1
    )
    assert "CN-" in rae.read(f"/invoices/{owed}")


def test_a_void_says_first_what_becomes_of_the_money(company, owed):
    pay(company, owed, 8_000)
    rae = company.as_("reconciler")
    with unchanged(company):
        page = rae.read(f"/invoices/{owed}/void")
    assert "$80.00 that paid it stays as credit of Ann Lee." in page
    assert "$80.00 that paid it becomes a deposit of Ann Lee." in page
    rev = company.office.scalar("select rev from invoice where id = :id", id=owed)
    with unchanged(company):
        assert rae.post(f"/invoices/{owed}/void", {"rev": rev}).status_code == 422
        old = {"rev": rev - 1, "release_to": "deposit"}
        assert rae.post(f"/invoices/{owed}/void", old).status_code == 409
    done = rae.post(f"/invoices/{owed}/void", {"rev": rev, "release_to": "deposit"})
    assert done.status_code == 303
    assert company.office.scalar("select state from invoice where id = :id", id=owed) == "void"
    assert "is void already" in rae.read(f"/invoices/{owed}/void")
    assert company.office.violations() == []


def test_an_invoice_without_money_is_voided_without_a_question(company, owed):
    rae = company.as_("reconciler")
    assert "No money is on it." in rae.read(f"/invoices/{owed}/void")
    rev = company.office.scalar("select rev from invoice where id = :id", id=owed)
    assert rae.post(f"/invoices/{owed}/void", {"rev": rev}).status_code == 303


def test_whoever_may_only_look_is_offered_none_of_it(company, owed):
    page = company.as_("viewer").get(f"/invoices/{owed}").get_data(as_text=True)
    for deed in ("receive", "credit", "void", "edit"):
        assert f"/invoices/{owed}/{deed}" not in page
        assert company.as_("viewer").get(f"/invoices/{owed}/{deed}").status_code == 403


def test_of_a_draft_it_is_said_that_it_is_to_be_paid_once_it_is_sent(screens):
    screens.invoice(screens.customer("Harbor"), 60_000, "INV-1065", draft=True)
    words = screens.as_("viewer").read("/invoices/INV-1065")
    assert "$600.00 to pay once it is sent" in words
    assert "A draft: nobody owes it yet." in words
    assert "eft to pay" not in words


def test_a_draft_without_a_due_day_asks_for_one_and_says_that_nothing_was_mailed(company, ann):
    _numbers["made"] += 1
    number = f"DEED-{_numbers['made']}"
    new = NewInvoice(customer_id=ann, currency="USD", total=10_000, number=number)
    name = company.office.do(lambda work: invoices.create(work, new))
    rae = company.as_("reconciler")
    assert "To be paid until" in rae.read(f"/invoices/{name}")
    rev = company.office.scalar("select rev from invoice where id = :id", id=name)
    refused = rae.post(f"/invoices/{name}/send", {"rev": rev})
    assert refused.status_code == 422
    assert f"Say until when {number} is to be paid" in said(refused)
    done = rae.post(f"/invoices/{name}/send", {"rev": rev, "due_on": "2026-12-20"})
    words = said(rae.client.get(done.location))
    assert ", due 20 Dec 2026" in words
    assert "Nothing was mailed: no mail address of Ann Lee is kept here. Print it." in words
    company.office.do(lambda work: customers.patch(work, ann, {"email": "ann@lee.example"}))
    words = rae.read(f"/invoices/{name}?sent=1")
    assert "Nothing was mailed yet: “Mail it” mails it to ann@lee.example." in words


def test_an_invoice_says_when_it_was_paid_and_when_that_was_matched(company, owed):
    pay(company, owed, 8_000)
    words = company.as_("viewer").read(f"/invoices/{owed}")
    assert "20 Nov 2026 matched on 22 Nov 2026 $80.00" in words
