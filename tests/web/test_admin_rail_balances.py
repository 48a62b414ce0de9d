"""What a rail holds does not carry what is to leave it: said before each button, and on Today."""

import pytest

from tests.web.screens import Screens, Somebody, said
from tests.web.test_admin_refunds import invoice_paid

pytestmark = pytest.mark.sampled(2)

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


def test_what_is_approved_and_not_covered_is_promised_to_nobody(poor: Screens) -> None:
    asked = _id(_ask(poor, poor.as_("reconciler"), "412.71"))
    aki = poor.as_("approver")
    page = said(aki.client.get(_approve(poor, aki, asked).location))
    assert "Careful This one is not covered." in page
    assert "Approved. Put money on our balance at the payment provider." in page
    assert "Next Put money on our balance at the payment provider." in page
    assert "The client reads It is agreed to, and will be sent as soon as we can." in page
    for words in ("business days", "Nothing to do", "goes out by itself within a minute."):
        assert words not in page, words


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


@pytest.fixture
def waits(poor: Screens) -> Screens:
    """The same, and all of the invoice is to go back: it was sent, and waits at the rail."""
    poor.office.world.enforce_balance = True
    poor.ids["refund"] = _id(_ask(poor, poor.as_("reconciler"), "3000.00"))
    assert _approve(poor, poor.as_("approver"), poor.ids["refund"]).status_code == 303
    poor.office.drain()
    poor.hear("")
    return poor


def _listed(by: Somebody) -> str:
    return by.read("/payments").partition("Captured Unapplied")[2]


def test_a_payment_reads_refunded_once_its_refund_has_left(waits: Screens) -> None:
    vera, pay = waits.as_("viewer"), waits.ids["pay"]
    assert "Refund on its way" in _listed(vera)
    assert "Refunded" not in _listed(vera)
    words = vera.read(f"/payments/{pay}")
    assert "Refund on its way" in words
    assert "Refunded $0.00 On its way back $3,000.00" in words
    assert "$3,000.00 refunded" not in words
    assert waits.office.scalar("select status from payment") == "refunded", "as programs have it"
    waits.office.world.pay(400_000)
    waits.hear("")
    assert "Refunded" in _listed(vera)
    assert "Refund on its way" not in _listed(vera)
    words = vera.read(f"/payments/{pay}")
    assert "Refunded $3,000.00 Provider" in words
    assert "On its way back" not in words


def test_a_refund_that_was_sent_and_waits_is_not_to_be_paid_another_way(waits: Screens) -> None:
    words = waits.as_("approver").read(f"/refunds/{waits.ids['refund']}")
    assert "Stripe holds $412.70 for us by our books, and refunds of $3,000.00 wait" in words
    assert "This one was sent" in words
    assert "Paid another way as well, it would be paid twice." in words
    assert "is not covered" not in words
    assert "back by bank transfer" not in words


def test_the_question_about_it_says_what_to_do_and_counts_as_in_the_menu(waits: Screens) -> None:
    rae = waits.as_("reconciler")
    waits.office.world.dispute(waits.office.world.pay(5_000).charge)
    waits.hear("")
    words = rae.read("/questions")
    assert "Put money on our balance at Stripe, or wait until payments bring enough" in words
    assert "See the refund" in words
    number = rae.get("/counts").get_json()["questions"]
    are = "is" if number == 1 else "are"
    assert f"Only here {number} " in words
    assert f"{number} {are} asked only here, as the menu counts them" in words
    assert "Put money on our balance at Stripe" in rae.read("/questions?group=here")
