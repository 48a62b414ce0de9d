"""Refunds on the screen: who asks never approves, and each step says what it does to the money."""

from dataclasses import replace

import pytest

from reconciler.web.admin import admin_blueprint
from reconciler.web.app import create_web_app
from tests.web.screens import Screens, Somebody, said


@pytest.fixture
def paid(screens: Screens) -> Screens:
    """An invoice of 3,000.00, paid in full by card."""
    return invoice_paid(screens)


@pytest.fixture(scope="module")
def still(standing: Screens) -> Screens:
    """The same, for tests that change nothing."""
    return invoice_paid(standing)


def invoice_paid(screens: Screens) -> Screens:
    rail_id = screens.office.world.create_customer(name="Birch", email="till@birch.example")
    customer_id = screens.customer("Birch", rail_customers={"stripe": rail_id})
    screens.invoice(customer_id, 300_000, "INV-1041")
    screens.ids["pay"] = screens.paid(300_000, customer=rail_id, metadata={"invoice": "INV-1041"})
    screens.ids["birch"], screens.ids["cus"] = customer_id, rail_id
    return screens


ASK = {"amount": "300.00", "reason": "partial_scope", "note": "Page 4 dropped"}


def _ask(paid: Screens, by: Somebody, **more):
    form = ASK | {"invoice": paid.ids["INV-1041"], "treatment": "credit"} | more
    return by.post("/refunds/new", {k: v for k, v in form.items() if v is not None})


def _decide(paid: Screens, by: Somebody, refund_id: str, what: str, **more):
    rev = paid.rev("refund", refund_id)
    return by.post(f"/refunds/{refund_id}/{what}", {"rev": rev} | more)


def _status(paid: Screens, refund_id: str) -> str:
    return paid.office.scalar("select status from refund where id = :i", i=refund_id)


def test_the_form_offers_all_there_is_and_asks_what_becomes_of_the_invoice(still):
    words = still.as_("reconciler").read("/refunds/new?invoice=INV-1041")
    html = still.as_("reconciler").get("/refunds/new?invoice=INV-1041").get_data(as_text=True)
    assert 'value="3000.00"' in html
    assert "Up to $3,000.00 can be given back." in words
    assert "INV-1041 drops from $3,000.00 by what is refunded" in words
    assert "The customer still owes it" in words
    assert "checked" not in html.partition("<fieldset")[2].partition("</fieldset>")[0]
    assert "A different person approves it before any money moves." in words


def test_one_asks_another_approves_and_the_money_goes_once(paid):
    asked = _ask(paid, paid.as_("reconciler"))
    assert asked.status_code == 303
    refund_id = asked.location.rpartition("/")[2].partition("?")[0]
    approver = paid.as_("approver")
    words = approver.read("/refunds")
    assert "Refund $300.00 to Birch" in words
    assert "Rae Lindt" in words
    assert "Scope reduced: Page 4 dropped" in words
    assert "Debit Credits $300.00, credit Stripe clearing $300.00." in words
    assert "INV-1041 drops from $3,000.00 to $2,700.00" in words
    assert "Approve and refund $300.00" in words
    assert _decide(paid, approver, refund_id, "approve").status_code == 303
    paid.office.drain()
    paid.hear("")
    assert "Confirmed and booked" in approver.read(f"/refunds/{refund_id}")
    assert _status(paid, refund_id) == "succeeded"
    assert len(paid.office.world.truth.tables["refund"]) == 1
    words = approver.read("/invoices/INV-1041")
    assert "$2,700.00 of $3,000.00 paid, $300.00 credited" in words
    assert paid.office.violations() == []


def test_who_asked_reads_why_they_cannot_approve_and_cannot(paid):
    approver = paid.as_("approver")
    refund_id = _ask(paid, approver).location.rpartition("/")[2].partition("?")[0]
    html = approver.get(f"/refunds/{refund_id}").get_data(as_text=True)
    assert "You asked for this one, so a different person must approve it." in html
    assert 'aria-disabled="true"' in html
    assert f"/admin/refunds/{refund_id}/approve" not in html
    before = paid.books()
    answer = _decide(paid, approver, refund_id, "approve")
    assert answer.status_code == 403
    assert "a second person has to" in said(answer)
    assert paid.books() == before
    assert _decide(paid, paid.as_("second"), refund_id, "approve").status_code == 303


