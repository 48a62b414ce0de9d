"""What goes back to a client stands on their page once, and nothing else stands there as that."""

import pytest

from reconciler.books.portal import Scope
from reconciler.services import refunds
from tests.web import furniture
from tests.web.screens import Screens, said, token_of
from tests.web.test_admin_refunds import invoice_paid
from tests.web.test_portal import link, see

CAME_BACK = "Your bank sent it back. We will contact you."


@pytest.fixture
def birch(screens: Screens) -> Screens:
    """An invoice of 3,000.00, paid in full by card."""
    return invoice_paid(screens)


def _refunds(screens: Screens, customer: str) -> str:
    """The part of their page that tells of refunds; empty where it tells of none."""
    words = said(see(screens, link(screens, customer, Scope.CUSTOMER)))
    return words.partition(" Refunds ")[2].partition(" What you paid ")[0]


def _failed_outside(birch: Screens, amount: int) -> None:
    world = birch.office.world
    made = world.refund(next(iter(world.table("charge"))), amount)
    birch.hear("")
    world.advance_refund(made, "failed", failure_reason="lost_or_stolen_card")
    birch.hear("")


def _customer(screens: Screens) -> str:
    return str(screens.office.scalar("select id from customer"))


def test_a_remainder_that_was_let_go_is_no_money_sent_back(screens: Screens) -> None:
    """A payment of which 700 of 1,000 were taken, in the shape of old versions, and 100 went back.

    The refund object of the remainder is none; the real one is told, as the statement has it.
    """
    ann = screens.customer("Ann Lee")
    screens.invoice(ann, 100_000, "INV-1")
    world = screens.office.world
    made = world.authorize(100_000, "usd", metadata={"invoice": "INV-1"})
    world.capture(made.intent, 70_000, legacy=True)
    screens.hear("")
    assert screens.office.scalar("select count(*) from rail_object where kind = 'refund'") == 1
    assert _refunds(screens, ann) == ""
    world.refund(made.charge, 10_000)
    screens.hear("")
    told = _refunds(screens, ann)
    assert "$100.00" in told
    assert "$300.00" not in told
    assert "Refunds $100.00" in said(
        see(screens, f"{link(screens, ann, Scope.CUSTOMER)}/statement")
    )


def test_what_failed_outside_and_goes_another_way_is_told_once(birch: Screens) -> None:
    _failed_outside(birch, 30_000)
    assert CAME_BACK in _refunds(birch, _customer(birch))
    birch.office.clock.advance(hours=1)
    asked = birch.ask_refund(
        "reconciler", payment_id=birch.ids["pay"], amount=30_000, method="hand"
    )
    birch.by("approver", lambda work: refunds.approve(work, asked))
    told = _refunds(birch, _customer(birch))
    assert told.count("$300.00") == 1
    assert CAME_BACK not in told
    assert "We are paying it back to your bank account." in told


@pytest.mark.thorough
def test_what_of_it_was_not_asked_for_again_is_still_told(birch: Screens) -> None:
    _failed_outside(birch, 30_000)
    birch.office.clock.advance(hours=1)
    birch.ask_refund("reconciler", payment_id=birch.ids["pay"], amount=10_000)
    told = _refunds(birch, _customer(birch))
    assert "$100.00" in told
    assert "$200.00" in told
    assert "$300.00" not in told
    assert CAME_BACK in told


@pytest.mark.thorough
def test_what_was_asked_before_it_failed_is_something_else(birch: Screens) -> None:
    birch.ask_refund("reconciler", payment_id=birch.ids["pay"], amount=10_000)
    birch.office.clock.advance(hours=1)
    _failed_outside(birch, 30_000)
    told = _refunds(birch, _customer(birch))
    assert "$300.00" in told
    assert "$100.00" in told


def test_what_was_paid_says_that_it_goes_back_and_is_not_signed_off(screens: Screens) -> None:
    """A milestone of $1,000.00, paid by card and given back in full, then another in part."""
    rail_id = screens.office.world.create_customer(name="Cedar")
    cedar = screens.ids["cedar"] = screens.customer("Cedar", rail_customers={"stripe": rail_id})
    furniture.projects_of(screens)
    path = link(screens, cedar, Scope.CUSTOMER)
    milestone = screens.ids["milestone_1"]
    bill = screens.office.rows("select id, number from invoice where state = 'sent'")[0]
    screens.paid(400_001, customer=rail_id, metadata={"invoice": bill.number})
    assert f"/milestones/{milestone}/sign-off" in see(screens, path).get_data(as_text=True)
    _gives_back(screens, bill.id, 100_000)
    page = see(screens, path)
    assert "$1,000.00 of it has gone back to you or is on its way" in said(page)
    assert f"/milestones/{milestone}/sign-off" in page.get_data(as_text=True)
    _gives_back(screens, bill.id, 300_001)
    page = see(screens, path)
    assert f"{bill.number} All of it has gone back to you or is on its way" in said(page)
    html = page.get_data(as_text=True)
    assert f"/milestones/{milestone}/sign-off" not in html
    assert f"/milestones/{screens.ids['milestone_3']}/sign-off" in html, "that one is still on"
    project = link(screens, screens.ids["project"], Scope.PROJECT)
    assert "All of it has gone back to you or is on its way" in said(see(screens, project))
    payment = screens.office.scalar("select id from payment")
    assert "All of it has gone back to you" in said(see(screens, f"{path}/receipts/{payment}"))
    assert _signs(screens, path, milestone) == 422


def _signs(screens: Screens, path: str, milestone: str) -> int:
    browser = screens.browser()
    form = {"form_token": token_of(browser.get(path)), "name": "Ann", "agreed": "yes", "seen": "x"}
    answer = browser.post(f"{path}/milestones/{milestone}/sign-off", data=form)
    assert "Nothing is left to sign off" in said(answer)
    return int(answer.status_code)


def _gives_back(screens: Screens, invoice: str, amount: int) -> None:
    made = screens.ask_refund("reconciler", invoice_id=invoice, amount=amount, treatment="credit")
    rev = screens.rev("refund", made)
    assert screens.as_("approver").post(f"/refunds/{made}/approve", {"rev": rev}).status_code == 303
    screens.office.drain()
    screens.hear("")
