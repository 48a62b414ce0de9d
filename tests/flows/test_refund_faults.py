"""What goes wrong between us and the rail, and what has to come of it: FT-32 to FT-40.

The same faults in every order and mixture are `tests/books/test_refund_simulator.py`'s; FT-41 is
`test_restores.py`'s. Many at once, resumed after hours, frozen and thawed: a million lives by
`python -m benchmarks.refund_simulator`, and real processes by `python -m tests.chaos.run hell`.
"""

import mmap
import os
import signal
import struct
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from reconciler.failpoints import arm_from, armed
from reconciler.flows.submit_refunds import converge, submit_refunds
from reconciler.services import verification
from tests.refund_stage import open_stage

POST = {"method": "POST", "path": "/v1/refunds"}
LIST = {"method": "GET", "path": "/v1/refunds"}
# What a key meets that may not do this is told as one that is not known is: by 401.
FORBIDDEN = pytest.param(403, marks=pytest.mark.thorough)


@pytest.fixture
def stage(database_url, redis_url):
    with open_stage(database_url, redis_url) as opened:
        yield opened


def is_one_and_booked(stage, refund, amount=2_500):
    assert stage.status(refund) == "succeeded"
    (made,) = stage.at_the_rail()
    assert made["metadata"]["reconciler_refund_id"] == refund
    assert stage.books()["unapplied_cash"] == amount - 10_000
    return True


def waits(stage) -> list[str]:
    with stage.runtime.read() as session:
        return verification.waiting(session)


def test_ft_32_a_timeout_before_the_effect_is_looked_for_and_sent_again_under_the_same_key(stage):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    stage.faults.add("drop_before", **POST)
    stage.submit()
    assert stage.status(refund) == "unknown"
    assert stage.at_the_rail() == []
    stage.work_for(seconds=10)
    assert is_one_and_booked(stage, refund)
    (attempt,) = stage.attempts(refund)
    assert (attempt.generation, attempt.sends) == (1, 2)


def test_ft_33_a_timeout_after_the_effect_is_found_and_nothing_is_sent_again(stage):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    stage.faults.add("drop_after", **POST)
    stage.submit()
    assert stage.status(refund) == "unknown"
    stage.work_for(seconds=10)
    assert is_one_and_booked(stage, refund)
    assert stage.attempts(refund)[0].sends == 1


@pytest.mark.parametrize("had_effect", [True, False], ids=["carried out", "lost"])
def test_money_that_the_dashboard_takes_while_ours_is_unanswered_waits_and_breaks_no_law(
    stage, had_effect
):
    payment = stage.paid(10_000)
    refund = stage.ask(payment_id=payment, amount=6_000)
    stage.faults.add("drop_after" if had_effect else "drop_before", **POST)
    stage.submit()
    assert (stage.status(refund), waits(stage)) == ("unknown", [])
    if had_effect:  # so the rail has no more to give, and the dashboard cannot take what it has not
        stage.world.refund(stage.rail_id(payment), 4_000)
    else:
        stage.world.refund(stage.rail_id(payment), 10_000)
    stage.hear_again(payment)
    assert stage.violations() == []
    if not had_effect:
        (said,) = waits(stage)
        assert "6000 was sent and is not answered, beside 10000 that went back, of 10000" in said
    stage.pass_time(hours=49)  # after two days of looking a person decides
    stage.work_for(hours=2)
    assert stage.status(refund) == ("succeeded" if had_effect else "manual")
    assert (stage.violations(), waits(stage)) == ([], [])


@pytest.mark.parametrize("leap", [timedelta(0), timedelta(hours=30)], ids=["", "and clock leaps"])
def test_ft_34_an_effect_that_comes_after_ten_minutes_meets_the_same_key_or_is_found(stage, leap):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    intent = stage.rail_id(stage.row(refund).payment_id)
    stage.faults.add("drop_before", **POST)  # on its way for ten minutes
    stage.faults.add("answer", status=409, **POST, count=None)
    stage.submit()
    stage.clock[0] += leap  # the wall clock alone: the message is as young as before
    stage.work_for(seconds=600)
    assert stage.at_the_rail() == []
    assert {attempt.generation for attempt in stage.attempts(refund)} == {1}
    stage.faults.clear()
    stage.world.refund(intent, 2_500, metadata={"reconciler_refund_id": refund})
    stage.work_for(hours=2)
    assert is_one_and_booked(stage, refund)