def test_the_tabs_are_told_apart_by_who_looks(paid):
    _ask(paid, paid.as_("approver"))
    _ask(paid, paid.as_("reconciler"), amount="100.00")
    mine = paid.as_("approver").read("/refunds")
    assert "Waiting for me 1 Waiting for others 1" in mine
    assert "Refund $100.00" in mine
    assert "Refund $300.00" not in mine
    assert "Refund $300.00" in paid.as_("approver").read("/refunds?tab=others")
    others = paid.as_("reconciler").read("/refunds")
    assert "Waiting for others 2" in others
    assert "Ask an admin for the Approver role" in others
    assert "Nothing waits for you" in paid.as_("reconciler").read("/refunds?tab=me")
    for tab, words in (
        ("sent", "Nothing is on its way"),
        ("trouble", "No refund is in trouble"),
        ("done", "No refund yet"),
    ):
        assert words in paid.as_("viewer").read(f"/refunds?tab={tab}")


def test_declining_takes_a_reason_and_moves_no_money(paid):
    refund_id = _ask(paid, paid.as_("reconciler")).location.rpartition("/")[2].partition("?")[0]
    approver = paid.as_("approver")
    bare = _decide(paid, approver, refund_id, "decline", why=" ")
    assert bare.status_code == 422
    assert "must not be empty" in said(bare)
    answer = _decide(paid, approver, refund_id, "decline", why="It was delivered")
    assert answer.status_code == 303
    words = approver.read(f"/refunds/{refund_id}")
    assert "Declined" in words
    assert "It was delivered" in words
    paid.office.drain()
    assert paid.office.world.truth.tables["refund"] == {}


def test_a_decision_about_what_has_changed_is_not_taken(paid):
    refund_id = _ask(paid, paid.as_("reconciler")).location.rpartition("/")[2].partition("?")[0]
    approver = paid.as_("approver")
    rev = paid.rev("refund", refund_id)
    assert _decide(paid, paid.as_("second"), refund_id, "decline", why="no").status_code == 303
    before = paid.books()
    answer = approver.post(f"/refunds/{refund_id}/approve", {"rev": rev})
    assert answer.status_code == 409
    assert "Nothing was done. Below is how it stands now." in said(answer)
    assert approver.post(f"/refunds/{refund_id}/approve", {}).status_code == 422
    assert approver.post("/refunds/none/approve", {"rev": 1}).status_code == 404
    assert paid.books() == before


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"amount": "3000.01"}, "is more than the $3,000.00 that can be refunded here"),
        ({"amount": "0"}, "more than zero"),
        ({"amount": ""}, "Write an amount"),
        ({"amount": "-5"}, "more than zero"),
        ({"reason": ""}, "Choose a reason"),
        ({"reason": "because"}, "Choose a reason"),
        ({"reason": "other", "note": ""}, "Say what the reason is"),
        ({"treatment": None}, "Choose what happens to the invoice"),
        ({"treatment": "forget"}, "Choose what happens to the invoice"),
        ({"note": "x" * 1_001}, "Note is longer than 1000 characters"),
    ],
)
def test_a_request_that_does_not_do_says_why_and_keeps_what_was_typed(still, given, words):
    before = still.books()
    answer = _ask(still, still.as_("reconciler"), **given)
    assert answer.status_code == 422
    assert words in said(answer)
    if given.get("amount"):
        assert f'value="{given["amount"]}"' in answer.get_data(as_text=True)
    assert still.books() == before


def test_reopening_says_how_much_will_be_open(paid):
    _ask(paid, paid.as_("reconciler"), treatment="reopen")
    words = paid.as_("approver").read("/refunds")
    assert "Debit Accounts receivable $300.00, credit Stripe clearing $300.00." in words
    assert "INV-1041 goes back to $300.00 open." in words


