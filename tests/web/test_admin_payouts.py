"""The screens of payouts: the list by view, one with its lines, and what nothing explains."""

from dataclasses import replace

import pytest

from reconciler.reads import payouts as reads
from reconciler.web import rail_pages
from tests.web.screens import Screens, carry, payout_id


@pytest.fixture
def birch(screens: Screens) -> Screens:
    """Birch paid 400.00 and got 100.00 back, and what is left of it is at the bank."""
    rail_id = screens.office.world.create_customer(name="Birch", email="pay@birch.example")
    customer_id = screens.customer("Birch", rail_customers={"stripe": rail_id})
    screens.invoice(customer_id, 40_000, "INV-1050")
    screens.ids["payment"] = screens.paid(
        40_000, customer=rail_id, metadata={"invoice": "INV-1050"}
    )
    charge = next(reversed(screens.office.world.table("charge")))
    screens.office.world.refund(charge, 10_000)
    screens.office.world.other_row(-900)
    screens.ids["rail"] = carry(screens, "payout")
    return screens


def test_the_list_shows_where_each_stands(birch):
    page = birch.as_("viewer").read("/payouts")
    for words in ("To the bank", "24 Nov 2026", "Paid", "3 Adds up", "$279.10"):
        assert words in page, words
    assert "No payout is like this" in birch.as_("viewer").read("/payouts?view=came_back")
    assert "No payout is like this" in birch.as_("viewer").read("/payouts?view=under_way")
    assert birch.as_("viewer").get("/payouts?view=odd").status_code == 422


def test_before_the_first_the_list_says_so(screens):
    assert "No payout yet" in screens.as_("viewer").read("/payouts")


def test_one_shows_what_it_comes_to_and_from_whom(birch):
    page = birch.as_("viewer").read(f"/payouts/{birch.ids['payout']}")
    for words in (
        "$279.10 to the bank",
        "Payments 1 $400.00 $11.90 $388.10",
        "Refunds 1 -$100.00 $0.00 -$100.00",
        "Fees of the payment provider 1 -$9.00 $0.00 -$9.00",
        "All lines 3 $291.00 $11.90 $279.10",
        "In none of its lines $0.00",
        "The account itself",
        "payout.paid",
        "Adds up",
    ):
        assert words in page, words
    page = birch.as_("viewer").get(f"/payouts/{birch.ids['payout']}").get_data(as_text=True)
    assert page.count(f"/admin/payments/{birch.ids['payment']}") == 2
    own = f"/admin/payouts/{birch.ids['payout']}"
    payment = birch.as_("viewer").get(f"/payments/{birch.ids['payment']}").get_data(as_text=True)
    assert own in payment
    for query in (birch.ids["rail"], birch.ids["payout"]):
        assert birch.as_("viewer").get(f"/search?q={query}").location.endswith(own), query


def test_a_rest_is_named_and_leads_to_its_question(birch):
    world = birch.office.world
    birch.paid(5_000)
    lost = next(reversed(world.table("balance_transaction").values()))
    birch.paid(7_000)
    rail_id = carry(birch, "other", hear=False)
    lost["_payout"] = None
    birch.hear("")
    page = birch.as_("viewer").read(f"/payouts/{payout_id(birch, rail_id)}")
    for words in ("$48.25 of it is in none of its lines", "$48.25 unexplained", "The question"):
        assert words in page, words
    asked = birch.as_("viewer").get("/questions?kind=payout_difference")
    text = asked.get_data(as_text=True)
    assert "A payout is not the sum of what it consists of" in text
    assert "<dd>1 line, $67.67</dd>" in text
    assert f"/admin/payouts/{payout_id(birch, rail_id)}" in text


def test_a_line_that_the_books_have_not_or_have_otherwise_is_marked(birch):
    office = birch.office
    with office.runtime.engine.begin() as database:
        database.exec_driver_sql(
            """update rail_object set amount = 27 where kind = 'balance_transaction'
            and state = 'fee'"""
        )
        database.exec_driver_sql(
            """delete from rail_object where kind = 'balance_transaction' and state = 'refund'"""
        )
    page = birch.as_("viewer").read(f"/payouts/{birch.ids['payout']}")
    assert "here $0.27" in page
    assert "Not known here" in page


@pytest.mark.parametrize(
    ("then", "wanted"),
    [
        ("fail_payout", "The bank did not take it (account closed). The $7.00 is back in your"),
        ("cancel_payout", "It was called off before it was sent. The $7.00 is back in your"),
    ],
)
def test_one_that_came_back_says_where_its_money_is(screens, then, wanted):
    world = screens.office.world
    made = world.payout("usd", 700, automatic=False)
    getattr(world, then)(made)
    screens.hear("")
    page = screens.as_("viewer").read(f"/payouts/{payout_id(screens, made)}")
    assert wanted in page
    assert "the payment provider cannot say what it consists of" in page
    assert "Came back" in screens.as_("viewer").read("/payouts?view=came_back")


def test_one_that_takes_from_the_bank_says_so(screens):
    made = screens.office.world.payout("usd", -2_000, automatic=False)
    screens.hear("")
    page = screens.as_("viewer").read(f"/payouts/{payout_id(screens, made)}")
    assert "$20.00 from the bank" in page
    assert "Booked as in transit" in page
    assert "From the bank" in screens.as_("viewer").read("/payouts?view=under_way")


def test_it_leads_to_the_rails_own_page(birch):
    office = birch.office
    with office.runtime.read() as session:
        row = reads.one(session, birch.ids["payout"])
    live = replace(office.runtime.settings, stripe_api_base=None)
    page = "https://dashboard.stripe.com"
    assert rail_pages.of_payout(row, live) == f"{page}/test/payouts/{row.rail_payout_id}"
    assert rail_pages.of_payout(replace(row, livemode=True), live) == (
        f"{page}/payouts/{row.rail_payout_id}"
    )
    assert rail_pages.of_payout(row, office.runtime.settings) is None


def test_no_such_payout(screens):
    assert screens.as_("viewer").get("/payouts/po_none").status_code == 404
