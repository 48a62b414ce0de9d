"""What the pages of payments, refunds and disputes are there for, done with every pair of hands."""

from collections.abc import Callable

import pytest

from tests.browser.conftest import Site
from tests.browser.hands import Mouse, does
from tests.web.screens import PASSWORD, Screens, carry

pytestmark = pytest.mark.slow
Hands = Callable[..., Mouse]


def left(site: Site, number: str) -> int:
    return site.screens.office.scalar("select outstanding from invoice where number = :n", n=number)


@does("/", "/unmatched", "/unmatched/<payment_id>", "/recent", "/recent/<line_id>/undo")
def test_money_finds_its_place_and_is_taken_back(acme: Site, hands: Hands) -> None:
    rae = hands(acme, "reconciler")
    rae.go("/")
    rae.press("No sure match")
    rae.press("All")  # two numbers in its text: it stands in the view of those that fit several
    rae.press("Acme.")
    rae.reads("Acme paid $850.00", "After this: INV-1042")
    rae.press("Match $850.00 to INV-1042")
    rae.reads("Matched $850.00 to INV-1042.")
    assert left(acme, "INV-1042") == 0
    rae.go("/recent")
    rae.press("Undo")
    rae.reads("After this:")
    rae.press("Take it back")
    rae.reads("It is taken back.")
    assert left(acme, "INV-1042") == 85_000
    assert acme.screens.office.violations() == []


@does("/unmatched/<payment_id>", "/payments", "/payments/<payment_id>")
def test_money_is_split_unmatched_and_held(acme: Site, hands: Hands) -> None:
    rae, ids = hands(acme, "reconciler"), acme.screens.ids
    rae.go("/unmatched/{pay}")
    rae.write(f"amount-{ids['INV-1042']}", "500")
    rae.write(f"amount-{ids['INV-1039']}", "400")
    rae.press("Save split")
    rae.reads("Split is $50.00 more than the payment")
    rae.write(f"amount-{ids['INV-1039']}", "350")
    rae.press("Save split")
    rae.reads("Matched $850.00 to INV-10")
    assert (left(acme, "INV-1042"), left(acme, "INV-1039")) == (35_000, 52_500)
    rae.go("/payments")
    rae.press("Acme")
    rae.press("Unmatch.")
    rae.press("Unmatch $", inside="details[open] form")
    rae.reads("A reversing entry was posted")
    rae.go("/unmatched/{odd}")
    rae.press("Hold $12.34 as a deposit")
    rae.pick("customer_id", "Acme")
    rae.press("Hold $12.34 as deposit")
    rae.reads("Held $12.34 as deposit DEP-")
    assert acme.screens.office.violations() == []


@does("/unmatched/picked")
def test_several_payments_are_picked_put_off_with_a_reason_and_given_to_somebody(
    acme: Site, hands: Hands
) -> None:
    rae = hands(acme, "reconciler")
    rae.go("/unmatched")
    for words in ("Pick Unknown payer, $12.34", "Pick Acme, $850.00"):
        rae.tick(f'[aria-label="{words}"]')
    rae.press("Assign.", inside=".picks")
    rae.reads("2 picked, $862.34")
    rae.pick("who", "Rae Lindt")
    rae.press("Assign them")
    rae.reads("2 of 2 payments assigned")
    rae.press("Back to the queue")
    rae.tick('[aria-label="Pick Unknown payer, $12.34"]')
    rae.press("Put off.", inside=".picks")
    rae.write("until", "2026-12-24")
    rae.write("note", "Their bank is asked")
    rae.press("Put them off")
    rae.reads("1 of 1 payment put off")
    rae.press("Bring it back")
    rae.reads("In sight again")
    assert acme.screens.office.violations() == []


