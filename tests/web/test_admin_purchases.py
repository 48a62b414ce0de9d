"""Vendors, bills and prepayments on screen: what is typed stays, what is stale is said."""

import re

import pytest

from reconciler.books.payees import Account
from reconciler.services import payees, vendors
from tests.web import furniture
from tests.web.screens import Screens, said

pytestmark = pytest.mark.sampled(2)

ACCOUNT = Account("Oak and Ash", "DE89370400440532013000")
VIEWS = {
    "all": "All", "open": "To pay", "part": "Partly paid", "due": "Due within a week",
    "overdue": "Overdue", "paid": "Paid", "draft": "Drafts", "snoozed": "Snoozed",
}  # fmt: skip


@pytest.fixture
def oak(screens: Screens) -> Screens:
    """A vendor who is paid ahead and has sent bills."""
    furniture.purchases_of(screens)
    return screens


def shown(answer, status: int) -> str:
    assert answer.status_code == status, said(answer)[:500]
    return said(answer)


def test_lists_say_what_is_owed_and_what_was_paid_ahead(oak):
    rae = oak.as_("reconciler")
    bills = rae.read("/bills")
    for words in ("$977.50 to pay", "Overdue $342.50", "Paid ahead $161.90", "Drafts 1"):
        assert words in bills, words
    late = rae.read("/bills?view=overdue")
    assert "2026-101" in late
    assert "2026-118" not in late
    assert "$161.90 paid ahead or credited and not used yet" in rae.read("/prepayments?view=left")
    vendor = oak.ids["vendor"]
    assert "Oak & <em>Ash</em> Ltd" in rae.read(f"/vendors?name=ASH&vendor={vendor}")
    assert "Nobody is called that" in rae.read("/vendors?name=zzz")
    assert "No bill is like this" in rae.read("/bills?view=paid")
    assert "Nothing is left" in rae.read("/prepayments?view=left&vendor=ven_none")


def test_partly_paid_and_overdue_is_in_both_views_and_each_number_is_what_is_listed(oak):
    rae, late = (
        oak.as_("reconciler"),
        oak.office.rows(
            "select id, number, vendor_id from bill where due_on < :on and outstanding > 0",
            on=oak.office.clock().date(),
        )[0],
    )
    paid = {"amount": "1.00", "paid_on": "2026-11-20", "once": "p1"}
    assert rae.post(f"/bills/{late.id}/pay", paid).status_code == 303
    for view in ("part", "overdue", "open", "all"):
        assert late.number in rae.read(f"/bills?view={view}"), view
    other = oak.by("reconciler", lambda work: vendors.create(work, name="Elm"))
    for vendor in ("", late.vendor_id, other):
        for view, label in VIEWS.items():
            html = rae.get(f"/bills?view={view}&vendor={vendor}").get_data(as_text=True)
            number = re.search(rf">{label} <span>(\d+)</span>", html)
            assert number, view
            assert int(number[1]) == html.count("<tr data-row"), (view, vendor)


def test_a_bill_is_put_off_with_a_day_and_a_reason_and_is_owed_all_the_same(oak):
    rae = oak.as_("reconciler")
    [(late,)] = oak.office.rows("select id from bill where number = '2026-101'")
    assert "Bills overdue 1 $342.50" in rae.read("/")
    books = oak.books()
    form = {"until": "2026-12-03", "note": "They send a corrected one"}
    answer = rae.post(f"/bills/{late}/snooze", form | {"once": "s1"})
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith("?away=1")
    page = rae.read(f"/bills/{late}?away=1")
    assert "Put off. It is owed all the same" in page
    assert "Out of sight until 3 Dec 2026, or until what was paid on it comes back." in page
    assert "Put off until 3 Dec 2026: They send a corrected one" in page
    assert "Bills overdue 0 Nothing waits, 1 snoozed" in rae.read("/")
    for view in ("snoozed", "overdue"):
        assert "Overdue Snoozed until 3 Dec 2026" in rae.read(f"/bills?view={view}"), view
    assert oak.books() == books, "it moved no money"
    back = {"until": "2026-12-03", "wake": "1", "once": "s2"}
    assert rae.post(f"/bills/{late}/snooze", back).headers["Location"].endswith("?woken=1")
    assert "Bills overdue 1 $342.50" in rae.read("/")
    oak.office.clock.advance(days=1)
    assert "No bill is like this" in oak.as_("viewer").read("/bills?view=snoozed")


