"""To which account money is transferred: known, asked for, seen in full by who may pay."""

import re
from html import unescape
from urllib.parse import unquote

import pytest

from reconciler.flows.tidy import tidy
from tests.web import furniture
from tests.web.screens import Screens, Somebody, said

IBAN = "DE89370400440532013000"
SPACED = "DE89 3704 0044 0532 0130 00"
MASKED = "DE89 •••• 3000"
FORM = {"holder": "Ann Lee", "number": SPACED, "bank": "COBADEFFXXX", "rev": "0"}


@pytest.fixture
def owed(screens: Screens) -> Screens:
    """A customer who paid 100.00 by card, a vendor who sent bills, and nobody's account."""
    screens.ids["lee"] = screens.customer("Ann Lee", email="ann@lee.example")
    screens.invoice(screens.ids["lee"], 10_000, "INV-1")
    screens.ids["pay"] = screens.paid(10_000, description="INV-1")
    furniture.purchases_of(screens)
    screens.ids["bill"] = screens.office.scalar(
        "select id from bill where state = 'open' and outstanding > 0 and vendor_id = :v limit 1",
        v=screens.ids["vendor"],
    )
    return screens


def by_transfer(owed: Screens) -> str:
    """A refund that somebody has to transfer, as it was asked for."""
    return owed.ask_refund(
        "reconciler", invoice_id=owed.ids["INV-1"], amount=4_000, method="hand", treatment="credit"
    )


def keep(owed: Screens, owner: str, **typed: str):
    return owed.as_("reconciler").post(f"/payees/{owed.ids[owner]}", FORM | typed)


def test_where_a_transfer_is_asked_for_it_is_said_to_whom_or_that_nobody_knows(owed):
    refund, rae = by_transfer(owed), owed.as_("reconciler")
    pages = {
        f"/refunds/{refund}": "lee",
        f"/customers/{owed.ids['lee']}": "lee",
        f"/bills/{owed.ids['bill']}": "vendor",
        f"/vendors/{owed.ids['vendor']}": "vendor",
    }
    for path, owner in pages.items():
        page = rae.get(path)
        assert "is written down" in said(page), path
        assert f'href="/admin/payees/{owed.ids[owner]}' in page.get_data(as_text=True), path
    assert "Ask them for it at ann@lee.example , and have it confirmed" in rae.read(
        f"/refunds/{refund}"
    )
    assert "It stands on their bill" in rae.read(f"/bills/{owed.ids['bill']}")
    for owner in ("lee", "vendor"):
        assert keep(owed, owner).status_code == 303
    for path in pages:
        for who in ("viewer", "reconciler"):
            page = owed.as_(who).get(path)
            if who == "viewer" and path.startswith(("/bills", "/refunds/new")):
                continue  # who may only look is asked for no transfer
            assert MASKED in said(page), path
            for number in (IBAN, SPACED):
                assert number not in page.get_data(as_text=True), path
    assert "Transfer to Ann Lee , DE89 •••• 3000 , COBADEFFXXX." in rae.read(f"/refunds/{refund}")


def test_who_records_a_transfer_to_an_account_that_nobody_knows_says_to_which(owed):
    refund, asked = (
        by_transfer(owed),
        "No account is known here: say below to which account it went",
    )
    form = {"rev": owed.rev("refund", refund)}
    assert owed.as_("approver").post(f"/refunds/{refund}/approve", form).status_code == 303
    dana = owed.as_("admin")
    page = dana.read(f"/refunds/{refund}")
    assert "Record $40.00 as paid back" in page
    assert asked in page
    form = {"rev": owed.rev("refund", refund), "reference": ""}
    assert dana.post(f"/refunds/{refund}/paid-back", form).status_code == 422
    assert keep(owed, "lee").status_code == 303
    assert asked not in dana.read(f"/refunds/{refund}")


@pytest.mark.thorough
def test_a_refund_that_went_or_goes_to_the_card_asks_for_no_account(owed):
    rae = owed.as_("reconciler")
    refund = owed.ask_refund(
        "reconciler", invoice_id=owed.ids["INV-1"], amount=4_000, treatment="credit"
    )
    assert "account" not in rae.read(f"/refunds/{refund}").partition("History")[0]


def test_the_number_is_in_full_for_who_may_pay_and_nowhere_else(owed):
    path = f"/payees/{owed.ids['lee']}"
    assert keep(owed, "lee").location == f"/admin{path}?kept=1"
    words = owed.as_("approver").read(f"{path}?kept=1")
    assert f"IBAN {SPACED}" in words
    assert f"Transfers go to {MASKED} of Ann Lee from now on." in words
    assert "Written down by Rae Lindt" in words
    assert owed.as_("viewer").get(path).status_code == 403
    assert owed.as_("viewer").post(path, FORM).status_code == 403
    for kept in owed.office.rows("select * from audit_words"):
        assert IBAN not in str(kept)
    trail = owed.as_("admin").read("/audit")
    assert MASKED in trail or "payee account" in trail.lower()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"number": "DE88 3704 0044 0532 0130 00"}, "This IBAN is mistyped"),
        ({"number": "000123456", "bank": ""}, "needs its bank"),
        ({"holder": ""}, "Holder"),
    ],
)
def test_a_number_that_is_none_is_not_kept_and_stays_typed(owed, typed, words):
    answer = keep(owed, "lee", **typed)
    assert answer.status_code == 422
    assert words.lower() in said(answer).lower()
    shown = (FORM | typed)["number"]
    assert f'value="{shown}"' in answer.get_data(as_text=True)
    assert owed.office.scalar("select count(*) from payee_account") == 0


