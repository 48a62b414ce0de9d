from datetime import timedelta

import pytest

from reconciler.books.refund_sending import Look, Looked
from reconciler.failpoints import armed
from reconciler.flows.submit_refunds import submit_refunds
from reconciler.services import refund_sending, refunds
from reconciler.settings import Settings
from tests.refund_stage import ANN, open_stage

POST = {"method": "POST", "path": "/v1/refunds"}


@pytest.fixture
def stage(database_url, redis_url):
    with open_stage(database_url, redis_url) as opened:
        yield opened


def test_an_approved_refund_is_sent_once_with_our_reference_and_booked(stage):
    payment = stage.paid(10_000)
    before = stage.books()
    refund = stage.ask(payment_id=payment, amount=2_500)
    assert stage.status(refund) == "approved"
    assert stage.submit() == 1
    assert stage.submit() == 0
    (made,) = stage.at_the_rail()
    assert (made["amount"], made["metadata"]["reconciler_refund_id"]) == (2_500, refund)
    assert stage.steps(refund) == ["requested", "approved", "submitted", "succeeded"]
    assert stage.refund(refund).rail_refund_id == made["id"]
    books = stage.books()
    assert books["clearing"] == before["clearing"] - 2_500
    assert books["unapplied_cash"] == before["unapplied_cash"] + 2_500
    assert "refunds_payable" not in books


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "half_body"])
def test_an_answer_that_is_lost_is_looked_for_before_anything_is_sent_again(stage, kind):
    payment = stage.paid()
    refund = stage.ask(payment_id=payment, amount=2_500)
    stage.faults.add(kind, **POST)
    stage.submit()
    assert stage.status(refund) == "unknown"
    assert stage.submit() == 0, "not before its time"
    stage.pass_time(seconds=10)
    stage.submit()
    assert stage.status(refund) == "succeeded"
    assert len(stage.at_the_rail()) == 1
    (attempt,) = stage.attempts(refund)
    assert attempt.sends == (2 if kind == "drop_before" else 1)
    spread = attempt.last_sent_at - attempt.first_sent_at
    assert spread == timedelta(seconds=10 if kind == "drop_before" else 0)
    assert stage.books()["unapplied_cash"] == -7_500


def test_an_effect_that_comes_late_is_found_or_meets_the_same_key(stage):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    stage.faults.add("late_effect", seconds=0.3, **POST)
    stage.submit()
    assert stage.status(refund) == "unknown"
    stage.pass_time(seconds=10)
    stage.submit()
    stage.faults.wait_for_late_effects()
    stage.pass_time(minutes=1)
    stage.submit()
    assert stage.status(refund) == "succeeded"
    assert len(stage.at_the_rail()) == 1


# Without an effect it is FT-37 of `test_refund_faults.py`, for 26 hours of looks.
@pytest.mark.parametrize("effect", [True, pytest.param(False, marks=pytest.mark.thorough)])
def test_a_saved_500_is_not_believed(stage, effect):
    payment = stage.paid()
    refund = stage.ask(payment_id=payment, amount=2_500)
    stage.faults.add("saved_500", effect=effect, **POST)
    stage.submit()
    assert stage.status(refund) == "unknown"
    stage.pass_time(seconds=10)
    stage.submit()
    if effect:
        assert stage.status(refund) == "succeeded"
    else:
        assert stage.status(refund) == "unknown"  # the rail plays the same 500 again
        stage.work_for(hours=26)
        assert stage.status(refund) == "succeeded"
        assert [a.generation for a in stage.attempts(refund)] == [1, 2]
    assert len(stage.at_the_rail()) == 1


def test_an_answer_that_does_not_show_our_refund_settles_nothing(stage):
    payment = stage.paid()
    refund = stage.ask(payment_id=payment, amount=2_500)
    lease = stage.do(refund_sending.claim)
    turn = stage.do(lambda work: refund_sending.take_up(work, lease))
    absent = Looked(Look.ABSENT)
    assert stage.do(lambda w: refund_sending.decide(w, lease, absent, stage.policy)) == turn
    stage.do(lambda work: refund_sending.record_answer(work, lease, turn.facts))
    assert stage.status(refund) == "unknown"
    assert stage.leg(refund).due_at == stage.now + timedelta(seconds=10)


def test_found_and_not_to_be_read_yet_is_neither_sent_nor_settled(stage):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    lease = stage.do(refund_sending.claim)
    found = Looked(Look.FOUND)
    assert stage.do(lambda w: refund_sending.decide(w, lease, found, stage.policy)) is None
    assert stage.status(refund) == "approved"
    assert stage.leg(refund).due_at == stage.now + timedelta(seconds=10)