@does("/unmatched/strong")
def test_what_fits_well_is_matched_at_once(site: Site, hands: Hands) -> None:
    screens = site.screens
    rail_id = screens.office.world.create_customer(name="Acme")
    owner = screens.customer("Acme", rail_customers={"stripe": rail_id})
    for amount in (10_000, 20_000):
        screens.paid(amount, customer=rail_id)
    for number, amount in (("INV-1", 10_000), ("INV-2", 20_000)):
        screens.invoice(owner, amount, number)
    rae = hands(site, "reconciler")
    rae.go("/unmatched")
    rae.press("Match 2 strong suggestions")
    rae.reads("Amount equals what is open")
    rae.press("Match 2 strong suggestions")
    rae.reads("2 of 2 payments matched")
    assert (left(site, "INV-1"), left(site, "INV-2")) == (0, 0)


@does("/questions", "/account")
def test_a_payment_is_somebodys_put_off_noted_and_its_view_kept(acme: Site, hands: Hands) -> None:
    item = acme.screens.office.scalar(
        "select id from review_item where payment_id = :p", p=acme.screens.ids["odd"]
    )
    rae = hands(acme, "reconciler")
    rae.go("/unmatched/{odd}")
    rae.press("Assign or snooze")
    rae.pick(f"who-{item[-6:]}", "Rae Lindt")
    rae.press("Assign.")
    rae.reads("Assigned to Rae Lindt")
    rae.go("/questions?view=mine")
    rae.reads("$12.34", "Unknown payer")
    rae.press("Save this view")
    rae.write("view-name", "Mine at once")
    rae.press("Save.")
    rae.reads("Mine at once")
    rae.press("Assign, snooze or note")
    rae.write(f"until-{item[-6:]}", "2026-12-24")
    rae.write(f"why-{item[-6:]}", "She is on her holidays")
    rae.press("Snooze.")
    rae.reads("Out of sight until", "Of yours, 1 question is snoozed")
    rae.go("/unmatched/{odd}")
    rae.write("note-new", "She called")
    rae.press("Write the note")
    rae.reads(
        "She called", "until 24 Dec 2026: She is on her holidays", "out of sight until 24 Dec 2026"
    )
    rae.go("/account")
    rae.write("password", PASSWORD)
    rae.write("new", "eleven grey herons")
    rae.write("again", "eleven grey herons")
    rae.press("Change the password")
    rae.reads("Your password is changed")


@does("/refunds/new", "/refunds", "/refunds/<refund_id>", "/refunds/<refund_id>/change")
def test_a_refund_is_asked_for_changed_and_approved_by_another(acme: Site, hands: Hands) -> None:
    rae = hands(acme, "reconciler")
    rae.go("/payments/{pay}")
    rae.press("Request refund")
    rae.write("amount", "300.00")
    rae.pick("reason", "Goodwill")
    rae.write("note", "Page 4 was dropped")
    rae.press("Ask for approval")
    rae.reads("a different person must approve it")
    rae.press("Change it")
    rae.write("amount", "250.00")
    rae.press("Change it, and ask for approval again")
    rae.reads("$250.00")
    aki = hands(acme, "approver")
    acme.screens.office.clock.advance(minutes=6)
    aki.go("/refunds")
    aki.press("Approve and refund $250.00")
    aki.reads("This sends money away", "$250.00 to ")
    aki.press("Yes, refund $250.00")
    aki.reads("Is it still you?", "To refund $250.00 to Acme")
    aki.write("proof_password", "not this one")
    aki.press("Refund $250.00 to Acme")
    aki.reads("That is not your password")
    aki.write("proof_password", PASSWORD)
    aki.press("Refund $250.00 to Acme")
    aki.reads("Approved by", "Aki Brown")
    status = acme.screens.office.scalar("select status from refund")
    assert status in {"approved", "submitted"}