def test_of_two_who_change_it_the_second_is_told(owed):
    assert keep(owed, "lee").status_code == 303
    answer = keep(owed, "lee", holder="Somebody else")
    assert answer.status_code == 409
    assert "changed meanwhile" in said(answer)
    assert owed.office.scalar("select holder from payee_account") == "Ann Lee"


OTHER = "NO93 8601 1117 947"
UNTRIED = "by Rae Lindt, not yet paid to."


def test_an_account_that_was_changed_is_warned_of_until_something_is_paid_to_it(owed):
    bill = f"/bills/{owed.ids['bill']}"
    assert keep(owed, "vendor").status_code == 303
    assert UNTRIED not in owed.as_("reconciler").read(bill), "the first is none that was changed"
    owed.office.clock.advance(days=1)
    assert keep(owed, "vendor", rev="1").status_code == 303
    assert UNTRIED not in owed.as_("reconciler").read(bill), "nor is the same once more"
    assert keep(owed, "vendor", number=OTHER, rev="1").status_code == 303
    vendor = owed.ids["vendor"]
    for path in (
        bill,
        f"/vendors/{vendor}",
        f"/payees/{vendor}",
        f"/prepayments/new?vendor={vendor}",
    ):
        assert f"Account changed on 23 Nov 2026 {UNTRIED}" in owed.as_("reconciler").read(path)
    owed.office.clock.advance(days=1)
    rae, paid = owed.as_("reconciler"), {"amount": "1.00", "paid_on": "2026-11-24", "once": "p"}
    assert rae.post(f"{bill}/pay", paid).status_code == 303
    assert UNTRIED not in rae.read(bill)
    payment = owed.office.scalar("select id from bill_payment order by created_at desc limit 1")
    assert rae.post(f"{bill}/take-back", {"payment": payment, "once": "b"}).status_code == 303
    assert UNTRIED in rae.read(bill), "it never went"


def test_one_that_is_taken_away_first_was_changed_all_the_same(owed):
    assert keep(owed, "vendor").status_code == 303
    owed.office.clock.advance(days=1)
    assert keep(owed, "vendor", do="remove", rev="1").status_code == 303
    owed.office.clock.advance(days=1)
    assert keep(owed, "vendor", number=OTHER).status_code == 303
    assert UNTRIED in owed.as_("reconciler").read(f"/bills/{owed.ids['bill']}")


def test_taken_away_nothing_of_the_number_is_left(owed):
    assert keep(owed, "lee").status_code == 303
    path = f"/payees/{owed.ids['lee']}"
    answer = owed.as_("reconciler").post(path, {"do": "remove", "rev": "1"})
    assert answer.location == f"/admin{path}?gone=1"
    assert "No account of Ann Lee is kept any more." in owed.as_("reconciler").read(
        f"{path}?gone=1"
    )
    assert owed.office.scalar("select count(*) from payee_account") == 0
    assert owed.as_("reconciler").post(path, {"do": "remove", "rev": "0"}).status_code == 404
    said_of_it = owed.office.rows("select * from audit_words")
    assert MASKED in str(said_of_it)
    assert IBAN not in str(said_of_it)


def test_nobody_has_an_account_who_is_not_there(owed):
    for owner in ("cust_none", "ven_none", "inv_none", owed.ids["INV-1"]):
        assert owed.as_("reconciler").get(f"/payees/{owner}").status_code == 404
        assert owed.as_("reconciler").post(f"/payees/{owner}", FORM).status_code == 404


def test_after_an_account_is_written_down_one_goes_on_where_one_was(owed):
    refund, rae = by_transfer(owed), owed.as_("reconciler")
    for path in (f"/refunds/{refund}", f"/bills/{owed.ids['bill']}"):
        html = rae.get(path).get_data(as_text=True)
        found = re.search(r'href="/admin(/payees/[^"]+)"', html)
        assert found, path
        assert "/admin" + path in unquote(unescape(found[1]).partition("back=")[2]), path
    account = f"/payees/{owed.ids['lee']}"
    back = f"/admin/refunds/{refund}"
    how = "Ann Lee, by telephone, number of the contract"
    kept = rae.post(account, FORM | {"back": back, "confirmed": how})
    page = rae.get(kept.location.removeprefix("/admin"))
    assert f'<a href="{back}">Go on where you were</a>' in page.get_data(as_text=True)
    assert f"Bank account {MASKED}: {how} Rae Lindt" in said(page)
    assert "/admin/" in rae.get(f"{account}?back=//evil.example").get_data(as_text=True)
    assert "evil" not in rae.get(f"{account}?back=//evil.example").get_data(as_text=True)