@pytest.mark.parametrize("day", ["", "2026-11-01", "2027-11-01"])
def test_a_bill_is_put_off_to_a_day_soon_or_what_was_typed_stays(oak, day):
    rae = oak.as_("reconciler")
    [(late,)] = oak.office.rows("select id from bill where number = '2026-101'")
    form = {"until": day, "note": "Asked them", "once": "s1"}
    answer = rae.post(f"/bills/{late}/snooze", form)
    assert answer.status_code == 422
    html = answer.get_data(as_text=True)
    assert 'value="Asked them"' in html
    assert "aria-invalid" in html
    assert oak.office.scalar("select count(*) from bill where snoozed_until is not null") == 0


@pytest.mark.thorough
def test_a_payment_that_comes_back_brings_its_bill_back_in_sight(oak):
    rae = oak.as_("reconciler")
    [(late,)] = oak.office.rows("select id from bill where number = '2026-101'")
    paid = {"amount": "1.00", "paid_on": "2026-11-20", "once": "p1"}
    assert rae.post(f"/bills/{late}/pay", paid).status_code == 303
    assert rae.post(f"/bills/{late}/snooze", {"until": "2026-12-03"}).status_code == 303
    payment = oak.office.scalar("select id from bill_payment where bill_id = :id", id=late)
    form = {"payment": payment, "once": "p2"}
    assert rae.post(f"/bills/{late}/take-back", form).status_code == 303
    assert oak.office.scalar("select snoozed_until from bill where id = :id", id=late) is None
    put_off = oak.office.scalar("select max(seq) from audit_line where action = 'bill.snoozed'")
    assert f"/recent/{put_off}/undo" not in rae.get("/recent").get_data(as_text=True)


def test_putting_a_bill_off_is_taken_back_from_ones_own_deeds(oak):
    rae = oak.as_("reconciler")
    [(late,)] = oak.office.rows("select id from bill where number = '2026-101'")
    for day in ("2026-12-03", "2026-12-05"):
        assert rae.post(f"/bills/{late}/snooze", {"until": day}).status_code == 303
    assert "Put a bill off" in rae.read("/recent")
    [(first,), (last,)] = oak.office.rows(
        "select seq from audit_line where action = 'bill.snoozed' order by seq"
    )
    assert rae.post(f"/recent/{first}/undo", {}).status_code == 409
    assert rae.post(f"/recent/{last}/undo", {}).status_code == 303
    until = oak.office.scalar("select snoozed_until::text from bill where id = :id", id=late)
    assert until == "2026-12-03"


def test_empty_books_say_where_bills_come_from(screens):
    rae = screens.as_("reconciler")
    assert "No bill yet" in rae.read("/bills")
    assert "No prepayment yet" in rae.read("/prepayments")
    assert "No vendor yet" in rae.read("/vendors")
    for path in ("/bills/new", "/prepayments/new"):
        assert "Add the vendor first" in rae.read(path)


def test_a_payment_of_too_much_keeps_what_was_typed(oak):
    path = f"/bills/{oak.ids['bill']}"
    form = {"amount": "636.00", "paid_on": "2026-11-20", "reference": "SEPA 120"}
    rae = oak.as_("reconciler")
    page = rae.post(f"{path}/pay", form)
    assert "That is $1.00 more than is owed on bill 2026-118" in shown(page, 422)
    html = page.get_data(as_text=True)
    assert 'value="636.00"' in html
    assert 'value="SEPA 120"' in html
    assert rae.post(f"{path}/pay", form | {"amount": "635"}).status_code == 303
    assert "$0.00 left to pay" in rae.read(path)
    assert oak.office.violations() == []


def test_a_form_sent_twice_pays_once(oak):
    path = f"/bills/{oak.ids['bill']}"
    form = {"amount": "100", "paid_on": "2026-11-20", "once": "once-1"}
    rae = oak.as_("reconciler")
    assert [rae.post(f"{path}/pay", form).status_code for _ in range(2)] == [303, 303]
    assert "$535.00 left to pay" in rae.read(path)


