from datetime import date

import pytest

from reconciler.errors import Conflict, Forbidden, Invalid, Refused
from reconciler.services import applications, receipts, refunds
from reconciler.services.receipts import Receipt
from tests.refund_stage import ANN, BEN, open_stage


@pytest.fixture
def stage(database_url, redis_url):
    with open_stage(database_url, redis_url) as opened:
        yield opened


# Whose money


def test_a_refund_of_an_invoice_goes_back_over_the_payments_that_paid_it_newest_first(stage):
    invoice = stage.invoice(stage.customer(), 100_000)
    old = stage.paid(30_000)
    stage.pass_time(days=1)
    new = stage.paid(70_000)
    for payment in (old, new):
        stage.allocate(payment, invoice_id=invoice)
    refund = stage.ask(invoice_id=invoice, amount=80_000, reason="cancellation")
    assert [(leg.payment_id, leg.amount) for leg in stage.refund(refund).legs] == [
        (new, 70_000),
        (old, 10_000),
    ]
    stage.submit()
    assert stage.status(refund) == "succeeded"
    by_intent = {made["payment_intent"]: made["amount"] for made in stage.at_the_rail()}
    assert by_intent == {stage.rail_id(new): 70_000, stage.rail_id(old): 10_000}
    references = {made["metadata"]["reconciler_refund_id"] for made in stage.at_the_rail()}
    assert references == {refund, f"{refund}.2"}
    books = stage.books()
    assert books["credits"] == 80_000
    assert "accounts_receivable" not in books


def test_one_leg_that_fails_leaves_the_other_where_it_is(stage):
    invoice = stage.invoice(stage.customer(), 20_000)
    old = stage.paid(10_000)
    stage.pass_time(days=1)
    new = stage.paid(10_000)
    for payment in (old, new):
        stage.allocate(payment, invoice_id=invoice)
    refund = stage.ask(invoice_id=invoice)
    stage.submit()
    lost = next(m for m in stage.at_the_rail() if m["payment_intent"] == stage.rail_id(old))
    stage.world.advance_refund(lost["id"], "failed", "declined")
    stage.hear_again(old)
    assert {leg.payment_id: leg.status for leg in stage.refund(refund).legs} == {
        new: "succeeded",
        old: "failed",
    }
    assert stage.status(refund) == "failed"
    (item,) = stage.questions("refund_failed")
    assert item.amount == 10_000
    stage.do(lambda work: refunds.retry(work, refund), BEN)
    stage.submit()
    assert stage.status(refund) == "succeeded"
    assert sum(m["amount"] for m in stage.at_the_rail() if m["status"] == "succeeded") == 20_000


@pytest.mark.parametrize(
    ("treatment", "owed", "credited"), [("credit", 0, 4_000), ("reopen", 4_000, 0)]
)
def test_the_treatment_says_whether_it_is_owed_again(stage, treatment, owed, credited):
    invoice = stage.invoice(stage.customer(), 10_000)
    stage.allocate(stage.paid(10_000), invoice_id=invoice)
    stage.ask(invoice_id=invoice, amount=4_000, treatment=treatment)
    stage.submit()
    books = stage.books()
    assert (books.get("accounts_receivable", 0), books.get("credits", 0)) == (owed, credited)


def test_an_invoice_nobody_paid_has_nothing_to_give_back(stage):
    invoice = stage.invoice(stage.customer())
    with pytest.raises(Refused, match="no payment has paid") as refusal:
        stage.ask(invoice_id=invoice)
    assert refusal.value.field == "invoice_id"


def test_what_is_on_its_way_back_for_an_invoice_is_not_asked_back_twice(stage):
    invoice = stage.invoice(stage.customer(), 6_000)
    payment = stage.paid(10_000)
    stage.allocate(payment, invoice_id=invoice, amount=6_000)
    stage.ask(invoice_id=invoice, amount=5_000)
    with pytest.raises(Refused, match=r"USD 10\.00"):
        stage.ask(invoice_id=invoice, amount=1_001)
    assert stage.ask(payment_id=payment, amount=5_000)


def test_a_deposit_gives_back_what_no_invoice_has_used_and_no_more(stage):
    customer = stage.customer()
    deposit, invoice = stage.deposit(customer, 60_000), stage.invoice(customer, 40_000)
    stage.allocate(stage.paid(60_000), deposit_id=deposit)
    stage.do(lambda work: applications.apply(work, deposit, invoice, 40_000))
    with pytest.raises(Refused, match=r"USD 200\.00") as refusal:
        stage.ask(deposit_id=deposit, amount=20_001)
    assert refusal.value.field == "amount"
    refund = stage.ask(deposit_id=deposit)
    assert stage.refund(refund).amount == 20_000
    with pytest.raises(Refused, match="nothing can be refunded"):
        stage.ask(deposit_id=deposit)
    stage.submit()
    books = stage.books()
    assert "customer_deposits" not in books
    assert "accounts_receivable" not in books
    assert "credits" not in books