def test_a_refusal_is_believed_only_after_a_look_and_frees_the_money(stage):
    payment = stage.paid(10_000)
    stage.world.dispute(stage.world.get("payment_intent", stage.rail_id(payment))["latest_charge"])
    refund = stage.ask(payment_id=payment, amount=6_000)  # we have not heard of the dispute
    stage.submit()
    assert stage.status(refund) == "failed"
    (item,) = stage.questions("refund_failed")
    assert (item.subject, item.refund_id, item.amount) == (refund, refund, 6_000)
    assert "charge_disputed" in stage.refund(refund).failure
    assert stage.at_the_rail() == []
    assert stage.ask(payment_id=payment, amount=10_000)


def test_already_refunded_may_be_our_own_success(stage):
    payment = stage.paid(10_000)
    refund = stage.ask(payment_id=payment, amount=10_000)

    def ours_arrives():  # our own first sending, which we took for lost
        stage.world.refund(
            stage.rail_id(payment), 10_000, metadata={"reconciler_refund_id": refund}
        )

    with armed({"refund.after_fence": ours_arrives}):
        stage.submit()
    assert stage.status(refund) == "succeeded"
    assert len(stage.at_the_rail()) == 1
    assert stage.questions("refund_failed") == []


def test_the_same_key_with_other_parameters_is_a_persons(stage):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    stage.faults.add("drop_before", **POST)
    key = f"rr:{stage.leg(refund).id}:1"
    stage.world.truth.idempotency[key] = {
        "asked": {"method": "POST", "path": "/v1/elsewhere", "params": {}},
        "body": {},
        "created": int(stage.now.timestamp()),
        "request_id": "req_1",
        "status": 200,
    }
    stage.faults.clear()
    stage.submit()
    assert stage.status(refund) == "manual"
    assert "idempotency_error" in stage.refund(refund).failure
    assert stage.at_the_rail() == []


def test_never_answered_it_is_given_to_a_person_after_two_days(stage):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    stage.faults.add("saved_500", count=None, **POST)
    stage.work_for(hours=47)
    assert stage.status(refund) == "unknown"
    stage.work_for(hours=4)
    assert stage.status(refund) == "manual"
    assert stage.at_the_rail() == []
    (item,) = stage.questions("manual_refund")
    assert item.amount == 2_500


@pytest.mark.thorough
def test_a_person_may_release_it_and_it_is_looked_for_before_it_is_sent(stage):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    rule = stage.faults.add("saved_500", count=None, **POST)
    stage.work_for(hours=72)
    assert stage.status(refund) == "manual"
    rule.count = 0
    stage.do(lambda work: refunds.retry(work, refund), ANN)
    assert stage.questions("manual_refund") == []
    stage.work_for(hours=26)
    assert stage.status(refund) == "succeeded"
    assert len(stage.at_the_rail()) == 1


def test_nothing_is_sent_while_what_the_rail_lists_does_not_make_up_its_total(stage):
    payment = stage.paid()
    refund = stage.ask(payment_id=payment, amount=2_500)
    other = stage.world.refund(stage.rail_id(payment), 1_000)
    stage.world.get("refund", other)["status"] = "held_for_review"  # a word nobody here knows
    stage.submit()
    assert stage.status(refund) == "approved"
    assert "totals" in stage.leg(refund).failure
    assert len(stage.at_the_rail()) == 1
    stage.world.get("refund", other)["status"] = "succeeded"
    stage.pass_time(seconds=10)
    stage.submit()
    assert stage.status(refund) == "succeeded"
    assert stage.books()["unapplied_cash"] == -6_500


def test_the_rail_out_of_reach_fails_nothing_and_stops_the_run(stage):
    payments_made = [stage.paid() for _ in range(5)]
    asked = [stage.ask(payment_id=payment, amount=100) for payment in payments_made]
    stage.faults.add("answer", method="GET", status=503, count=None)
    assert stage.submit() == 3
    assert {stage.status(refund) for refund in asked} == {"approved"}
    stage.faults.clear()
    stage.pass_time(minutes=5)
    stage.submit()
    assert {stage.status(refund) for refund in asked} == {"succeeded"}
    assert len(stage.at_the_rail()) == 5


def test_the_days_limit_holds_what_is_beyond_it_until_midnight(stage):
    limited = Settings(
        **{
            name: getattr(stage.runtime.settings, name)
            for name in ("database_url", "redis_url", "stripe_secret_key", "stripe_api_base")
        },
        refund_daily_limit={"USD": 5_000},
    )
    object.__setattr__(stage.runtime, "settings", limited)
    asked = [stage.ask(payment_id=stage.paid(), amount=3_000) for _ in range(2)]
    submit_refunds(stage.runtime)
    assert sorted(stage.status(refund) for refund in asked) == ["approved", "succeeded"]
    held = next(refund for refund in asked if stage.status(refund) == "approved")
    assert "tomorrow" in stage.leg(held).failure
    stage.pass_time(hours=11, minutes=59)
    assert stage.submit() == 0
    stage.pass_time(minutes=1)
    stage.submit()
    assert {stage.status(refund) for refund in asked} == {"succeeded"}
