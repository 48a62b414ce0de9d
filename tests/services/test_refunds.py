import threading

import pytest

from reconciler.books.consent import RefundPolicy
from reconciler.errors import Conflict, Forbidden, Invalid, NotFound, ReconcilerError, Refused
from reconciler.services import refunds
from reconciler.services.refunds import RefundAsk
from reconciler.store.payments import Payment
from reconciler.store.refunds import Refund
from reconciler.work import Task
from tests.refund_stage import ANN, BEN, PROGRAM, open_stage


@pytest.fixture
def stage(database_url, redis_url):
    with open_stage(database_url, redis_url) as opened:
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
    with pytest.raises(Invalid) as refusal:
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
    stage.work_for(hours=49)
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
    stage.work_for(hours=30)
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
