import os
import signal
import threading
from datetime import timedelta

import pytest

from reconciler.failpoints import Struck, arm_from, armed, strike
from reconciler.flows.submit_refunds import converge, submit_refunds
from reconciler.services import refund_sending, refunds, switches
from reconciler.settings import Settings
from tests.refund_stage import ANN, BEN, open_stage

POST = {"method": "POST", "path": "/v1/refunds"}


@pytest.fixture
def stage(database_url, owner_url, redis_url):
    with open_stage(database_url, owner_url, redis_url) as opened:
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


def test_hearing_of_it_again_books_and_asks_nothing(stage):
    payment = stage.paid()
    stage.ask(payment_id=payment, amount=2_500)
    stage.submit()
    books = stage.books()
    stage.hear_again(payment)
    assert stage.books() | {"processing_fees": 0} == books | {"processing_fees": 0}
    assert stage.questions("external_refund") == []


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


@pytest.mark.parametrize("effect", [True, False])
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
        stage.pass_time(hours=25)
        stage.submit()
        assert stage.status(refund) == "succeeded"
        assert [a.generation for a in stage.attempts(refund)] == [1, 2]
    assert len(stage.at_the_rail()) == 1


@pytest.mark.parametrize("status", [409, 429])
def test_what_the_rail_did_not_execute_keeps_its_state_and_is_tried_later(stage, status):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    stage.faults.add("answer", status=status, **POST)
    stage.submit()
    assert stage.status(refund) == "submitted"
    assert stage.leg(refund).due_at == stage.now + timedelta(seconds=10)
    stage.pass_time(seconds=10)
    stage.submit()
    assert stage.status(refund) == "succeeded"
    assert len(stage.at_the_rail()) == 1


def test_a_key_that_is_refused_fails_nothing(stage):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    stage.faults.add("answer", status=401, count=2, **POST)
    stage.submit()
    stage.pass_time(seconds=10)
    stage.submit()
    assert stage.status(refund) in {"submitted", "unknown"}
    assert stage.questions("refund_failed") == []
    stage.pass_time(minutes=1)
    stage.submit()
    assert stage.status(refund) == "succeeded"


@pytest.mark.parametrize("hours", [1, 23.99, 24.01, 30, 72])
@pytest.mark.parametrize("had_effect", [True, False])
def test_resumed_at_any_hour_after_a_crash_there_is_one_refund(stage, hours, had_effect):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    point = "refund.after_send" if had_effect else "refund.before_fence"
    with armed({point: _die}), pytest.raises(_Killed):
        stage.submit()
    assert stage.status(refund) == "submitted"
    stage.pass_time(hours=hours)
    stage.submit()
    if 20 < hours < 25 and not had_effect:
        assert stage.status(refund) == "unknown"  # looks, and does not dare to send
        stage.pass_time(hours=25 - hours, seconds=30)
        stage.submit()
    assert stage.status(refund) == "succeeded"
    assert len(stage.at_the_rail()) == 1
    assert stage.books()["unapplied_cash"] == -7_500


POINTS = [
    "refund.after_probe",
    "refund.after_intent_commit",
    "refund.before_fence",
    "refund.after_fence",
    "refund.after_send",
    "refund.after_response",
    "refund.before_record",
    "refund.after_record",
]


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_and_taken_up_again_there_is_one_refund(stage, point):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    with armed({point: _die}), pytest.raises(_Killed):
        stage.submit()
    assert stage.submit() == 0, "the lease of who died still holds"
    stage.pass_time(seconds=121)
    stage.submit()
    assert stage.status(refund) == "succeeded"
    assert len(stage.at_the_rail()) == 1
    assert stage.books()["unapplied_cash"] == -7_500


@pytest.mark.parametrize("point", ["refund.after_intent_commit", "refund.after_send"])
def test_a_process_that_is_really_killed_leaves_what_another_can_finish(stage, point):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    stage.runtime.engine.dispose()
    child = os.fork()
    if not child:
        arm_from(f"{point}=kill9", is_live=False)
        stage.submit()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert stage.status(refund) == "submitted"
    stage.pass_time(seconds=121)
    stage.submit()
    assert stage.status(refund) == "succeeded"
    assert len(stage.at_the_rail()) == 1


