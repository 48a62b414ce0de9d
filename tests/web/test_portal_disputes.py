"""While a dispute of what paid an invoice is undecided, the client's page does not ask for it."""

import pytest

from tests.web.screens import Screens, said
from tests.web.test_portal import link, see
from tests.web.test_portal_pay import begin, form_of, states

TALK = "What you paid is under discussion with your bank: there is nothing to pay now."
LEFT = "of what is left is under discussion with your bank: there is nothing to pay for that now."
LATE_DAYS = 20  # after which INV-1 is past its due day


@pytest.fixture
def redwood(screens: Screens) -> Screens:
    """INV-1 was paid in full and the bank took it back; INV-2 is owed as ever. Both are late."""
    rail_id = screens.office.world.create_customer(name="Redwood", email="pay@redwood.example")
    customer = screens.customer("Redwood", rail_customers={"stripe": rail_id})
    screens.invoice(customer, 27_000, "INV-1")
    screens.invoice(customer, 5_000, "INV-2")
    screens.paid(27_000, customer=rail_id, metadata={"invoice": "INV-1"})
    screens.ids["rail"] = screens.office.world.dispute(
        next(reversed(screens.office.world.table("charge")))
    )
    screens.hear("")
    screens.ids["payment"] = screens.office.scalar("select id from payment")
    screens.office.clock.advance(days=LATE_DAYS)
    screens.ids["page"] = link(screens, customer)
    return screens


def lose(redwood: Screens) -> None:
    redwood.office.world.close_dispute(redwood.ids["rail"], "lost")
    redwood.hear("")


def decide(redwood: Screens, decision: str) -> None:
    dispute, rev = redwood.office.rows("select id, rev from dispute")[0]
    form = {"decision": decision, "note": "so it is", "rev": rev}
    answer = redwood.as_("admin").post(f"/disputes/{dispute}/decide", form)
    assert answer.status_code == 303, said(answer)


def test_what_a_lost_dispute_reopened_is_not_asked_for_until_it_is_decided(
    redwood: Screens,
) -> None:
    lose(redwood)
    answer = see(redwood, redwood.ids["page"])
    words = said(answer)
    assert "$320.00 left to pay" in words, "the balance stays true"
    assert f"$270.00 {LEFT}" in words
    assert "Overdue $50.00" in words
    assert f"INV-1 Under discussion Paid $0.00 of $270.00. $270.00 left. {TALK}" in words
    html = answer.get_data(as_text=True)
    assert f"pay-{redwood.ids['INV-1']}" not in html
    assert f"pay-{redwood.ids['INV-2']}" in html
    own = see(redwood, f"{redwood.ids['page']}/invoices/{redwood.ids['INV-1']}")
    assert TALK in said(own)
    assert "Overdue" not in said(own)
    assert "<form" not in own.get_data(as_text=True)
    paper = see(redwood, f"{redwood.ids['page']}/invoices/{redwood.ids['INV-1']}/print")
    assert "under discussion with the payer's bank: there is nothing to pay now" in said(paper)
    assert f"$270.00 {LEFT}" in said(see(redwood, f"{redwood.ids['page']}/statement"))


def test_what_was_paid_says_that_the_bank_took_it_back(redwood: Screens) -> None:
    for settle in (lambda: None, lambda: lose(redwood)):
        settle()
        listed = said(see(redwood, redwood.ids["page"])).partition("What you paid Day")[2]
        assert "Your bank took it back" in listed
        receipt = f"{redwood.ids['page']}/receipts/{redwood.ids['payment']}"
        assert "Your bank took it back." in said(see(redwood, receipt))


def test_while_the_bank_has_not_decided_it_says_so_beside_what_is_paid(redwood: Screens) -> None:
    words = said(see(redwood, redwood.ids["page"]))
    assert f"INV-1 Paid Paid $270.00 of $270.00. Nothing is left to pay. {TALK}" in words
    assert LEFT not in words
    redwood.office.world.close_dispute(redwood.ids["rail"], "won")
    redwood.hear("")
    words = said(see(redwood, redwood.ids["page"]))
    assert TALK not in words
    assert "took it back" not in words


