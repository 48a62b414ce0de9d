"""S0 and S1: the client's page shows one true balance, and says what is on its way apart."""

from tests.builders import charge, facts, intent, named, observe
from tests.web.screens import Screens, said
from tests.web.test_portal import link, see


def test_s0_paid_down_to_1200_shows_1200_on_list_page_portal_statement_and_api(screens: Screens):
    ann = screens.customer("Ann Lee")
    owed = screens.invoice(ann, 200_000, "INV-1")
    screens.in_cash("INV-1", 80_000)
    path = link(screens, ann)
    rae = screens.as_("reconciler")
    assert "$1,200.00" in rae.read("/invoices")
    assert "$1,200.00 left to pay" in rae.read(f"/invoices/{owed}")
    assert "$1,200.00 left to pay" in said(see(screens, path))
    assert "$1,200.00 left to pay" in said(see(screens, f"{path}/invoices/{owed}"))
    assert "You owe $1,200.00" in said(see(screens, f"{path}/statement"))


def test_s0_money_on_its_way_is_shown_apart_and_never_as_paid(screens: Screens):
    ann = screens.customer("Ann Lee")
    screens.invoice(ann, 200_000, "INV-1")
    held = facts(
        intent=intent(authorized=80_000),
        charges=charge(authorized=80_000),
        named=named(invoice="INV-1"),
    )
    observe(screens.office, held)
    words = said(see(screens, link(screens, ann)))
    assert "$2,000.00 left to pay" in words
    assert "On its way $800.00" in words
    assert (
        "Paid $0.00 of $2,000.00. $2,000.00 left, due 1 Dec 2026. $800.00 is on its way." in words
    )


def test_s0_a_refund_is_followed_in_plain_words(screens: Screens):
    ann = screens.customer("Ann Lee")
    screens.invoice(ann, 10_000, "INV-1")
    payment = screens.paid(10_000, metadata={"invoice": "INV-1"})
    screens.ask_refund("reconciler", payment_id=payment, amount=4_000)
    path = link(screens, ann)
    words = said(see(screens, path))
    assert "Coming back to you $40.00" in words
    assert "We are looking at this refund. Nothing has been sent yet." in words


def test_s0_a_deposit_is_held_and_what_is_left_of_it_is_said(screens: Screens):
    ann = screens.customer("Ann Lee")
    screens.deposit(ann, 60_000, "DEP-1")
    screens.paid(60_000, metadata={"deposit": "DEP-1"})
    words = said(see(screens, link(screens, ann)))
    assert "$600.00 received. $600.00 is held for you." in words
    assert "Held as deposit $600.00" in words