@pytest.mark.parametrize("point", POINTS)
def test_an_exception_at_any_point_is_survived_too(stage, point):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    with armed({point: strike}):
        try:
            stage.submit()
        except Struck:
            stage.pass_time(seconds=121)
    stage.pass_time(seconds=10)
    stage.submit()
    assert stage.status(refund) == "succeeded"
    assert len(stage.at_the_rail()) == 1


@pytest.mark.parametrize("point", ["refund.before_fence", "refund.after_fence"])
def test_who_was_frozen_before_the_first_byte_does_not_send(stage, point):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    with armed({point: lambda: stage.pass_time(hours=30)}):
        stage.submit()
    assert stage.at_the_rail() == []
    stage.pass_time(minutes=5)
    stage.submit()
    assert stage.status(refund) == "succeeded"
    assert len(stage.at_the_rail()) == 1


def test_a_switch_thrown_between_intent_and_first_byte_stops_it(stage):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)

    def throw(name, on):
        stage.do(lambda work: switches.change(work, name, on=on, reason="a drill"))

    with armed({"refund.after_intent_commit": lambda: throw("outbound", False)}):
        stage.submit()
    assert stage.at_the_rail() == []
    stage.pass_time(minutes=5)
    assert stage.submit() == 0
    throw("outbound", True)
    throw("refunds", False)
    assert stage.submit() == 0
    throw("refunds", True)
    stage.submit()
    assert stage.status(refund) == "succeeded"
    assert len(stage.at_the_rail()) == 1


def test_two_workers_at_once_send_one(stage):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    leg = stage.leg(refund).id
    start = threading.Barrier(2)

    def work():
        start.wait()
        converge(stage.runtime, leg)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert stage.status(refund) == "succeeded"
    assert len(stage.at_the_rail()) == 1


def test_who_lost_the_lease_does_not_send_although_it_meant_to(stage):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    leg = stage.leg(refund).id

    def another_takes_over():
        stage.pass_time(seconds=125)
        with armed({"refund.before_fence": lambda: None}):
            converge(stage.runtime, leg)

    with armed({"refund.before_fence": another_takes_over}):
        stage.submit()
    assert stage.status(refund) == "succeeded"
    assert len(stage.at_the_rail()) == 1
    (attempt,) = stage.attempts(refund)
    assert attempt.sends == 2  # meant twice, sent once


def test_who_lost_the_lease_writes_nothing_over_who_has_it(stage):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    first = stage.do(refund_sending.claim)
    assert stage.do(refund_sending.claim) is None
    stage.pass_time(seconds=121)
    second = stage.do(refund_sending.claim)
    assert second.token != first.token
    before = stage.leg(refund)
    stage.do(lambda work: refund_sending.record_unknown(work, first, "late"))
    stage.do(lambda work: refund_sending.record_not_taken(work, first, "late"))
    stage.do(lambda work: refund_sending.record_refused(work, first, "any", "late"))
    stage.do(lambda w: refund_sending.record_not_canceled(w, first, "late", is_final=True))
    assert stage.do(lambda work: refund_sending.begin(work, first)) is None
    after = stage.leg(refund)
    assert (after.lease_token, after.due_at, after.failure) == (
        before.lease_token,
        before.due_at,
        before.failure,
    )
    assert stage.status(refund) == "approved"


def taken_for_failed(stage):
    """A refund that the rail refused for a dispute which is over now; it is tried again."""
    payment = stage.paid(10_000)
    charge = stage.world.get("payment_intent", stage.rail_id(payment))["latest_charge"]
    dispute = stage.world.dispute(charge)
    refund = stage.ask(payment_id=payment, amount=2_500)  # we have not heard of the dispute
    stage.submit()
    assert stage.status(refund) == "failed"
    stage.world.close_dispute(dispute, "won", reinstate=10_000)
    stage.do(lambda work: refunds.retry(work, refund), BEN)
    return payment, refund