UNDONE = {
    "/bills/{bill}/take-back": ("payment", "bill_payment"),
    "/bills/{bill}/take-off": ("application", "prepayment_use"),
    "/prepayments/{prepayment}/take-off": ("application", "prepayment_use"),
    "/prepayments/{prepayment}/refund-back": ("refund", "vendor_refund"),
}


@pytest.mark.parametrize("path", UNDONE)
def test_what_was_taken_back_already_is_a_conflict_and_no_second_time(oak, path):
    field, name = UNDONE[path]
    rae, at = oak.as_("reconciler"), path.format(**oak.ids)
    assert rae.post(at, {field: oak.ids[name]}).status_code == 303
    assert "It was taken back already" in shown(rae.post(at, {field: oak.ids[name]}), 409)
    assert oak.office.violations() == []


@pytest.mark.parametrize(
    "path",
    ["/bills/{bill_draft}/open", "/bills/{bill_draft}/void", "/prepayments/{prepayment}/words",
     "/vendors/{vendor}/change"],
)  # fmt: skip
def test_what_was_changed_meanwhile_is_not_changed_again(oak, path):
    form = {"rev": 99, "name": "Typed in vain", "notes": "Typed in vain"}
    answer = oak.as_("reconciler").post(path.format(**oak.ids), form)
    assert "was changed meanwhile" in shown(answer, 409)


def test_a_draft_keeps_its_lines_and_names_the_cell_that_is_wrong(oak):
    rae, path = oak.as_("reconciler"), f"/bills/{oak.ids['bill_draft']}/edit"
    form = {
        "vendor_id": oak.ids["vendor"], "currency": "usd", "number": "2026-131", "rev": 1,
        "line_description": "Ash", "line_category": "東", "line_quantity": "2",
        "line_unit_price": "10", "line_tax_rate": "", "line_tax_name": "", "do": "look",
    }  # fmt: skip
    page = rae.post(path, form)
    assert "A category is a few words" in shown(page, 422)
    assert 'value="Ash"' in page.get_data(as_text=True)
    assert "Total $20.00" in shown(rae.post(path, form | {"line_category": "Wood"}), 200)
    more = rae.post(path, form | {"do": "add"}).get_data(as_text=True)
    assert more.count('name="line_category"') == 2
    less = rae.post(path, form | {"do": "remove-0"}).get_data(as_text=True)
    assert 'name="line_category"' not in less
    for field, value in (("vendor_id", ""), ("number", "2026-118"), ("line_unit_price", "")):
        answer = rae.post(path, form | {"line_category": "Wood", "do": "save", field: value})
        assert answer.status_code in (409, 422), field
    assert rae.get(f"/bills/{oak.ids['bill']}/edit").status_code == 409


def test_a_prepayment_is_recorded_changed_and_voided(oak):
    rae = oak.as_("reconciler")
    form = {"vendor_id": oak.ids["vendor"], "amount": "5", "paid_on": "2026-11-20"}
    page = rae.post("/prepayments/new", form)
    assert 'value="5"' in page.get_data(as_text=True)
    assert page.status_code == 422
    made = rae.post("/prepayments/new", form | {"currency": "usd"})
    path = made.headers["Location"].removeprefix("/admin").partition("?")[0]
    words = {"reference": "SEPA 9", "notes": "Carriage", "rev": 1}
    assert rae.post(f"{path}/words", words).status_code == 303
    assert "SEPA 9" in rae.read(path)
    assert rae.post(f"{path}/void", {"rev": 2}).status_code == 303
    assert "Void: it was never paid" in rae.read(path)
    assert oak.office.violations() == []


def test_who_pays_ahead_reads_to_which_account_or_that_none_is_known(oak):
    rae, vendor = oak.as_("reconciler"), oak.ids["vendor"]
    none = "No bank account of Oak & <em>Ash</em> Ltd is written down here."
    assert none in rae.read(f"/prepayments/new?vendor={vendor}")
    assert "bank account" not in rae.read("/prepayments/new")
    oak.by("admin", lambda work: payees.keep(work, vendor, ACCOUNT))
    before = oak.books()
    form = {"vendor_id": vendor, "amount": "12.50", "currency": "eur", "do": "look"}
    answer = rae.post("/prepayments/new", form)
    page = shown(answer, 200)
    assert "Transfer to Oak and Ash , DE89 •••• 3000 . See the number in full" in page
    assert 'value="12.50"' in answer.get_data(as_text=True), "what was typed stays"
    assert oak.books() == before
    refused = rae.post("/prepayments/new", form | {"do": "", "amount": "x"})
    assert "Transfer to Oak and Ash" in shown(refused, 422)


