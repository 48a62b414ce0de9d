import threading
from datetime import date

import pytest

from reconciler.books.refunds import RefundPolicy
from reconciler.errors import Conflict, Forbidden, Invalid, NotFound, ReconcilerError, Refused
from reconciler.services import applications, receipts, refunds
from reconciler.services.receipts import Receipt
from reconciler.services.refunds import RefundAsk
from reconciler.store.payments import Payment
from reconciler.store.refunds import Refund
from reconciler.work import Task
from tests.refund_stage import ANN, BEN, PROGRAM, open_stage


@pytest.fixture
def stage(database_url, owner_url, redis_url):
    with open_stage(database_url, owner_url, redis_url) as opened:
        yield opened


# Asking


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "payment_id"),
        ({"payment_id": "pay_1", "invoice_id": "inv_1"}, "payment_id"),
        ({"payment_id": "pay_1", "reason": "because"}, "reason"),
        ({"payment_id": "pay_1", "treatment": "forget"}, "treatment"),
        ({"payment_id": "pay_1", "note": "x" * 2_001}, "note"),
        ({"payment_id": "pay_1", "amount": 0}, "amount"),
        ({"payment_id": "pay_1", "amount": -1}, "amount"),
        ({"payment_id": "pay_1", "amount": 10**16}, "amount"),
    ],
)
def test_what_is_malformed_is_refused_by_its_field(stage, asked, field):
    with pytest.raises(Invalid) as refusal:
        stage.ask(**asked)
    assert refusal.value.field == field


@pytest.mark.parametrize("target", ["payment_id", "invoice_id", "deposit_id"])
def test_what_there_is_not_cannot_be_refunded(stage, target):
    with pytest.raises(NotFound) as refusal:
        stage.ask(**{target: "unknown_1"})
    assert refusal.value.field == target


def test_more_than_is_there_is_refused_with_what_there_is(stage):
    payment = stage.paid(10_000)
    with pytest.raises(Refused, match=r"USD 100\.01 is more than the USD 100\.00") as refusal:
        stage.ask(payment_id=payment, amount=10_001)
    assert refusal.value.field == "amount"
    stage.ask(payment_id=payment, amount=7_000)
    with pytest.raises(Refused, match=r"USD 30\.00"):
        stage.ask(payment_id=payment, amount=3_001)
    stage.ask(payment_id=payment)
    with pytest.raises(Refused, match="nothing can be refunded here") as refusal:
        stage.ask(payment_id=payment)
    assert refusal.value.field == "payment_id"


def test_disputed_money_is_not_refunded_and_the_reason_is_said(stage):
    payment = stage.paid(10_000)
    charge = stage.world.get("payment_intent", stage.rail_id(payment))["latest_charge"]
    stage.world.dispute(charge)
    stage.hear_again(payment)
    with pytest.raises(Refused, match="disputed") as refusal:
        stage.ask(payment_id=payment)
    assert refusal.value.field == "payment_id"


def test_an_uncaptured_payment_has_nothing_to_give_back(stage):
    held = stage.world.authorize(10_000, "usd")
    with pytest.raises(Refused, match="never captured"):
        stage.ask(payment_id=stage.hear_of(held.intent))


def test_the_released_remainder_of_a_partial_capture_is_not_refundable(stage):
    held = stage.world.authorize(20_675, "usd")
    stage.world.capture(held.intent, 20_300)
    refund = stage.ask(payment_id=stage.hear_of(held.intent))
    assert stage.refund(refund).amount == 20_300


def test_a_three_decimal_currency_goes_in_steps_of_ten(stage):
    payment = stage.paid(10_000, "kwd")
    with pytest.raises(Refused, match=r"steps of KWD 0\.010") as refusal:
        stage.ask(payment_id=payment, amount=1_005)
    assert refusal.value.field == "amount"
    assert stage.ask(payment_id=payment, amount=1_010)


