"""How many refunds leave in a day: what is beyond it waits, says why, and a person hears of it."""

import os
import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.books.consent import OF_ONE_PAYMENT_DAILY_MAX
from reconciler.flows.submit_refunds import submit_refunds
from reconciler.services import refunds
from reconciler.services.refunds import RefundAsk
from tests.refund_stage import PROGRAM, open_stage
from tests.tiers import size

DRIP = 1_000 if os.getenv("FULL_SIZE") else size(quick=60, full=200)


@pytest.fixture
def stage(database_url, redis_url):
    with open_stage(database_url, redis_url) as opened:
        yield opened


def limit(stage, **limits):
    settings = replace(stage.runtime.settings, **limits)
    stage.runtime = replace(stage.runtime, settings=settings)


@pytest.mark.thorough
def test_a_drip_of_cents_out_of_one_payment_is_held_and_goes_on_tomorrow(stage):
    payment = stage.paid(10_000)
    more = 5
    asked = [
        stage.ask(payment_id=payment, amount=1) for _ in range(OF_ONE_PAYMENT_DAILY_MAX + more)
    ]
    stage.submit()
    assert len(stage.at_the_rail()) == OF_ONE_PAYMENT_DAILY_MAX
    held = [refund for refund in asked if stage.status(refund) == "approved"]
    assert len(held) == more
    assert "20 refunds of this one payment have left today" in stage.refund(held[0]).failure
    (question,) = stage.questions("refunds_held")
    assert question.details["why"] == ["20 refunds of this one payment have left today"]
    assert "cancel those that should not go" in question.details["next"]
    assert stage.submit() == 0
    stage.pass_time(hours=12)
    stage.submit()
    assert {stage.status(refund) for refund in asked} == {"succeeded"}


def test_s_44_a_drip_of_cents_out_of_many_payments_meets_the_days_number(stage):
    """Each payment is below the number of its own, so that only the house's number sees it.

    A thousand cents take a minute or two: `FULL_SIZE=1 ./test -k s_44`.
    """
    limit(stage, refund_daily_count=30)
    payments = [stage.paid(1_000) for _ in range(DRIP // 20)]
    asks = [RefundAsk(reason="goodwill", payment_id=one, amount=1) for one in payments * 20]

    def drip(work):
        return [refunds.request(work, ask, stage.policy) for ask in asks]

    asked = stage.do(drip, PROGRAM)
    assert len(asked) == DRIP
    assert submit_refunds(stage.runtime, legs_max=45) == 45
    assert len(stage.at_the_rail()) == 30
    (question,) = stage.questions("refunds_held")
    assert question.details["why"] == ["the day's limit of 30 refunds is reached"]
    waiting = [leg for leg in stage.all_legs() if leg.status == "approved"]
    assert len(waiting) == DRIP - 30
    held = [leg for leg in waiting if leg.due_at == stage.now + timedelta(hours=12)]
    assert len(held) == 15, "those whose turn has come wait for midnight; the others meet the same"
    why = "waits for tomorrow: the day's limit of 30 refunds is reached"
    assert {leg.failure for leg in held} == {why}
    submit_refunds(stage.runtime, legs_max=5)
    assert len(stage.at_the_rail()) == 30


def test_the_days_number_of_refunds_holds_the_rest_until_midnight(stage):
    limit(stage, refund_daily_count=2)
    asked = [stage.ask(payment_id=stage.paid(), amount=100) for _ in range(4)]
    stage.submit()
    assert len(stage.at_the_rail()) == 2
    held = next(refund for refund in asked if stage.status(refund) == "approved")
    assert "the day's limit of 2 refunds is reached" in stage.refund(held).failure
    assert stage.leg(held).due_at == stage.now + timedelta(hours=12)


def test_what_failed_counts_as_one_and_what_was_sent_before_is_sent_again(stage):
    limit(stage, refund_daily_count=1)
    first = stage.ask(payment_id=stage.paid(), amount=100)
    stage.faults.add("drop_before", method="POST", path="/v1/refunds")
    stage.submit()
    second = stage.ask(payment_id=stage.paid(), amount=100)
    stage.pass_time(seconds=10)
    stage.submit()
    assert (stage.status(first), stage.status(second)) == ("succeeded", "approved")


def test_one_customers_number_does_not_hold_anothers(stage):
    limit(stage, refund_daily_count_per_customer=1)
    asked = []
    for name in ("Ada", "Ben"):
        customer = stage.customer(name)
        for _ in range(2):
            bill = stage.invoice(customer, 1_000)
            stage.allocate(stage.paid(1_000), invoice_id=bill, amount=1_000)
            asked.append(stage.ask(invoice_id=bill))
    stage.submit()
    assert [stage.status(refund) for refund in asked].count("succeeded") == 2
    assert len({stage.refund(r).customer_id for r in asked if stage.status(r) == "succeeded"}) == 2


def test_several_senders_at_once_do_not_pass_the_limit_together(stage):
    limit(stage, refund_daily_count=3, refund_daily_limit={"USD": 1_000})
    for _ in range(8):
        stage.ask(payment_id=stage.paid(), amount=100)
    senders = [threading.Thread(target=submit_refunds, args=(stage.runtime,)) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert len(stage.at_the_rail()) == 3