def test_what_was_taken_for_failed_and_went_after_all_is_not_paid_by_its_replacement_too(stage):
    payment, refund = taken_for_failed(stage)
    stage.world.refund(stage.rail_id(payment), 2_500, metadata={"reconciler_refund_id": refund})
    stage.hear_again(payment)
    assert stage.status(refund) == "succeeded"
    assert stage.submit() == 0
    assert sorted(leg.status for leg in stage.legs(refund)) == ["canceled", "succeeded"]
    assert len(stage.at_the_rail()) == 1
    assert stage.books()["unapplied_cash"] == -7_500
    stage.ask(payment_id=payment, amount=7_500)


def test_if_both_went_a_person_is_asked(stage):
    payment, refund = taken_for_failed(stage)
    stage.submit()
    assert stage.status(refund) == "succeeded"
    stage.world.refund(stage.rail_id(payment), 2_500, metadata={"reconciler_refund_id": refund})
    stage.hear_again(payment)
    (item,) = stage.questions("external_refund")
    assert (item.refund_id, item.amount) == (refund, 2_500)
    assert stage.status(refund) == "succeeded"
    assert stage.books()["unapplied_cash"] == -5_000


def test_news_that_comes_before_our_own_answer_is_taken_for_ours(stage):
    payment = stage.paid()
    refund = stage.ask(payment_id=payment, amount=2_500)
    with armed({"refund.after_send": lambda: stage.hear_again(payment)}):
        stage.submit()
    assert stage.steps(refund) == ["requested", "approved", "submitted", "succeeded"]
    assert stage.questions("external_refund") == []
    assert stage.books()["unapplied_cash"] == -7_500


def test_a_refund_in_the_dashboard_meanwhile_is_booked_and_leaves_ours_to_a_person(stage):
    payment = stage.paid(10_000)
    refund = stage.ask(payment_id=payment, amount=6_000)
    stage.world.refund(stage.rail_id(payment), 6_000)
    stage.submit()
    assert stage.status(refund) == "manual"
    assert len(stage.at_the_rail()) == 1
    (item,) = stage.questions("manual_refund")
    assert (item.subject, item.amount) == (refund, 6_000)
    (external,) = stage.questions("external_refund")
    assert (external.amount, external.payment_id) == (6_000, payment)
    assert stage.books()["unapplied_cash"] == -4_000


def test_a_small_refund_in_the_dashboard_is_booked_first_and_ours_still_goes(stage):
    payment = stage.paid(10_000)
    refund = stage.ask(payment_id=payment, amount=6_000)
    stage.world.refund(stage.rail_id(payment), 1_000)
    stage.submit()
    assert stage.status(refund) == "succeeded"
    assert stage.books()["unapplied_cash"] == -3_000


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
    for _ in range(80):
        stage.submit()
        if stage.status(refund) == "manual":
            break
        stage.pass_time(hours=1)
    assert stage.status(refund) == "manual"
    assert timedelta(hours=47) < stage.now - stage.row(refund).approved_at < timedelta(hours=51)
    assert stage.at_the_rail() == []
    (item,) = stage.questions("manual_refund")
    assert item.amount == 2_500


def test_a_person_may_release_it_and_it_is_looked_for_before_it_is_sent(stage):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    rule = stage.faults.add("saved_500", count=None, **POST)
    for _ in range(80):
        stage.submit()
        stage.pass_time(hours=1)
    assert stage.status(refund) == "manual"
    rule.count = 0
    stage.do(lambda work: refunds.retry(work, refund), ANN)
    assert stage.questions("manual_refund") == []
    stage.pass_time(hours=26)
    stage.submit()
    assert stage.status(refund) == "succeeded"
    assert len(stage.at_the_rail()) == 1


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


@pytest.mark.parametrize("word", ["pending", "requires_action"])
def test_a_refund_that_waits_at_the_rail_is_owed_until_it_leaves(stage, word):
    payment = stage.paid()
    stage.world.plan_refund(status=word)
    refund = stage.ask(payment_id=payment, amount=2_500)
    stage.submit()
    assert stage.status(refund) == word
    assert stage.books()["refunds_payable"] == -2_500
    (made,) = stage.at_the_rail()
    stage.world.advance_refund(made["id"], "succeeded")
    stage.hear_again(payment)
    assert stage.status(refund) == "succeeded"
    assert "refunds_payable" not in stage.books()


