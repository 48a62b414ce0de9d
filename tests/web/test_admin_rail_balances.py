"""What a rail holds does not carry what is to leave it: said before each button, and on Today."""

import pytest

from tests.web.screens import Screens, Somebody, said
from tests.web.test_admin_refunds import invoice_paid

FEE = 8_730  # what the sandbox keeps of 3,000.00
GONE = -250_000  # what else the rail took, so that 412.70 are left


@pytest.fixture
def poor(screens: Screens) -> Screens:
    """An invoice of 3,000.00, paid by card, of which the rail holds but 412.70."""
    invoice_paid(screens)
    screens.office.world.other_row(GONE, kind="adjustment", category="other_adjustment")
    screens.run()
    left = screens.office.scalar(
        """select sum(p.amount) from posting p join ledger_account a on a.id = p.account_id
        where a.role = 'clearing'"""
    )
    assert left == 300_000 - FEE + GONE
    return screens


def _ask(poor: Screens, by: Somebody, amount: str, **more):
    form = {"amount": amount, "reason": "partial_scope", "note": "Page 4", "treatment": "credit"}
    return by.post("/refunds/new", form | {"invoice": poor.ids["INV-1041"]} | more)


def _id(answer) -> str:
    assert answer.status_code == 303, said(answer)
    return answer.location.rpartition("/")[2].partition("?")[0]


def _approve(poor: Screens, by: Somebody, refund_id: str):
    return by.post(f"/refunds/{refund_id}/approve", {"rev": poor.rev("refund", refund_id)})


def _sheet(by: Somebody, refund_id: str) -> str:
    """The box in which it is approved."""
    html = by.get(f"/refunds/{refund_id}").get_data(as_text=True)
    return html.partition(f"/refunds/{refund_id}/approve")[2].partition("</form>")[0]


WARNED = "Stripe holds $412.70 for us by our books; with this one, refunds of {} wait to leave it."


def test_the_form_says_it_before_it_is_asked_for(poor: Screens) -> None:
    rae = poor.as_("reconciler")
    assert WARNED.format("$3,000.00") in rae.read("/refunds/new?invoice=INV-1041")
    before = poor.books()
    looked = said(_ask(poor, rae, "412.71", do="look"))
    assert WARNED.format("$412.71") in looked
    assert "Stripe holds" not in said(_ask(poor, rae, "412.70", do="look"))
    by_hand = said(_ask(poor, rae, "412.71", do="look", method="hand"))
    assert "Stripe holds" not in by_hand
    assert "The money goes by bank transfer from your account to the customer" in by_hand
    assert "The way it was paid, the money goes back to each payment it came from" in looked
    assert "the money goes back to each payment" not in by_hand
    assert poor.books() == before


def test_whoever_approves_reads_it_with_all_that_waits_already(poor: Screens) -> None:
    rae, aki = poor.as_("reconciler"), poor.as_("approver")
    first = _id(_ask(poor, rae, "300.00"))
    second = _id(_ask(poor, rae, "200.00"))
    for one in (first, second):  # each would be carried, and not both
        assert "another one that waits for approval comes to" in _sheet(aki, one)
        assert "$500.00 in all" in _sheet(aki, one)
        assert "This one by itself is covered. Stripe holds $412.70" in _sheet(aki, one)
    assert _approve(poor, aki, first).status_code == 303
    assert "refunds of $500.00 wait to leave it" in _sheet(aki, second)
    assert WARNED.format("$500.00") in rae.read("/refunds?tab=others")
    poor.office.clock.advance(minutes=6)
    proof = said(_approve(poor, aki, second))
    assert "Is it still you?" in proof
    assert f"Careful This one is not covered. {WARNED.format('$500.00')}" in proof
    assert _approve(poor, poor.as_("approver"), second).status_code == 303, "it is no refusal"


def test_a_refund_by_bank_transfer_does_not_say_that_it_goes_to_the_card(poor: Screens) -> None:
    rae = poor.as_("reconciler")
    asked = _id(_ask(poor, rae, "50.00", method="hand"))
    words = rae.read(f"/refunds/{asked}")
    assert "Bank transfer, by hand of what came by Visa •• 4242" in words


def test_today_and_reconciliation_are_not_green_below_zero(poor: Screens) -> None:
    vera = poor.as_("viewer")
    assert "Held by Stripe $412.70" in vera.read("/")
    assert "Stripe clearing is at" not in vera.read("/")
    refund_id = _id(_ask(poor, poor.as_("reconciler"), "1000.00"))
    assert _approve(poor, poor.as_("approver"), refund_id).status_code == 303
    assert "Not enough: refunds of $1,000.00 wait to leave it" in vera.read("/")
    poor.office.drain()
    poor.hear("")
    words = vera.read("/")
    assert "Stripe clearing is at -$587.30: the balance of Stripe for us is below zero." in words
    assert "Refunds, disputes, fees and payouts took more than it held." in words
    assert "paid out more" not in words
    assert "Put money on our balance at Stripe" in words
    assert "Held by Stripe -$587.30 Below zero" in words
    assert "Nothing waits for you." not in words
    assert "Stripe clearing is at -$587.30" in vera.read("/reconciliation")
    tied = vera.read("/reconciliation/tie-out")
    assert "USD Below zero" in tied
    assert "USD The same" not in tied


def test_a_refund_of_what_was_settled_in_another_currency_is_held_against_that(
    screens: Screens,
) -> None:
    payment = screens.paid(
        10_000, "eur", settle_in=("usd", 1_085, 1_000), description="danke", fee=0
    )
    rae = screens.as_("reconciler")
    form = {"payment": payment, "reason": "goodwill", "amount": "100.00", "do": "look"}
    assert "Stripe holds" not in said(rae.post("/refunds/new", form))
    screens.office.world.other_row(-10_000, kind="adjustment", category="other_adjustment")
    screens.run()
    words = said(rae.post("/refunds/new", form | {"amount": "50.00"}))
    assert "Stripe holds $8.50 for us" in words
    assert "refunds of $54.25 wait to leave it" in words
