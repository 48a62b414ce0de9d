"""What a newcomer stumbled over: said in plain words, shown before it is done, and not cut off."""

from datetime import timedelta

import pytest

from reconciler.services import customers
from reconciler.web.admin import plain_words
from tests.web.screens import Screens
from tests.web.test_admin_disputes import birch, lose  # noqa: F401  a fixture
from tests.web.test_admin_refunds import invoice_paid

# A refund


@pytest.fixture
def asked(screens: Screens) -> Screens:
    """A refund of 300.00 of a paid invoice waits for an approver."""
    invoice_paid(screens)
    screens.ids["refund"] = screens.ask_refund(
        "reconciler", invoice_id=screens.ids["INV-1041"], amount=30_000, treatment="credit"
    )
    return screens


@pytest.mark.sampled(2)
@pytest.mark.parametrize("page", ["/refunds", "/refunds/{refund}"])
def test_what_leaves_to_whom_and_how_is_said_before_the_yes(asked, page):
    before = asked.books()
    aki = asked.as_("approver")
    html = aki.get(page.format(**asked.ids)).get_data(as_text=True)
    path = f"/admin/refunds/{asked.ids['refund']}/approve"
    sheet = html.partition(f'action="{path}"')[2].partition("</form>")[0]
    words = aki.read(page.format(**asked.ids))
    assert "This sends money away. Once it has left, nobody can call it back." in words
    assert "$300.00 to Birch, through Stripe to Visa" in words
    assert "INV-1041 drops from $3,000.00 to $2,700.00" in sheet
    assert "Journal entry once it has arrived" in sheet
    assert "Yes, refund $300.00" in sheet
    assert html.count(f'action="{path}"') == 1, "nothing approves it but the sheet"
    assert "Yes, refund" not in asked.as_("reconciler").read(page.format(**asked.ids))
    assert asked.books() == before, "looking posts nothing"


@pytest.mark.thorough
def test_trying_again_says_what_leaves_too(asked):
    aki = asked.as_("approver")
    rev = asked.rev("refund", asked.ids["refund"])
    aki.post(f"/refunds/{asked.ids['refund']}/approve", {"rev": rev})
    asked.office.drain(timedelta(seconds=30))
    asked.hear("")
    (made,) = asked.office.world.truth.tables["refund"]
    asked.office.world.advance_refund(made, "failed", failure_reason="declined")
    asked.hear("")
    words = aki.read(f"/refunds/{asked.ids['refund']}")
    assert "Yes, send $300.00 again" in words
    assert "$300.00 to Birch, through Stripe to Visa" in words


def test_what_a_person_pays_back_is_not_called_sent(screens):
    screens.invoice(screens.customer("Ann Lee"), 20_000, "INV-1")
    screens.in_cash("INV-1", 20_000)
    made = screens.ask_refund(
        "reconciler", invoice_id=screens.ids["INV-1"], amount=5_000, treatment="credit"
    )
    words = screens.as_("approver").read(f"/refunds/{made}")
    assert "This sends nothing by itself. A person pays it, and then records here" in words
    assert "This sends money away" not in words


# Money in another currency


def test_money_in_another_currency_says_so_and_what_can_be_done(screens):
    customer = screens.customer("Harbor")
    screens.invoice(customer, 64_000, "INV-1051")
    paid = screens.paid(59_000, "eur", metadata={"invoice": "INV-1051"})
    rae = screens.as_("reconciler")
    words = rae.read(f"/unmatched/{paid}")
    assert "It cannot pay INV-1051: one is in EUR, the other in USD" in words
    assert "Give it back and ask for USD" in words
    assert "Invoice the same in EUR, and match it to that" in words
    assert "Hold it as a deposit in EUR" in words
    for wrong in ("Weak", "No suggestion </", "No invoice fits"):
        assert wrong not in words.partition("Snoozed")[2], wrong
    assert "Other currency" in rae.read("/unmatched").partition("Snoozed")[2]
    html = rae.get(f"/unmatched/{paid}").get_data(as_text=True)
    assert "currency=EUR" in html
    assert 'value="EUR"' in rae.get("/invoices/new?currency=EUR").get_data(as_text=True)


def test_money_for_an_invoice_that_takes_none_says_what_can_be_done(screens):
    customer = screens.customer("Tide")
    screens.invoice(customer, 12_500, "INV-1057")
    rev = screens.rev("invoice", screens.ids["INV-1057"])
    rae = screens.as_("reconciler")
    assert rae.post("/invoices/INV-1057/void", {"rev": rev}).status_code == 303
    paid = screens.paid(12_500, metadata={"invoice": "INV-1057"})
    words = rae.read(f"/unmatched/{paid}")
    assert "INV-1057 takes no money" in words
    assert "Invoice it anew, and match it to that" in words


# Disputes, invoices, deposits, papers


def test_why_a_loss_was_decided_stays_on_its_page(birch):  # noqa: F811
    path, rae = lose(birch), birch.as_("reconciler")
    form = {"decision": "write_off", "note": "Too old to chase"}
    rev = birch.rev("dispute", birch.ids["dispute"])
    assert rae.post(f"{path}/decide", form | {"rev": rev}).status_code == 303
    words = birch.as_("viewer").read(path)
    assert "Too old to chase Rae Lindt" in words
    assert words.count("Too old to chase") == 2, "beside the decision, and in its history"


def test_nobody_is_mailed_an_invoice_that_is_on_hold(birch):  # noqa: F811
    customer = birch.office.scalar("select customer_id from invoice")
    mailed = "pay@birch.example"
    birch.office.do(lambda work: customers.patch(work, customer, {"email": mailed}))
    invoice = birch.invoice(customer, 10_000, "INV-1099")
    rae = birch.as_("reconciler")
    assert "Mail it" in rae.read(f"/invoices/{invoice}")
    lose(birch)
    words = rae.read(f"/invoices/{birch.ids['invoice']}")
    assert "On hold" in words
    assert "Record payment" in words, "it is owed"
    assert "Mail it" not in words


def test_what_a_deposit_came_to_is_summed_without_odd_signs(screens):
    customer = screens.customer("Cobalt")
    screens.deposit(customer, 30_000, "DEP-1")
    screens.paid(30_000, metadata={"deposit": "DEP-1"})
    assert "Received $300.00 Less applied $0.00 Less refunded $0.00 Left $300.00" in screens.as_(
        "viewer"
    ).read("/deposits/DEP-1")


def test_a_paper_has_an_icon_so_that_no_browser_looks_for_one(screens):
    screens.invoice(screens.customer("Ann"), 1_000, "INV-1")
    vera = screens.as_("viewer")
    html = vera.get("/invoices/INV-1/print").get_data(as_text=True)
    icon = html.partition('<link rel="icon" href="')[2].partition('"')[0]
    with vera.client.get(icon) as answer:
        assert answer.status_code == 200


def test_a_name_with_a_full_stop_of_its_own_brings_no_second_one(screens):
    screens.invoice(screens.customer("Acme Inc."), 1_000, "INV-1")
    screens.in_cash("INV-1", 400)
    words = screens.as_("reconciler").read("/invoices/INV-1/void")
    assert "Acme Inc." in words
    assert "Acme Inc.." not in words
    assert plain_words.stopped("Late") == "Late."