def test_a_request_of_a_payment_and_of_a_deposit(paid):
    somebody = paid.as_("reconciler")
    asked = _ask(paid, somebody, invoice=None, payment=paid.ids["pay"])
    assert asked.status_code == 303
    assert "INV-1041 drops from $3,000.00 to $2,700.00" in said(somebody.client.get(asked.location))
    paid.deposit(paid.ids["birch"], 60_000, "DEP-1001")
    paid.paid(60_000, customer=paid.ids["cus"], metadata={"deposit": "DEP-1001"})
    words = somebody.read("/refunds/new?deposit=DEP-1001")
    assert "Up to $600.00 can be given back." in words
    assert "What happens to the invoice" not in words
    deposit = {"invoice": None, "deposit": paid.ids["DEP-1001"], "treatment": None}
    asked = _ask(paid, somebody, **deposit, amount="600.00")
    assert "Debit Customer deposits $600.00" in said(somebody.client.get(asked.location))
    assert "Nothing can be refunded here" in somebody.read("/refunds/new?deposit=DEP-1001")


def test_what_was_paid_too_much_is_offered_and_no_invoice_is_asked_about(paid):
    somebody = paid.as_("reconciler")
    paid.invoice(paid.ids["birch"], 26_000, "INV-1042")
    over = paid.paid(28_000, customer=paid.ids["cus"], metadata={"invoice": "INV-1042"})
    page = somebody.get(f"/refunds/new?payment={over}").get_data(as_text=True)
    assert 'name="amount"' in page
    assert 'value="20.00"' in page
    words = somebody.read(f"/refunds/new?payment={over}")
    assert "Up to $280.00 can be given back; $20.00 of it is applied to nothing" in words
    assert "What happens to the invoice, if more than $20.00 goes back" in words
    whole = {"invoice": None, "payment": over, "treatment": None}
    refused = _ask(paid, somebody, **whole, amount="20.01")
    assert "Choose what happens to the invoice" in said(refused)
    asked = _ask(paid, somebody, **whole, amount="20.00")
    assert asked.status_code == 303
    assert "Debit Unapplied cash $20.00" in said(somebody.client.get(asked.location))


def test_under_the_threshold_it_is_sent_at_once(paid):
    settings = replace(paid.office.runtime.settings, refund_approval_threshold={"USD": 50_000})
    runtime = replace(paid.office.runtime, settings=settings)
    app = create_web_app(runtime, more=[admin_blueprint(runtime)])
    app.testing = True
    house = Screens(paid.office, app, paid.ids, paid.known)
    somebody = house.as_("reconciler")
    assert "Up to $500.00 it is sent at once" in somebody.read("/refunds/new?invoice=INV-1041")
    asked = _ask(house, somebody)
    assert _status(house, asked.location.rpartition("/")[2].partition("?")[0]) == "approved"
    asked = _ask(house, somebody, amount="500.01")
    assert _status(house, asked.location.rpartition("/")[2].partition("?")[0]) == "requested"


def test_one_takes_back_ones_own_request(paid):
    somebody = paid.as_("reconciler")
    refund_id = _ask(paid, somebody).location.rpartition("/")[2].partition("?")[0]
    assert "Cancel this request" in somebody.read(f"/refunds/{refund_id}")
    assert _decide(paid, somebody, refund_id, "cancel").status_code == 303
    assert _status(paid, refund_id) == "canceled"


def test_what_failed_is_tried_again_by_an_approver(paid):
    refund_id = _ask(paid, paid.as_("reconciler")).location.rpartition("/")[2].partition("?")[0]
    approver = paid.as_("approver")
    _decide(paid, approver, refund_id, "approve")
    paid.office.drain()
    paid.hear("")
    (made,) = paid.office.world.truth.tables["refund"]
    paid.office.world.advance_refund(made, "failed", failure_reason="expired_or_canceled_card")
    paid.hear("")
    words = approver.read("/refunds?tab=trouble")
    assert "Try $300.00 again the same way" in words
    assert "Failed refunds, or by hand 1" in approver.read("/")
    assert _decide(paid, paid.as_("approver"), refund_id, "retry").status_code == 303
    assert _status(paid, refund_id) in ("approved", "requested")