def test_more_than_a_days_limit_can_never_go(stage):
    policy = RefundPolicy(daily_limits={"USD": 5_000})
    with pytest.raises(Refused, match="in a day") as refusal:
        stage.ask(payment_id=stage.paid(), amount=5_001, policy=policy)
    assert refusal.value.field == "amount"


def test_of_ten_who_want_sixty_of_a_hundred_at_once_one_gets_it(stage):
    payment = stage.paid(10_000)
    start, answers = threading.Barrier(10), []

    def work():
        start.wait()
        try:
            answers.append(stage.ask(payment_id=payment, amount=6_000))
        except ReconcilerError as refusal:
            answers.append(refusal)

    everybody = [threading.Thread(target=work) for _ in range(10)]
    for one in everybody:
        one.start()
    for one in everybody:
        one.join()
    asked = [answer for answer in answers if isinstance(answer, str)]
    assert len(asked) == 1
    stage.submit()
    assert [made["amount"] for made in stage.at_the_rail()] == [6_000]


def test_three_thirds_give_back_exactly_all(stage):
    payment = stage.paid(10_000)
    for amount in (3_333, 3_333, 3_334):
        stage.ask(payment_id=payment, amount=amount)
    stage.submit()
    assert sum(made["amount"] for made in stage.at_the_rail()) == 10_000
    assert "unapplied_cash" not in stage.books()


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


# Who lets it go


def test_a_persons_request_waits_for_a_second_person(stage):
    refund = stage.ask(ANN, payment_id=stage.paid(), amount=100)
    assert stage.submit() == 0
    with pytest.raises(Forbidden, match="second person"):
        stage.approve(refund, ANN)
    assert stage.status(refund) == "requested"
    stage.approve(refund, BEN)
    shown = stage.refund(refund)
    assert (shown.status, shown.requested_by, shown.approved_by) == (
        "approved",
        "usr_ann",
        "usr_ben",
    )
    stage.submit()
    assert stage.status(refund) == "succeeded"


def test_under_a_threshold_nobody_is_asked_and_above_it_programs_wait_too(stage):
    policy = RefundPolicy({"USD": 500})
    payment = stage.paid()
    small = stage.ask(ANN, payment_id=payment, amount=500, policy=policy)
    large = stage.ask(PROGRAM, payment_id=payment, amount=501, policy=policy)
    assert (stage.status(small), stage.status(large)) == ("approved", "requested")
    assert stage.refund(small).approved_by is None
    with pytest.raises(Forbidden):
        stage.approve(large, PROGRAM)


def test_approving_twice_or_what_has_changed_meanwhile_is_a_conflict(stage):
    refund = stage.ask(ANN, payment_id=stage.paid(), amount=100)
    with pytest.raises(Conflict, match="meanwhile"):
        stage.approve(refund, rev=stage.refund(refund).rev + 1)
    stage.approve(refund, rev=stage.refund(refund).rev)
    with pytest.raises(Conflict, match="approved"):
        stage.approve(refund)
    with pytest.raises(NotFound):
        stage.approve("rfd_unknown")


def test_a_rejected_refund_frees_its_money_and_stays_rejected(stage):
    payment = stage.paid()
    refund = stage.ask(ANN, payment_id=payment)
    stage.do(lambda work: refunds.reject(work, refund, why="not agreed"), BEN)
    assert (stage.status(refund), stage.refund(refund).failure) == ("rejected", "not agreed")
    for step in (refunds.approve, refunds.reject, refunds.retry, refunds.cancel):
        with pytest.raises(Conflict):
            stage.do(lambda work, step=step: step(work, refund), BEN)
    assert stage.submit() == 0
    assert stage.ask(payment_id=payment)


def test_an_approved_refund_is_canceled_before_it_is_sent_and_not_after(stage):
    payment = stage.paid()
    refund = stage.ask(payment_id=payment)
    stage.do(lambda work: refunds.cancel(work, refund))
    assert stage.status(refund) == "canceled"
    assert stage.submit() == 0
    again = stage.ask(payment_id=payment)
    stage.submit()
    with pytest.raises(Conflict, match="succeeded"):
        stage.do(lambda work: refunds.cancel(work, again))