def test_a_refund_that_fails_after_it_succeeded_is_taken_back_and_asked_about_once(stage):
    payment = stage.paid()
    before = stage.books()
    refund = stage.ask(payment_id=payment, amount=2_500)
    stage.submit()
    (made,) = stage.at_the_rail()
    stage.world.advance_refund(made["id"], "failed", "lost_or_stolen_card")
    stage.hear_again(payment)
    assert stage.status(refund) == "failed"
    assert stage.refund(refund).failure == "lost_or_stolen_card"
    assert stage.books() == before
    stage.hear_again(payment)
    (item,) = stage.questions("refund_failed")
    assert (item.refund_id, item.amount, item.currency) == (refund, 2_500, "USD")


def test_what_failed_at_the_rail_is_tried_again_under_a_reference_of_its_own(stage):
    payment = stage.paid()
    refund = stage.ask(payment_id=payment, amount=2_500)
    stage.submit()
    stage.world.advance_refund(stage.at_the_rail()[0]["id"], "failed", "declined")
    stage.hear_again(payment)
    stage.do(lambda work: refunds.retry(work, refund), BEN)
    stage.submit()
    assert stage.status(refund) == "succeeded"
    references = [made["metadata"]["reconciler_refund_id"] for made in stage.at_the_rail()]
    assert references == [refund, f"{refund}.2"]
    assert stage.questions("refund_failed") == []
    assert stage.books()["unapplied_cash"] == -7_500
    stage.hear_again(payment)
    assert stage.status(refund) == "succeeded"


def test_what_waits_for_the_customer_can_be_called_off_through_the_rail(stage):
    payment = stage.paid()
    before = stage.books()
    stage.world.plan_refund(status="requires_action")
    refund = stage.ask(payment_id=payment, amount=2_500)
    stage.submit()
    stage.do(lambda work: refunds.cancel(work, refund))
    assert stage.submit() == 1
    assert stage.status(refund) == "canceled"
    assert stage.books() == before
    assert stage.questions("refund_failed") == []


def test_a_calling_off_that_comes_too_late_changes_nothing(stage):
    payment = stage.paid()
    stage.world.plan_refund(status="requires_action")
    refund = stage.ask(payment_id=payment, amount=2_500)
    stage.submit()
    stage.do(lambda work: refunds.cancel(work, refund))
    stage.world.advance_refund(stage.at_the_rail()[0]["id"], "succeeded")
    stage.submit()
    assert stage.submit() == 0
    stage.hear_again(payment)
    assert stage.status(refund) == "succeeded"


def test_canceled_by_somebody_else_is_a_question(stage):
    payment = stage.paid()
    stage.world.plan_refund(status="requires_action")
    refund = stage.ask(payment_id=payment, amount=2_500)
    stage.submit()
    stage.world.cancel_refund(stage.at_the_rail()[0]["id"])
    stage.hear_again(payment)
    assert stage.status(refund) == "canceled"
    (item,) = stage.questions("refund_failed")
    assert item.refund_id == refund


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


def test_a_second_refund_with_our_reference_is_somebodys_question(stage):
    payment = stage.paid()
    refund = stage.ask(payment_id=payment, amount=2_500)
    stage.submit()
    stage.world.refund(stage.rail_id(payment), 2_500, metadata={"reconciler_refund_id": refund})
    stage.hear_again(payment)
    (item,) = stage.questions("external_refund")
    assert item.details["reference"] == refund
    assert stage.status(refund) == "succeeded"


def test_a_restored_database_finds_what_it_has_forgotten_it_sent(stage):
    payment = stage.paid()
    refund = stage.ask(payment_id=payment, amount=2_500)
    stage.world.refund(stage.rail_id(payment), 2_500, metadata={"reconciler_refund_id": refund})
    stage.submit()
    assert stage.status(refund) == "succeeded"
    assert stage.attempts(refund)[0].sends == 0
    assert len(stage.at_the_rail()) == 1


class _Killed(BaseException):
    """A process that is gone: nothing after it runs, no handler, no rollback of ours."""


def _die():
    raise _Killed