def test_a_prepayment_goes_to_a_bill_and_back_from_its_vendor(oak):
    rae, path = oak.as_("reconciler"), f"/prepayments/{oak.ids['prepayment']}"
    page = rae.read(path)
    assert page.index("2026-101, $342.50 left") < page.index("2026-118, $635.00 left")
    form = {"bill_id": oak.ids["bill_late"], "applied": "151"}
    assert "$1.00 more than remains" in shown(rae.post(f"{path}/apply", form), 422)
    assert rae.post(f"{path}/apply", form | {"applied": "100"}).status_code == 303
    back = {"amount": "60", "received_on": "2026-11-21"}
    assert "$10.00 more than remains" in shown(rae.post(f"{path}/refund", back), 422)
    assert rae.post(f"{path}/refund", back | {"amount": "50"}).status_code == 303
    assert "Completed" in rae.read(path)


def test_a_bills_number_is_found_and_its_account_says_what_it_cost(oak):
    rae = oak.as_("reconciler")
    found = rae.get("/search?q=2026-118")
    assert found.headers["Location"].endswith(f"/bills/{oak.ids['bill']}")
    hits = rae.read("/search?q=oak")
    assert "2026-101" in hits
    assert "PRE-1001" in hits
    assert "Expenses: office supplies" in rae.read("/ledger/trial-balance")
    entries = rae.read(f"/ledger/entries?bill_id={oak.ids['bill']}")
    assert "of one bill" in entries
    assert "Expenses: materials" in entries


@pytest.mark.parametrize("path", ["/bills/none", "/prepayments/none", "/vendors/none"])
def test_what_is_not_there_is_not_found(screens, path):
    assert screens.as_("viewer").get(path).status_code == 404


CREDIT = {
    "number": "CN-11", "currency": "usd", "issued_on": "2026-11-20", "notes": "Bent",
    "line_description": "Bent boards", "line_quantity": "2", "line_unit_price": "50.00",
    "line_tax_rate": "19", "line_tax_name": "VAT", "line_category": "Materials", "do": "save",
}  # fmt: skip


def test_a_vendors_credit_note_lowers_a_bill_and_keeps_what_was_typed(oak):
    rae = oak.as_("reconciler")
    sheet = rae.get(f"/vendor-credits/new?bill={oak.ids['bill']}").get_data(as_text=True)
    assert f'<option value="{oak.ids["vendor"]}" selected>' in sheet
    assert f'<option value="{oak.ids["bill"]}" selected>' in sheet
    form = CREDIT | {"vendor_id": oak.ids["vendor"], "bill_id": oak.ids["bill"]}
    looked = rae.post("/vendor-credits/new", form | {"do": "look"})
    assert "Total $119.00" in shown(looked, 200)
    wrong = rae.post("/vendor-credits/new", form | {"line_category": "?"})
    assert "category" in shown(wrong, 422)
    assert 'value="Bent boards"' in wrong.get_data(as_text=True)
    for _ in range(2):  # the form is sent twice
        answer = rae.post("/vendor-credits/new", form | {"once": "c1"})
        assert answer.status_code == 303
    page = rae.read(answer.location.removeprefix("/admin"))
    assert "The credit note is recorded." in page
    assert "Credit note CN-11" in page
    assert "Bent boards materials" in page
    bill = rae.read(f"/bills/{oak.ids['bill']}")
    assert "CN-11 Credit note applied" in bill
    assert "$516.00 left to pay" in bill
    again = rae.post("/vendor-credits/new", form | {"once": "c2"})
    assert "A credit note CN-11 of this vendor is here already" in shown(again, 409)
    assert "CN-11 Credit note" in rae.read("/prepayments")
    assert "Record credit note" in rae.read(f"/vendors/{oak.ids['vendor']}")
    undo = oak.office.scalar("select max(seq) from audit_line where action = 'prepayment.applied'")
    assert rae.post(f"/recent/{undo}/undo", {"once": "c3"}).status_code == 303
    assert "$635.00 left to pay" in rae.read(f"/bills/{oak.ids['bill']}")
    assert oak.office.violations() == []