TYPED = {
    "amount": "12.50", "reason": "other", "note": "Ann rang & asked " * 50, "treatment": "reopen",
    "method": "hand", "do": "account",
}  # fmt: skip


def _opened_again(rae: Somebody, left) -> str:
    assert left.status_code == 303
    account = rae.get(left.location.removeprefix("/admin"))
    found = re.search(r'name="back" value="/admin([^"]+)"', account.get_data(as_text=True))
    assert found
    assert f'<a class="back" href="/admin{found[1]}">' in account.get_data(as_text=True)
    for address in (left.location, found[1]):  # proxies write it down
        assert "Ann" not in unquote(unescape(address))
        assert len(address) < 300
    html = rae.get(unescape(found[1])).get_data(as_text=True)
    assert 'value="hand" checked' in html
    assert 'value="reopen" checked' in html
    assert '<option value="other" selected>' in html
    assert 'value="12.50"' in html
    assert html.count("Ann rang &amp; asked ") == 50
    return html


def test_what_was_typed_into_a_refund_is_there_after_its_account_was_written_down(owed):
    rae, before = owed.as_("reconciler"), owed.books()
    page = rae.get(f"/refunds/new?invoice={owed.ids['INV-1']}")
    assert "No bank account of Ann Lee is written down here" in said(page)
    html = page.get_data(as_text=True)
    box = html.partition('class="tight if-hand"')[2].partition("</div>")[0]
    assert '<button class="btn" name="do" value="account">Write it down</button>' in box
    left = rae.post("/refunds/new", TYPED | {"invoice": owed.ids["INV-1"]})
    assert "Request a refund" in _opened_again(rae, left)
    assert owed.books() == before
    again = unquote(left.location).partition("back=/admin")[2]
    assert "Ann rang" in rae.read(again)
    assert "Ann rang" not in owed.as_("admin").read(again), "it is theirs who typed it"
    for hours, is_there in ((23, True), (1, False)):
        owed.office.clock.advance(hours=hours)
        tidy(owed.office.runtime)
        assert ("Ann rang" in owed.as_("reconciler").read(again)) == is_there
    rae = owed.as_("reconciler")
    refund = by_transfer(owed)
    rev = owed.rev("refund", refund)
    left = rae.post(f"/refunds/{refund}/change", TYPED | {"rev": rev, "of": "INV-1"})
    assert "Change a refund" in _opened_again(rae, left)
    assert owed.rev("refund", refund) == rev


def test_what_was_emptied_stays_so_and_what_a_colleague_changed_meanwhile_is_not_lost(owed):
    rae, refund = owed.as_("reconciler"), by_transfer(owed)
    path = f"/refunds/{refund}/change"
    form = {**TYPED, "note": "Ann rang", "of": "INV-1", "rev": owed.rev("refund", refund)}
    assert rae.post(path, form | {"do": ""}).location == f"/admin/refunds/{refund}"
    assert "Ann rang" in rae.read(path)
    form |= {"rev": owed.rev("refund", refund), "amount": "10.00", "note": "", "reason": "goodwill"}
    left = rae.post(path, form)
    theirs = form | {"do": "", "amount": "9.00", "note": "Ann rang twice"}
    assert owed.as_("second").post(path, theirs).status_code == 303
    again = rae.get(unquote(left.location).partition("back=/admin")[2]).get_data(as_text=True)
    assert "Ann rang" not in again
    rev = re.search(r'name="rev" value="(\d+)"', again)
    assert rev
    meanwhile = rae.post(path, form | {"do": "", "rev": rev[1]})
    assert meanwhile.status_code == 409
    assert owed.office.scalar("select amount from refund where id = :id", id=refund) == 900


def test_the_refund_form_says_why_and_leads_back_to_the_queue(owed):
    rail_id = owed.office.world.create_customer(name="Lee")
    customer = owed.customer("Lee", rail_customers={"stripe": rail_id})
    owed.invoice(customer, 9_000, "INV-9")
    pay = owed.paid(9_000, currency="eur", customer=rail_id, metadata={"invoice": "INV-9"})
    rae = owed.as_("reconciler")
    named = rae.read("/invoices/INV-9")
    assert "Payments that name it and are not on it" in named
    assert ": €90.00, €90.00 waits to be matched" in named
    html = rae.get(f"/unmatched/{pay}").get_data(as_text=True)
    found = re.search(r'href="/admin(/refunds/new[^"]+)"', html)
    assert found
    form = rae.get(unescape(found[1]))
    assert "Paid in EUR; INV-9 is in USD" in form.get_data(as_text=True)
    html = form.get_data(as_text=True)
    assert f'<a class="btn quiet" href="/admin/unmatched/{pay}' in html
    assert f'<a class="back" href="/admin/unmatched/{pay}' in html