def test_a_form_and_a_link_from_before_lead_to_no_page_to_pay_on(redwood: Screens) -> None:
    page = redwood.ids["page"]
    form = form_of(redwood, page, redwood.ids["INV-2"], "270.00") | {"target": redwood.ids["INV-1"]}
    lose(redwood)
    answer = redwood.browser().post(f"{page}/pay", data=form)
    assert answer.status_code == 409
    assert TALK in said(answer)
    assert states(redwood) == []
    decide(redwood, "chase")
    made = begin(redwood, redwood.ids["INV-1"])
    decide(redwood, "undecided")
    answer = see(redwood, f"{page}/pay/{made.id}")
    assert answer.status_code == 409
    assert "Continue to payment" not in said(answer)


def test_once_it_is_decided_that_it_is_owed_it_is_asked_for_again(redwood: Screens) -> None:
    lose(redwood)
    decide(redwood, "chase")
    answer = see(redwood, redwood.ids["page"])
    assert TALK not in said(answer)
    assert LEFT not in said(answer)
    assert "Overdue $320.00" in said(answer)
    assert f"pay-{redwood.ids['INV-1']}" in answer.get_data(as_text=True)
    assert "INV-1" in said(answer)
    assert "Your bank took it back" in said(answer)


def test_a_statement_tells_what_the_bank_took_beside_the_payments(redwood: Screens) -> None:
    """Its sums follow from its lines: what was paid is not less for what the bank took of it."""
    lose(redwood)
    redwood.in_cash("INV-2", 2_000)
    period = "since=2026-11-01&until=2026-12-31"
    address = f"{redwood.ids['page']}/statement"
    owner = redwood.office.scalar("select id from customer")
    admin = redwood.as_("viewer").read(f"/customers/{owner}/statement?{period}")
    for words in (
        said(see(redwood, f"{address}?{period}")),
        said(see(redwood, f"{address}/print?{period}")).replace("USD ", "$"),
    ):
        assert "Payment taken back by your bank $270.00" in words
        assert "Charges $320.00 Credits $0.00 Payments -$290.00 Refunds $0.00" in words
        assert "Refunds $0.00 Taken back by your bank $270.00 You owe $300.00" in words
    assert "payments -$290.00, refunds $0.00, taken back by the bank $270.00." in admin


def test_what_is_on_hold_is_not_overdue_here_either(redwood: Screens) -> None:
    """INV-1 and INV-2 are both past their day; of INV-1 nobody is asked while it is undecided."""
    lose(redwood)
    vera = redwood.as_("viewer")
    owner = redwood.office.scalar("select id from customer")
    page = vera.read("/invoices/INV-1")
    assert "$270.00 left to pay On hold" in page
    assert "Overdue" not in page
    assert "$50.00 left to pay Overdue" in vera.read("/invoices/INV-2")
    listed = vera.read("/invoices")
    assert "Outstanding $320.00 Of it on hold $270.00 Overdue $50.00" in listed
    assert "Overdue 1 Paid" in listed
    assert "INV-1 Redwood On hold" in listed
    assert "INV-2 Redwood Overdue" in listed
    late = vera.read("/invoices?view=overdue")
    assert "INV-2" in late
    assert "INV-1 Redwood" not in late
    of_them = vera.read(f"/invoices?customer={owner}")
    assert "Overdue 1 Paid" in of_them
    page = vera.read(f"/customers/{owner}")
    assert "Owed $320.00 Of it overdue $50.00 Of it on hold $270.00" in page
    assert "INV-1 On hold" in page
    assert "$320.00 $270.00 on hold $50.00" in vera.read("/customers")
    decide(redwood, "chase")
    assert "$270.00 left to pay Overdue" in vera.read("/invoices/INV-1")
    assert "Of it overdue $320.00" in vera.read(f"/customers/{owner}")
    assert "on hold" not in vera.read("/customers")
