"""The screens of timed jobs: how often, how the last turn ended, the next; and who works."""

import dataclasses

import pytest
import redis
import rq

from reconciler.errors import Unavailable
from reconciler.flows.schedule import SCHEDULE
from reconciler.flows.ticking import fire_due, in_turn
from reconciler.queue import MONEY, Queue, Seen
from reconciler.runtime import Runtime
from reconciler.services import turns
from reconciler.web.admin import jobs
from reconciler.work import Cause, Task
from tests.web.screens import Screens, said


def test_before_anything_ran_all_is_due(screens: Screens) -> None:
    page = screens.as_("viewer").read("/jobs")
    assert page.count("Due now") == page.count("Not yet") == len(SCHEDULE)
    for job in SCHEDULE:
        assert jobs.MEANINGS[job.name].title in page
    assert "Redis does not answer" in page
    assert "You can look but not run a job now." in page
    assert "No turn yet" in screens.as_("viewer").read("/jobs/tidy")


def test_it_says_how_each_turn_ended(screens: Screens) -> None:
    office = screens.office
    fire_due(office.runtime, SCHEDULE)
    in_turn(office.runtime, Task.TIDY, lambda _: office.clock.advance(seconds=3))

    def fails(_runtime: Runtime) -> None:
        raise Unavailable("the rail did not answer")

    with pytest.raises(Unavailable):
        in_turn(office.runtime, Task.SUBMIT_REFUNDS, fails)
    vera = screens.as_("viewer")
    page = vera.read("/jobs")
    assert "Every hour Done 22 Nov, 12:00 It took 3 seconds 22 Nov, 13:00" in page
    assert (
        "Failed 22 Nov, 12:00 The payment provider did not answer. It took under a second" in page
    )
    assert "1 turn failed in the last day" in page
    assert page.count("Waits for a worker since 22 Nov, 12:00") == len(SCHEDULE) - 2
    assert 'http-equiv="refresh"' in vera.get("/jobs").text
    assert 'http-equiv="refresh"' not in vera.get("/jobs?still=1").text
    history = vera.read("/jobs/submit_refunds")
    assert "22 Nov, 12:00 The clock Failed The payment provider did not answer." in history
    assert vera.get("/jobs/nothing").status_code == 404


def test_a_turn_is_asked_for_once_and_says_by_whom(screens: Screens) -> None:
    rae = screens.as_("reconciler")
    answer = rae.post("/jobs/tidy/run")
    assert (answer.status_code, answer.location) == (303, "/admin/jobs")
    assert "Waits for a worker since 22 Nov, 12:00 , asked by Rae Lindt" in rae.read("/jobs")
    again = rae.post("/jobs/tidy/run")
    assert again.status_code == 409
    assert "Tidy up: A turn of it waits for a worker already." in said(again)
    in_turn(screens.office.runtime, Task.TIDY, lambda _: None)
    assert "22 Nov, 12:00 Rae Lindt Done" in rae.read("/jobs/tidy")
    assert rae.post("/jobs/nothing/run").status_code == 404
    assert rae.post("/jobs/tidy/run").status_code == 303


def test_a_turn_that_nobody_takes_or_whose_worker_died_is_told(screens: Screens) -> None:
    office, clock = screens.office, Cause("job", "clock")
    fire_due(office.runtime, SCHEDULE)
    office.clock.advance(minutes=2)
    office.runtime.do(clock, lambda work: turns.begin(work, Task.TIDY))
    assert "Under way since 22 Nov, 12:02" in screens.as_("viewer").read("/jobs")
    office.clock.advance(minutes=2)
    assert "Its worker died since 22 Nov, 12:02" in screens.as_("viewer").read("/jobs")


def test_it_shows_who_is_there_and_what_is_missing(screens: Screens, redis_url: str) -> None:
    queue, now = Queue(redis_url), screens.office.clock()
    runtime = dataclasses.replace(screens.office.runtime, queue=queue)
    assert jobs.troubles(queue.look(), now) == [
        "Nothing works on the queue Books.",
        "Nothing works on the queue Money.",
        "Nothing works on the queue Outbound.",
        "No clock is running: no timed job begins, and lost nudges are not found.",
    ]
    queue.beat("here:7", now)
    runtime.queue.nudge([Task.RECONCILE])
    with redis.Redis.from_url(redis_url) as line:
        worker = rq.Worker([rq.Queue(MONEY, connection=line, serializer="json")], connection=line)
        worker.register_birth()
        seen = queue.look()
        assert seen is not None
        assert jobs.troubles(_at(seen), seen.queues[1].workers[0].seen_at) == [
            "Nothing works on the queue Books.",
            "Nothing works on the queue Outbound.",
        ]
        assert jobs.at_work(seen.queues[1].workers[0].task) == "Waiting for work"
        worker.register_death()
    assert "Nothing works on the queue Money. Waiting there: 1 nudge." in jobs.troubles(
        queue.look(), now
    )


def _at(seen: Seen) -> Seen:
    """The same, with clocks that beat at the time of the workers."""
    at = seen.queues[1].workers[0].seen_at
    return dataclasses.replace(seen, clocks=dict.fromkeys(seen.clocks, at))


def test_a_job_is_named_by_what_it_is_at() -> None:
    assert jobs.at_work(Task.RECONCILE) == "At work: reconciling"
    assert jobs.at_work("jobs.tasks.of_a_later_version") == "At work: jobs.tasks.of_a_later_version"