def test_an_invoice_paid_out_of_a_deposit_is_refunded_over_the_deposits_payment(stage):
    customer = stage.customer()
    deposit, invoice = stage.deposit(customer, 60_000), stage.invoice(customer, 50_000)
    payment = stage.paid(60_000)
    stage.allocate(payment, deposit_id=deposit)
    stage.do(lambda work: applications.apply(work, deposit, invoice, 40_000))
    stage.allocate(stage.paid(10_000), invoice_id=invoice)
    refund = stage.ask(invoice_id=invoice)
    assert stage.refund(refund).amount == 50_000
    assert {leg.target_id for leg in stage.legs(refund)} == {invoice, deposit}
    with pytest.raises(Refused, match="nothing can be refunded"):
        stage.ask(invoice_id=invoice)
    stage.submit()
    assert stage.status(refund) == "succeeded"


def test_the_unapplied_rest_goes_back_without_touching_an_invoice(stage):
    invoice = stage.invoice(stage.customer(), 8_900)
    payment = stage.paid(9_500)
    stage.allocate(payment, invoice_id=invoice)
    before = stage.books().get("accounts_receivable", 0)
    stage.ask(payment_id=payment, amount=600, reason="overpayment")
    stage.submit()
    books = stage.books()
    assert books.get("accounts_receivable", 0) == before == 0
    assert "credits" not in books
    assert "unapplied_cash" not in books


# By hand


def received_by_hand(stage, amount=5_000):
    invoice = stage.invoice(stage.customer(), amount)
    receipt = Receipt("cash", date(2026, 11, 20))
    return invoice, stage.do(lambda work: receipts.receive(work, invoice, receipt))


def test_money_received_by_hand_is_given_back_by_hand_by_a_second_person(stage):
    invoice, payment = received_by_hand(stage)
    refund = stage.ask(ANN, invoice_id=invoice, reason="cancellation")
    stage.approve(refund)
    assert stage.status(refund) == "manual"
    assert stage.submit() == 0
    (item,) = stage.questions("manual_refund")
    assert (item.refund_id, item.amount) == (refund, 5_000)
    assert stage.books()["undeposited"] == 5_000

    def settle(by, reference="cheque 17"):
        stage.do(lambda work: refunds.settle_by_hand(work, refund, reference=reference), by)

    with pytest.raises(Forbidden, match="second person"):
        settle(ANN)
    with pytest.raises(Invalid) as refusal:
        settle(BEN, " ")
    assert refusal.value.field == "reference"
    settle(BEN)
    assert stage.status(refund) == "succeeded"
    assert stage.leg(refund).settled_reference == "cheque 17"
    books = stage.books()
    assert "undeposited" not in books
    assert books["credits"] == 5_000
    assert stage.questions("manual_refund") == []
    assert stage.questions("external_refund") == []
    with pytest.raises(Conflict, match="succeeded"):
        settle(BEN)
    with pytest.raises(Refused):
        stage.ask(payment_id=payment)


def test_a_refund_by_hand_cannot_be_tried_again_at_a_rail_but_can_be_called_off(stage):
    invoice, payment = received_by_hand(stage)
    refund = stage.ask(invoice_id=invoice)
    with pytest.raises(Conflict):
        stage.do(lambda work: refunds.retry(work, refund), BEN)
    stage.do(lambda work: refunds.cancel(work, refund), BEN)
    assert stage.status(refund) == "canceled"
    assert stage.ask(payment_id=payment)


def test_card_and_cash_for_one_invoice_go_back_each_its_own_way(stage):
    customer = stage.customer()
    invoice = stage.invoice(customer, 15_000)
    card = stage.paid(10_000)
    stage.allocate(card, invoice_id=invoice)
    receipt = Receipt("cash", date(2026, 11, 20))
    stage.do(lambda work: receipts.receive(work, invoice, receipt))
    refund = stage.ask(invoice_id=invoice)
    assert stage.status(refund) == "manual"
    stage.submit()
    assert sorted(leg.status for leg in stage.refund(refund).legs) == ["manual", "succeeded"]
    assert stage.status(refund) == "manual"
    stage.do(lambda work: refunds.settle_by_hand(work, refund, reference="in cash"), BEN)
    assert stage.status(refund) == "succeeded"
    assert "accounts_receivable" not in stage.books()
