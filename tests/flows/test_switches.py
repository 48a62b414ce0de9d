"""A switch holds for the very next thing, also in work that is running: on the real clock."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from reconciler.failpoints import armed
from reconciler.flows.apply_inbox import apply_inbox
from reconciler.flows.ask_rail import ask_rail
from reconciler.flows.find_payments import find_payments
from reconciler.flows.submit_refunds import submit_refunds
from reconciler.services import switches
from reconciler.work import Task
from tests.builders import captured, invoice, named, observe, paid_on
from tests.refund_stage import open_stage
from tests.runtime import Office

WITHIN_SECONDS = 1.0
LEGS = 14


@pytest.fixture
def stage(database_url, redis_url):
    with open_stage(database_url, redis_url) as opened:
        yield opened


def turn(do: Callable, name: str, *, on: bool) -> float:
    """Turn a switch; gives when that was committed."""
    do(lambda work: switches.change(work, name, on=on, reason="a drill"))
    return time.monotonic()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", ["refunds", "outbound"])
def test_two_running_senders_stop_within_a_second_and_go_on_after(stage, name: str) -> None:
    asked = [stage.ask(payment_id=stage.paid(1_000), amount=1_000) for _ in range(LEGS)]
    sent: list[float] = []
    some_went = threading.Event()

    def goes() -> None:
        sent.append(time.monotonic())
        if len(sent) == 3:
            some_went.set()

    def dawdle() -> None:
        threading.Event().wait(0.05)

    with (
        armed({"refund.before_fence": dawdle, "refund.after_fence": goes}),
        ThreadPoolExecutor(2) as pool,
    ):
        senders = [pool.submit(submit_refunds, stage.runtime) for _ in range(2)]
        assert some_went.wait(20)
        off_at = turn(stage.do, name, on=False)
        for sender in senders:
            sender.result(20)
    assert max(sent) < off_at + WITHIN_SECONDS
    went = len(stage.at_the_rail())
    assert len(sent) == went < LEGS, "the drill began too late to show anything"
    stage.submit()
    assert len(stage.at_the_rail()) == went, "off is off, also for the next job"
    turn(stage.do, name, on=True)
    for _ in range(3):  # what the fence stopped has its next turn later
        stage.submit()
        stage.pass_time(minutes=6)
    assert [stage.status(refund) for refund in asked] == ["succeeded"] * LEGS
    assert len(stage.at_the_rail()) == LEGS


@pytest.mark.thorough
def test_a_running_job_applies_no_further_batch(office: Office) -> None:
    for _ in range(6):
        office.world.pay(1_000)
    office.deliver(*office.world.events())
    everything = office.scalar("select count(*) from inbox_event")
    began = threading.Event()
    held = office.runtime.engine.connect()  # holds the books of the first payment up
    with ThreadPoolExecutor(1) as pool, held:
        held.exec_driver_sql("lock table payment in share mode")
        job = pool.submit(apply_inbox, office.runtime, 5)
        began.wait(0.3)
        turn(office.do, "apply", on=False)
        held.rollback()
        finished = job.result(20)
    assert 0 < finished < everything, "the batch it was at, and no further"
    assert apply_inbox(office.runtime) == 0
    turn(office.do, "apply", on=True)
    office.drain()
    assert office.unfinished() == []


def test_while_applying_is_off_nothing_is_asked_or_matched_by_itself(office: Office) -> None:
    observe(office, captured(1_000, "pi_1", named=named(invoice="INV-1")))
    office.world.pay(2_000)
    office.deliver(*office.world.events())
    apply_inbox(office.runtime)
    turn(office.do, "apply", on=False)
    late = invoice(office, "INV-1", 1_000)
    office.clock.advance(minutes=1)
    office.line.calls.clear()
    assert (find_payments(office.runtime), ask_rail(office.runtime)) == (0, 0)
    assert office.line.calls == []
    assert paid_on(office, late)[0] == 0
    turn(office.do, "apply", on=True)
    office.drain()
    assert paid_on(office, late)[0] == 1_000


def test_all_that_waited_is_woken(office: Office) -> None:
    def woken(work) -> set[Task]:
        switches.change(work, "apply", on=True, reason="a drill")
        return set(work.nudges)

    assert office.do(woken) == {Task.APPLY_INBOX, Task.ASK_RAIL, Task.FIND_PAYMENTS}