def test_what_was_sent_and_not_heard_of_cannot_be_canceled(stage):
    refund = stage.ask(payment_id=stage.paid())
    stage.faults.add("drop_before", method="POST", path="/v1/refunds")
    stage.submit()
    with pytest.raises(Conflict, match="unknown"):
        stage.do(lambda work: refunds.cancel(work, refund))


def given_up(stage, by=ANN):
    """A refund that was sent, never answered, and left to a person."""
    refund = stage.ask(by, payment_id=stage.paid())
    if by is ANN:
        stage.approve(refund)
    stage.faults.add("saved_500", count=None, method="POST", path="/v1/refunds")
    for _ in range(80):
        stage.submit()
        if stage.status(refund) == "manual":
            break
        stage.pass_time(hours=1)
    stage.faults.clear()
    assert stage.status(refund) == "manual"
    return refund


def test_what_was_given_up_is_called_off_a_day_later_by_a_second_person(stage):
    refund = given_up(stage)
    with pytest.raises(Conflict, match="wait a day"):
        stage.do(lambda work: refunds.cancel(work, refund), BEN)
    stage.pass_time(hours=25)
    with pytest.raises(Forbidden, match="second person"):
        stage.do(lambda work: refunds.cancel(work, refund), ANN)
    stage.do(lambda work: refunds.cancel(work, refund), BEN)
    assert stage.status(refund) == "canceled"
    assert stage.questions("manual_refund") == []


def test_who_asked_and_tries_again_waits_for_a_second_person_again(stage):
    refund = given_up(stage)
    stage.do(lambda work: refunds.retry(work, refund), ANN)
    shown = stage.refund(refund)
    assert (shown.status, shown.approved_by) == ("requested", None)
    assert stage.submit() == 0
    stage.approve(refund, BEN)
    stage.pass_time(hours=25)
    stage.submit()
    assert stage.status(refund) == "succeeded"
    assert len(stage.at_the_rail()) == 1


def test_there_is_nothing_to_try_again_of_what_goes_its_way(stage):
    refund = stage.ask(payment_id=stage.paid())
    with pytest.raises(Conflict, match="nothing to try again"):
        stage.do(lambda work: refunds.retry(work, refund))


def test_what_failed_is_not_tried_again_with_money_that_has_gone_elsewhere(stage):
    payment = stage.paid(10_000)
    refund = stage.ask(payment_id=payment, amount=6_000)
    stage.submit()
    stage.world.advance_refund(stage.at_the_rail()[0]["id"], "failed", "declined")
    stage.hear_again(payment)
    stage.ask(payment_id=payment, amount=5_000)
    with pytest.raises(Refused, match=r"only USD 50\.00 of USD 60\.00"):
        stage.do(lambda work: refunds.retry(work, refund), BEN)


def test_approval_rings_for_the_worker_and_a_request_that_waits_does_not(stage):
    def nudged(step, by):
        def run(work):
            step(work)
            return set(work.nudges)

        return stage.do(run, by)

    ask = RefundAsk(reason="goodwill", payment_id=stage.paid(), amount=100)
    assert nudged(lambda work: refunds.request(work, ask, RefundPolicy()), ANN) == set()
    assert Task.SUBMIT_REFUNDS in nudged(
        lambda work: refunds.request(work, ask, RefundPolicy()), PROGRAM
    )


def test_a_refusal_leaves_nothing_behind(stage):
    payment = stage.paid()
    before = stage.books()
    with pytest.raises(Refused):
        stage.ask(payment_id=payment, amount=99_999)
    with stage.runtime.read() as session:
        assert session.get(Payment, payment).refunded == 0
    assert stage.books() == before
    assert stage._all(Refund) == []


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