@pytest.mark.parametrize("had_effect", [True, False], ids=["carried out", "lost"])
@pytest.mark.parametrize(
    ("hours", "status", "generation"),
    [
        (19, "succeeded", 1),
        (24 + 1 / 60, "unknown", 1),
        (72, "unknown", 1),
        # Between 20 h and these it is the same.
        pytest.param(23 + 59 / 60, "unknown", 1, marks=pytest.mark.thorough),
        pytest.param(30, "unknown", 1, marks=pytest.mark.thorough),
    ],
)
def test_ft_35_killed_after_sending_and_resumed_hours_later(
    stage, hours, status, generation, had_effect
):
    """To 20 h the same key; to 25 h only looks; then a second look, on time, and a new key."""
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    point = "refund.after_send" if had_effect else "refund.before_fence"
    with armed({point: _die}), pytest.raises(_Killed):
        stage.submit()
    stage.pass_time(hours=hours)
    stage.submit()
    assert stage.status(refund) == ("succeeded" if had_effect else status)
    assert stage.leg(refund).generation == generation
    stage.work_for(hours=3)
    assert is_one_and_booked(stage, refund)
    keys = [attempt.generation for attempt in stage.attempts(refund)]
    assert keys == ([1] if had_effect or hours < 20 else [1, 2])


def test_ft_36_a_process_frozen_after_its_last_check_and_thawed_a_day_later_sends_nothing(stage):
    """A real process, stopped and continued by signals; only the clock of both is the test's."""
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    shared = mmap.mmap(-1, 8)

    def tell(instant):
        shared[:] = struct.pack("d", instant.timestamp())

    def now():
        return datetime.fromtimestamp(struct.unpack("d", shared[:])[0], UTC)

    tell(stage.now)
    stage.runtime.engine.dispose()
    child = os.fork()
    if not child:
        arm_from("refund.after_fence=stop", is_live=False)
        engine = sa.create_engine(stage.runtime.settings.database_url, poolclass=sa.NullPool)
        try:
            submit_refunds(replace(stage.runtime, engine=engine, clock=now))
        finally:
            os._exit(0)
    assert os.WIFSTOPPED(os.waitpid(child, os.WUNTRACED)[1])
    assert stage.leg(refund).status == "submitted"
    assert stage.at_the_rail() == []
    stage.pass_time(hours=30)
    stage.work_for(hours=2)
    assert [attempt.generation for attempt in stage.attempts(refund)] == [1, 2]
    tell(stage.now)
    os.kill(child, signal.SIGCONT)
    assert os.waitpid(child, 0)[1] == 0
    assert is_one_and_booked(stage, refund)


@pytest.mark.parametrize("status", [409, 429])
def test_ft_37_busy_or_too_many_is_unknown_and_tried_again_under_the_same_key(stage, status):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    stage.faults.add("answer", status=status, **POST)
    stage.submit()
    assert stage.status(refund) == "unknown"
    assert stage.leg(refund).due_at == stage.now + timedelta(seconds=10)
    stage.work_for(seconds=10)
    assert is_one_and_booked(stage, refund)
    assert len(stage.attempts(refund)) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_ft_37_a_server_error_is_unknown_and_looked_up(stage, status):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    stage.faults.add("answer", status=status, **POST)
    stage.submit()
    assert stage.status(refund) == "unknown"
    stage.work_for(seconds=10)
    assert is_one_and_booked(stage, refund)


@pytest.mark.parametrize("had_effect", [True, False], ids=["carried out", "lost"])
def test_ft_37_a_saved_500_is_replayed_and_only_a_look_or_a_new_key_moves_it(stage, had_effect):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    stage.faults.add("saved_500", effect=had_effect, **POST)
    stage.submit()
    stage.work_for(hours=24)
    assert stage.status(refund) == ("succeeded" if had_effect else "unknown")
    stage.work_for(hours=2)
    assert is_one_and_booked(stage, refund)
    assert stage.leg(refund).generation == (1 if had_effect else 2)


def test_ft_37_a_redirect_that_the_sdk_would_follow_as_a_get_is_unknown(stage):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    stage.faults.add("redirect", **POST)
    stage.submit()
    assert stage.status(refund) == "unknown"
    stage.work_for(seconds=10)
    assert is_one_and_booked(stage, refund)


@pytest.mark.parametrize("status", [401, FORBIDDEN])
@pytest.mark.parametrize("where", [POST, LIST], ids=["sending", "looking"])
def test_ft_37_a_key_that_is_not_taken_stops_all_fails_nothing_and_tells_people(
    stage, status, where
):
    asked = [stage.ask(payment_id=stage.paid(), amount=100) for _ in range(2)]
    stage.faults.add("answer", status=status, count=None, **where)
    assert stage.submit() == 1, "nothing else is asked of the rail"
    assert {stage.status(refund) for refund in asked} <= {"approved", "submitted"}
    (alarm,) = stage.questions("refunds_stopped")
    assert "STRIPE_SECRET_KEY" in alarm.details["why"][0]
    stage.work_for(hours=1)
    assert {stage.status(refund) for refund in asked} <= {"approved", "submitted"}
    assert stage.questions("refund_failed") == stage.questions("manual_refund") == []
    stage.faults.clear()
    stage.work_for(hours=2)
    assert {stage.status(refund) for refund in asked} == {"succeeded"}
    assert stage.questions("refunds_stopped") == []
    assert len(stage.at_the_rail()) == 2