@does("/refunds/new", "/payees/<owner_id>")
def test_by_bank_transfer_the_account_is_asked_for_and_nothing_typed_is_lost(
    acme: Site, hands: Hands
) -> None:
    world = acme.screens.office.world
    world.other_row(-80_000, kind="adjustment", category="other_adjustment")
    acme.screens.run()
    rae = hands(acme, "reconciler")
    rae.go("/refunds/new?payment={pay}")
    rae.reads("This one is not covered.")
    rae.reads_no_more("No bank account of Acme is written down here.")
    rae.write("note", "Page 4 was dropped")
    rae.tick("input[name=method][value=hand]")
    rae.reads("No bank account of Acme is written down here.")
    rae.reads_no_more("This one is not covered.")
    rae.press("Write it down")
    rae.write("holder", "Acme Ltd")
    rae.write("number", "DE89 3704 0044 0532 0130 00")
    rae.press("Keep.")
    rae.press("Go on where you were")
    rae.reads("Transfer to Acme Ltd")
    assert rae.one("#note").input_value() == "Page 4 was dropped"
    assert rae.one("input[name=method][value=hand]").is_checked()


@does("/questions", "/refunds/new", "/refunds/<refund_id>")
def test_what_failed_outside_is_paid_by_bank_transfer(site: Site, hands: Hands) -> None:
    screens = site.screens
    screens.invoice(screens.customer("Ann"), 25_000, "INV-1051")
    screens.paid(25_000, metadata={"invoice": "INV-1051"})
    made = screens.office.world.refund(next(iter(screens.office.world.table("charge"))), 5_000)
    screens.hear("")
    screens.office.world.advance_refund(made, "failed")
    screens.hear("")
    rae = hands(site, "reconciler")
    rae.go("/questions?kind=refund_failed")
    rae.press("Pay it by bank transfer")
    rae.reads("Nothing is sent to the payment provider")
    rae.tick("input[name=treatment][value=credit]")
    rae.press("Ask for approval")
    rae.reads("a different person must approve it", "By people: bank transfer")
    aki = hands(site, "approver")
    aki.go("/refunds")
    aki.press("Approve and refund $50.00")
    aki.press("Yes, refund $50.00")
    aki.reads("it waits until it is paid by hand")
    aki.press("Record that it was paid back")
    aki.write(f"ref-{screens.office.scalar('select id from refund')}", "Transfer 88")
    aki.press("Record $50.00 as paid back")
    aki.reads("Recorded: it was paid back by hand.", "Transfer 88")
    assert len(screens.office.world.table("refund")) == 1
    assert screens.office.violations() == []


@does("/questions/<item_id>")
def test_a_refund_made_outside_is_answered(site: Site, hands: Hands) -> None:
    screens = site.screens
    screens.invoice(screens.customer("Ann"), 25_000, "INV-1051")
    screens.paid(25_000, metadata={"invoice": "INV-1051"})
    screens.office.world.refund(next(iter(screens.office.world.table("charge"))), 5_000)
    screens.hear("")
    rae = hands(site, "reconciler")
    rae.go("/questions?kind=external_refund")
    rae.press("Say whether the customer still owes it")
    rae.write("note", "Ann said so")
    rae.press("Owed again")
    rae.reads("Yes, it is owed again.")
    assert left(site, "INV-1051") == 5_000


@does("/disputes", "/disputes/<dispute_id>", "/payouts", "/payouts/<payout_id>")
def test_what_a_bank_took_is_decided_and_a_payout_is_gone_through(site: Site, hands: Hands) -> None:
    screens = site.screens
    lost(screens)
    rae = hands(site, "reconciler")
    rae.go("/disputes?view=all")
    rae.press("Cedar")
    rae.reads("What becomes of the $99.00?")
    rae.write("note", "Too old to chase")
    rae.press("Write off")
    rae.reads("Take back")
    rae.go("/payouts")
    rae.press("To the bank")
    rae.reads("Adds up")
    assert screens.office.violations() == []


def lost(screens: Screens) -> None:
    """A dispute over 99.00 that the bank decided for the customer, and a payout of the rest."""
    world = screens.office.world
    screens.invoice(screens.customer("Cedar"), 9_900, "INV-1049")
    screens.paid(9_900, metadata={"invoice": "INV-1049"})
    screens.paid(50_000)
    rail_id = world.dispute(next(iter(world.table("charge"))))
    world.close_dispute(rail_id, "lost")
    screens.hear("")
    screens.ids["lost"] = screens.office.scalar("select id from dispute")
    carry(screens, "payout")