def test_money_taken_by_hand_is_given_back_by_hand(paid):
    paid.invoice(paid.ids["birch"], 20_000, "INV-1050")
    pay = paid.in_cash("INV-1050", 20_000)
    somebody = paid.as_("reconciler")
    asked = _ask(paid, somebody, invoice=None, payment=pay, amount="50.00")
    refund_id = asked.location.rpartition("/")[2].partition("?")[0]
    approver = paid.as_("approver")
    _decide(paid, approver, refund_id, "approve")
    assert "Record that it was paid back" in approver.read(f"/refunds/{refund_id}")
    questions = approver.get("/questions?group=failed").get_data(as_text=True)
    deed = f'<a class="btn primary" href="/admin/refunds/{refund_id}">Record that it was paid back'
    assert 0 < questions.find(deed) < questions.find("Close it with a note alone")
    assert questions.count("Close with this note") == 1, "folded away, and there still"
    assert [who.get("/counts").get_json()["refunds"] for who in (approver, somebody)] == [1, 0]
    assert _decide(paid, approver, refund_id, "paid-back", reference="").status_code == 422
    answer = _decide(paid, approver, refund_id, "paid-back", reference="Cheque 17")
    assert answer.status_code == 303
    assert _status(paid, refund_id) == "succeeded"
    assert approver.get("/counts").get_json()["refunds"] == 0
    assert paid.office.violations() == []


def test_what_was_asked_is_changed_on_the_page_and_waits_for_somebody_else(paid):
    refund_id = _ask(paid, paid.as_("reconciler")).location.rpartition("/")[2].partition("?")[0]
    approver = paid.as_("approver")
    assert _decide(paid, approver, refund_id, "approve").status_code == 303
    html = approver.get(f"/refunds/{refund_id}/change").get_data(as_text=True)
    assert 'value="300.00"' in html
    assert 'value="INV-1041"' in html
    assert "Up to $3,000.00 can be given back." in html
    assert "that no longer counts" in html
    form = ASK | {"amount": "450.00", "treatment": "reopen", "of": "INV-1041"}
    assert _decide(paid, approver, refund_id, "change", **form).status_code == 303
    assert _status(paid, refund_id) == "requested"
    words = approver.read(f"/refunds/{refund_id}")
    assert "Refund $450.00" in words
    assert "Changed by Aki Brown" in words
    assert "You changed this one, so a different person must approve it." in words
    assert "USD 300.00 became USD 450.00" in words
    assert _decide(paid, approver, refund_id, "approve").status_code == 403
    assert "Waiting for others 1" in approver.read("/refunds")
    assert _decide(paid, paid.as_("second"), refund_id, "approve").status_code == 303
    paid.office.drain()
    (made,) = paid.office.world.truth.tables["refund"].values()
    assert made["amount"] == 45_000


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        ({"amount": "3000.01"}, 422, "that can be refunded here"),
        ({"of": "INV-9"}, 422, "There is nothing here called INV-9"),
        ({"amount": ""}, 422, "Write an amount"),
        ({"rev": "0"}, 409, "Nothing was done."),
    ],
)
def test_a_change_that_does_not_do_says_why_and_keeps_what_was_typed(paid, given, status, words):
    refund_id = _ask(paid, paid.as_("reconciler")).location.rpartition("/")[2].partition("?")[0]
    form = ASK | {"treatment": "credit", "of": "INV-1041", "note": "As typed"} | given
    before = paid.books()
    answer = _decide(paid, paid.as_("reconciler"), refund_id, "change", **form)
    assert answer.status_code == status
    assert words in said(answer)
    assert "As typed" in answer.get_data(as_text=True)
    assert paid.books() == before