def test_ft_37_our_own_jobs_timeout_while_the_rail_is_silent_is_unknown(stage):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)

    def alarm(*_):
        raise _JobIsOver

    before = signal.signal(signal.SIGALRM, alarm)
    stage.faults.add("slow", seconds=1.0, **POST)
    try:
        with armed({"refund.after_fence": lambda: signal.setitimer(signal.ITIMER_REAL, 0.2)}):
            stage.submit()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert stage.status(refund) == "unknown"
    for _ in range(500):
        if stage.at_the_rail():
            break
        threading.Event().wait(0.01)
    stage.work_for(seconds=10)
    assert is_one_and_booked(stage, refund)


@pytest.mark.parametrize("code", ["charge_already_refunded", "the amount is too large"])
def test_ft_38_a_no_may_be_our_own_success_and_is_looked_up_before_it_is_believed(stage, code):
    amount = 10_000 if code == "charge_already_refunded" else 6_000
    payment = stage.paid(10_000)
    refund = stage.ask(payment_id=payment, amount=amount)

    def ours_arrives():  # our own first sending, which was taken for lost
        stage.world.refund(
            stage.rail_id(payment), amount, metadata={"reconciler_refund_id": refund}
        )

    with armed({"refund.after_fence": ours_arrives}):
        stage.submit()
    assert "failed" not in stage.steps(refund)
    assert is_one_and_booked(stage, refund, amount) if amount < 10_000 else True
    assert stage.status(refund) == "succeeded"
    assert stage.questions("refund_failed") == []


def test_ft_38_a_no_after_a_lost_answer_is_believed_only_when_all_has_been_quiet(stage):
    payment = stage.paid(10_000)
    refund = stage.ask(payment_id=payment, amount=6_000)
    stage.faults.add("drop_before", **POST)
    stage.submit()
    charge = stage.world.get("payment_intent", stage.rail_id(payment))["latest_charge"]
    stage.world.dispute(charge)  # we have not heard of it
    stage.work_for(minutes=59)
    assert stage.status(refund) == "unknown"
    stage.work_for(hours=2)
    assert stage.status(refund) == "failed"
    assert stage.at_the_rail() == []


def test_ft_39_a_refund_that_succeeded_and_then_fails_is_taken_back_and_given_to_a_person(stage):
    payment = stage.paid()
    before = stage.books()
    refund = stage.ask(payment_id=payment, amount=2_500)
    stage.submit()
    assert is_one_and_booked(stage, refund)
    stage.world.advance_refund(stage.at_the_rail()[0]["id"], "failed", "expired_or_canceled_card")
    stage.hear_again(payment)
    assert stage.status(refund) == "failed"
    assert stage.books() == before
    (item,) = stage.questions("refund_failed")
    assert (item.refund_id, item.amount) == (refund, 2_500)
    assert stage.submit() == 0, "it is not sent again by itself"


@pytest.mark.parametrize(
    ("outside", "status", "unapplied"),
    [(6_000, "manual", 4_000), (4_000, "succeeded", 0), (1_000, "succeeded", 3_000)],
)
def test_ft_40_a_refund_in_the_dashboard_while_ours_is_queued_is_seen_before_ours_leaves(
    stage, outside, status, unapplied
):
    payment = stage.paid(10_000)
    refund = stage.ask(payment_id=payment, amount=6_000)
    stage.world.refund(stage.rail_id(payment), outside)
    stage.submit()
    assert stage.status(refund) == status
    assert stage.books().get("unapplied_cash", 0) == -unapplied
    (external,) = stage.questions("external_refund")
    assert external.amount == outside


def test_a_restored_database_that_forgot_a_leg_at_the_rail_pays_no_other_for_it(stage):
    """The leg that it still knows has been replaced since, and the replacement was paid."""
    payment = stage.paid()
    refund = stage.ask(payment_id=payment, amount=2_500)
    other = {"reconciler_refund_id": f"{refund}.2"}
    stage.world.refund(stage.rail_id(payment), 2_500, metadata=other)
    stage.submit()
    assert stage.status(refund) == "manual"
    assert "not known here" in stage.leg(refund).failure
    assert len(stage.at_the_rail()) == 1


def test_two_at_once_on_one_leg_send_once(stage):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    leg = stage.leg(refund).id
    with armed({"refund.after_probe": lambda: converge(stage.runtime, leg)}):
        stage.submit()
    assert is_one_and_booked(stage, refund)


class _Killed(BaseException):
    """A process that is gone: nothing after it runs, no handler, no rollback of ours."""


class _JobIsOver(Exception):
    """What a worker raises in a job that takes too long."""


def _die():
    raise _Killed
