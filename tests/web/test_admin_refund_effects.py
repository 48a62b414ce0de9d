"""A refund's page says what was posted of it, what it comes off, and how far it has come."""

from datetime import timedelta

import pytest

from tests.web.screens import Screens, Somebody
from tests.web.test_admin_refunds import invoice_paid, sent_back


@pytest.fixture
def birch(screens: Screens) -> Screens:
    """An invoice of 3,000.00, paid in full by card."""
    return invoice_paid(screens)


def _post(made: Screens, by: Somebody, refund_id: str, what: str, **typed: str) -> None:
    form = {"rev": made.rev("refund", refund_id)} | typed
    assert by.post(f"/refunds/{refund_id}/{what}", form).status_code == 303


@pytest.mark.thorough
def test_of_what_was_paid_by_hand_the_entries_and_the_steps_are_those_of_that_way(birch):
    refund_id = sent_back(birch)
    aki, page = birch.as_("approver"), f"/refunds/{refund_id}"
    words = aki.read(page)
    assert "Books Nothing stands: what was posted was taken back." in words
    assert "Asked for , done Approved , done Sent to the provider , done Failed" in words
    _post(birch, aki, refund_id, "another-way", method="bank_transfer")
    words = aki.read(page)
    foreseen = "Debit Credits $300.00, credit Bank $300.00."
    assert f"{foreseen} Nothing of it is posted yet." in words
    assert "Approved , done Paying back by bank transfer Confirmation and booking" in words
    _post(birch, birch.as_("second"), refund_id, "paid-back", reference="Transfer of 1 Dec")
    words = aki.read(page)
    assert f"Books {foreseen} Approved by" in words
    assert "Paid back by bank transfer , done Confirmed and booked , done" in words
    assert "Stripe clearing" not in words
    steps = aki.get(page).get_data(as_text=True).partition('<ol class="steps">')[2]
    steps = steps.partition("</ol>")[0]
    assert "the provider" not in steps
    assert 'class="bad"' not in steps
    posted = birch.office.rows(
        """select a.role, sum(p.amount)::bigint as amount from posting p
        join ledger_account a on a.id = p.account_id where a.role in ('bank', 'clearing')
        group by a.role order by a.role"""
    )
    assert {row.role: row.amount for row in posted}["bank"] == -30_000
    assert birch.office.violations() == []


def test_of_what_is_kept_the_page_says_that_it_was_taken_in_again(birch):
    refund_id = sent_back(birch)
    aki = birch.as_("approver")
    _post(birch, aki, refund_id, "keep", kept_as="credit", consent="Mail of Ada")
    words = aki.read(f"/refunds/{refund_id}")
    assert "Kept as credit , done Confirmed and booked , done" in words
    assert "credit Undeposited funds $300.00. $300.00 was taken in again for the customer" in words


def test_a_refund_asked_of_a_payment_names_the_invoice_that_it_lowers_from_and_to(birch):
    ask = {"payment_id": birch.ids["pay"], "amount": 30_000, "treatment": "credit"}
    refund_id = birch.ask_refund("reconciler", **ask)
    words = birch.as_("approver").read("/refunds")
    assert "Comes off INV-1041 , payment pi_" in words
    assert "INV-1041 drops from $3,000.00 to $2,700.00; nobody is chased for it." in words
    assert "What is unapplied is taken first" not in words
    steps = "Asked for , done Approval Sending to the provider Confirmation and booking"
    assert steps in birch.as_("approver").read(f"/refunds/{refund_id}")
    _post(birch, birch.as_("reconciler"), refund_id, "cancel")
    words = birch.as_("approver").read(f"/refunds/{refund_id}")
    assert "Books Nothing is posted." in words


@pytest.mark.thorough
def test_what_is_on_no_invoice_is_said_to_be_and_each_part_has_its_amount(birch):
    birch.invoice(birch.ids["birch"], 26_000, "INV-1042")
    over = birch.paid(28_000, customer=birch.ids["cus"], metadata={"invoice": "INV-1042"})
    loose = birch.ask_refund("reconciler", payment_id=over, amount=2_000, treatment="credit")
    words = birch.as_("approver").read(f"/refunds/{loose}")
    assert "Comes off money of Birch that is on no invoice, payment pi_" in words, words[:900]
    assert "No invoice and no deposit changes." in words
    _post(birch, birch.as_("reconciler"), loose, "cancel")
    both = birch.ask_refund("reconciler", payment_id=over, amount=5_000, treatment="credit")
    words = birch.as_("approver").read(f"/refunds/{both}")
    assert "$30.00 of INV-1042 , $20.00 of money of Birch that is on no invoice" in words
    assert "What is unapplied is taken first." in words
    assert "INV-1042 drops from $260.00 to $230.00" in words


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("amount", "of_the_invoice"), [(2_000, 0), (5_000, 3_000)])
def test_of_an_excess_that_went_back_the_invoice_is_said_to_lose_nothing(
    birch, amount, of_the_invoice
):
    birch.invoice(birch.ids["birch"], 26_000, "INV-1042")
    over = birch.paid(28_000, customer=birch.ids["cus"], metadata={"invoice": "INV-1042"})
    made = birch.ask_refund("reconciler", payment_id=over, amount=amount, treatment="reopen")
    _post(birch, birch.as_("approver"), made, "approve")
    birch.office.drain(timedelta(seconds=30))
    birch.hear("")
    words = birch.as_("approver").read(f"/refunds/{made}")
    lost = f"$30.00 of {'INV-1042'} and " if of_the_invoice else ""
    debit = "Debit Unapplied cash $20.00" + (
        " and Accounts receivable $30.00" if of_the_invoice else ""
    )
    assert f"{debit}, credit" in words, words
    assert f"It took {lost}$20.00 of money that no document had taken up." in words
    assert "$20.00 of money of Birch that is on no invoice" in words or not of_the_invoice
    left = "select outstanding from invoice where number = 'INV-1042'"
    assert birch.office.scalar(left) == of_the_invoice
    assert birch.office.violations() == []


@pytest.mark.thorough
def test_what_two_paid_for_one_invoice_goes_back_from_what_was_too_much(birch):
    """The later is beyond what the invoice takes; the earlier goes back, and the later pays it."""
    birch.paid(300_000, customer=birch.ids["cus"], metadata={"invoice": "INV-1041"})
    made = birch.ask_refund(
        "reconciler", payment_id=birch.ids["pay"], amount=300_000, treatment="credit"
    )
    _post(birch, birch.as_("approver"), made, "approve")
    birch.office.drain(timedelta(seconds=30))
    birch.hear("")
    words = birch.as_("approver").read(f"/refunds/{made}")
    assert "It took $3,000.00 of money that no document had taken up." in words, words


def test_of_a_deposit_it_is_said_what_is_left(birch):
    birch.deposit(birch.ids["birch"], 60_000, "DEP-1001")
    birch.paid(60_000, customer=birch.ids["cus"], metadata={"deposit": "DEP-1001"})
    birch.ask_refund("reconciler", deposit_id=birch.ids["DEP-1001"], amount=20_000)
    words = birch.as_("approver").read("/refunds")
    assert "Comes off DEP-1001" in words
    assert "DEP-1001 has $400.00 left instead of $600.00." in words