def test_a_change_may_name_another_target(paid):
    refund_id = _ask(paid, paid.as_("reconciler")).location.rpartition("/")[2].partition("?")[0]
    form = ASK | {"treatment": "credit", "of": paid.ids["pay"]}
    assert _decide(paid, paid.as_("reconciler"), refund_id, "change", **form).status_code == 303
    asked_of = "select payment_id from refund where id = :i"
    assert paid.office.scalar(asked_of, i=refund_id) == paid.ids["pay"]
    assert paid.as_("viewer").get("/refunds/none/change").status_code == 404
    refused = _decide(paid, paid.as_("viewer"), refund_id, "change", **form)
    assert refused.status_code == 403


def sent_back(paid: Screens, why: str = "lost_or_stolen_card") -> str:
    """A refund of 300.00 that the customer's bank sent back; gives its id."""
    refund_id = _ask(paid, paid.as_("reconciler")).location.rpartition("/")[2].partition("?")[0]
    _decide(paid, paid.as_("approver"), refund_id, "approve")
    paid.office.drain()
    paid.hear("")
    *_, made = paid.office.world.truth.tables["refund"]
    paid.office.world.advance_refund(made, "failed", failure_reason=why)
    paid.hear("")
    return refund_id


def test_what_the_bank_sent_back_is_paid_another_way_by_two_people(paid):
    refund_id = sent_back(paid)
    chooser, payer = paid.as_("approver"), paid.as_("second")
    page = f"/refunds/{refund_id}"
    words = chooser.read(page)
    assert "Why The card was lost or stolen." in words
    assert "lost_or_stolen_card" not in words
    assert "The client reads Your bank sent it back. We will contact you." in words
    assert "Pay $300.00 another way" in words
    assert "Ask an admin for the Approver role" in paid.as_("reconciler").read(page)
    bare = _decide(paid, chooser, refund_id, "another-way")
    assert bare.status_code == 422
    assert "Choose how it is paid." in said(bare)
    assert _decide(paid, chooser, refund_id, "another-way", method="cash").status_code == 303
    words = chooser.read(page)
    assert "By people: cash" in words
    assert "Next A second person pays it back by cash and records how." in words
    assert "You chose this way, so a different person pays it and records how." in words
    refused = _decide(paid, chooser, refund_id, "paid-back", reference="From the till")
    assert refused.status_code == 403
    assert "Record $300.00 as paid back" in payer.read(page)
    paid_back = _decide(paid, payer, refund_id, "paid-back", reference="From the till")
    assert paid_back.status_code == 303
    words = payer.read(page)
    assert "From the till" in words
    assert "The client reads Paid back to you in cash." in words
    assert "Pay $300.00 another way" not in words
    assert paid.office.violations() == []


def test_another_way_that_waits_can_be_called_off(paid):
    refund_id = sent_back(paid)
    approver = paid.as_("approver")
    assert "Call off" not in approver.read(f"/refunds/{refund_id}")
    _decide(paid, approver, refund_id, "another-way", method="cash")
    assert "Call off $300.00" in approver.read("/refunds?tab=trouble")
    assert _decide(paid, approver, refund_id, "cancel").status_code == 303
    assert _status(paid, refund_id) == "canceled"
    assert "Record $300.00" not in approver.read(f"/refunds/{refund_id}")


def test_what_the_bank_sent_back_is_kept_when_the_customer_agrees(paid):
    refund_id = sent_back(paid)
    approver = paid.as_("approver")
    assert "Keep $300.00 for the customer" in approver.read(f"/refunds/{refund_id}")
    for more, words in (
        ({"kept_as": "credit", "consent": ""}, "must not be empty"),
        ({"consent": "Mail of Ada"}, "Choose what it becomes."),
    ):
        refused = _decide(paid, approver, refund_id, "keep", **more)
        assert refused.status_code == 422
        assert words in said(refused)
    agreed = {"kept_as": "deposit", "consent": "Mail of Ada"}
    assert _decide(paid, approver, refund_id, "keep", **agreed).status_code == 303
    words = approver.read(f"/refunds/{refund_id}")
    assert "Kept as deposit of the customer" in words
    assert "Mail of Ada" in words
    assert "As agreed, it stays with us as your deposit." in words
    assert paid.office.violations() == []
