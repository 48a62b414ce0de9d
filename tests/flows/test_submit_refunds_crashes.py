import os
import signal
import threading

import pytest

from reconciler.failpoints import Struck, arm_from, armed, strike
from reconciler.flows.submit_refunds import converge, submit_refunds
from reconciler.services import refund_sending, switches
from tests.refund_stage import open_stage


@pytest.fixture
def stage(database_url, redis_url):
    with open_stage(database_url, redis_url) as opened:
        yield opened


def again(*places):
    """Places of which only one is taken in `./test`: the others repeat it, and are named there.

    `test_refund_faults.py` resumes at most of these hours (FT-35), and
    `test_refund_crash_equivalence.py` lets a process die at every point, in several lives.
    """
    return [pytest.param(one, marks=pytest.mark.thorough) for one in places]


@pytest.mark.parametrize("hours", [24.01, *again(1, 23.99, 30, 72)])
@pytest.mark.parametrize("had_effect", [True, False])
def test_resumed_at_any_hour_after_a_crash_there_is_one_refund(stage, hours, had_effect):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    point = "refund.after_send" if had_effect else "refund.before_fence"
    with armed({point: _die}), pytest.raises(_Killed):
        stage.submit()
    assert stage.status(refund) == "submitted"
    stage.pass_time(hours=hours)
    stage.submit()
    if hours > 20 and not had_effect:
        assert stage.status(refund) == "unknown"  # looks, and does not dare to send
        stage.work_for(hours=3)
    assert stage.status(refund) == "succeeded"
    assert len(stage.at_the_rail()) == 1
    assert stage.books()["unapplied_cash"] == -7_500


POINTS = [
    "refund.after_send",
    "refund.before_record",
    *again(
        "refund.after_probe",
        "refund.after_intent_commit",
        "refund.before_fence",
        "refund.after_fence",
        "refund.after_response",
        "refund.after_record",
    ),
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
    stage.work_for(hours=3)
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


@pytest.mark.parametrize("moment", ["before it is begun", "before it is meant"])
def test_a_switch_thrown_while_a_worker_is_at_it_stops_it_there(stage, moment):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)

    def throw(*, on):
        stage.do(lambda work: switches.change(work, "refunds", on=on, reason="a drill"))

    if moment == "before it is begun":
        throw(on=False)
        converge(stage.runtime, stage.leg(refund).id)
    else:
        with armed({"refund.after_probe": lambda: throw(on=False)}):
            stage.submit()
    assert stage.status(refund) == "approved"
    assert stage.at_the_rail() == []
    throw(on=True)
    assert stage.submit() == 0
    stage.pass_time(minutes=1)
    stage.submit()
    assert stage.status(refund) == "succeeded"


def test_a_leg_that_somebody_is_at_is_left_alone(stage):
    refund = stage.ask(payment_id=stage.paid(), amount=2_500)
    stage.do(refund_sending.claim)
    converge(stage.runtime, stage.leg(refund).id)
    assert stage.at_the_rail() == []


def test_a_run_ends_and_rings_for_the_next(stage):
    asked = [stage.ask(payment_id=stage.paid(), amount=100) for _ in range(2)]
    assert submit_refunds(stage.runtime, legs_max=1) == 1
    assert sorted(stage.status(refund) for refund in asked) == ["approved", "succeeded"]
    assert submit_refunds(stage.runtime, legs_max=2) == 1


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
    assert stage.do(lambda work: refund_sending.take_up(work, first)) is None
    after = stage.leg(refund)
    assert (after.lease_token, after.due_at, after.failure) == (
        before.lease_token,
        before.due_at,
        before.failure,
    )
    assert stage.status(refund) == "approved"


class _Killed(BaseException):
    """A process that is gone: nothing after it runs, no handler, no rollback of ours."""


def _die():
    raise _Killed
