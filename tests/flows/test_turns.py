"""Turns of timed jobs: asked for once, done by one worker, taken up when it dies, and noted."""

import dataclasses
from datetime import timedelta

import pytest

from reconciler.errors import Conflict, Unavailable
from reconciler.flows.recover import sweep
from reconciler.flows.schedule import SCHEDULE
from reconciler.flows.ticking import TimedJob, fire_due, in_turn
from reconciler.queue import BOOKS, MONEY, Queue
from reconciler.reads import audit, jobs
from reconciler.reads.pages import Wanted
from reconciler.runtime import Runtime
from reconciler.services import turns
from reconciler.work import Cause, Task
from tests.flows.test_recover import waiting
from tests.runtime import SOMEBODY, Office

TIDY = TimedJob("tidy", timedelta(hours=1), Task.TIDY)
CLOCK = Cause("job", "clock")


def told(office: Office, job: str = "tidy") -> list[jobs.TurnRow]:
    with office.runtime.read() as session:
        return jobs.latest(session, [job], 100)[job]


def nothing(_runtime: Runtime) -> None:
    """A flow with nothing to do."""


def begin(office: Office) -> turns.Begun | None:
    """A worker takes up what waits."""
    return office.runtime.do(CLOCK, lambda work: turns.begin(work, Task.TIDY))


def test_a_turn_says_when_it_was_asked_for_begun_and_over(office: Office) -> None:
    fire_due(office.runtime, [TIDY])
    (asked,) = told(office)
    assert (asked.asked_by, asked.begun_at, asked.ended_at, asked.tries) == (None, None, None, 0)
    office.clock.advance(seconds=2)
    in_turn(office.runtime, Task.TIDY, lambda _: office.clock.advance(seconds=7))
    (done,) = told(office)
    assert (done.begun_at, done.tries, done.error) == (
        asked.asked_at + timedelta(seconds=2), 1, None,
    )  # fmt: skip
    assert done.took == timedelta(seconds=7)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Unavailable("the rail did not answer"), "the rail did not answer"),
        (ValueError("jo@example.com"), "ValueError: the worker's log says more"),
    ],
)
def test_what_goes_wrong_is_raised_and_noted_without_what_it_may_quote(
    office: Office, error: Exception, words: str
) -> None:
    fire_due(office.runtime, [TIDY])

    def breaks(_runtime: Runtime) -> None:
        raise error

    with pytest.raises(type(error)):
        in_turn(office.runtime, Task.TIDY, breaks)
    (over,) = told(office)
    assert (over.error, over.ended_at) == (words, office.clock())
    with office.runtime.read() as session:
        assert jobs.failures(session, ["tidy"], office.clock() - timedelta(days=1)) == {"tidy": 1}
    office.clock.advance(hours=1)
    fire_due(office.runtime, [TIDY])
    in_turn(office.runtime, Task.TIDY, nothing)
    assert [one.error for one in told(office)] == [None, words]


def test_work_for_a_nudge_in_between_is_no_turn(office: Office) -> None:
    done: list[Runtime] = []
    in_turn(office.runtime, Task.TIDY, done.append)
    assert done == [office.runtime]
    assert told(office) == []


def test_ticks_do_not_pile_up_while_nobody_works(office: Office) -> None:
    for _ in range(5):
        fire_due(office.runtime, [TIDY])
        office.clock.advance(hours=1)
    assert len(told(office)) == 1


def test_a_turn_whose_worker_died_is_taken_up_by_the_next_and_ended_by_it_alone(
    office: Office, redis_url: str
) -> None:
    runtime = dataclasses.replace(office.runtime, queue=Queue(redis_url))
    fire_due(office.runtime, [TIDY])
    sweep(runtime)  # its nudge was lost: the queue of that clock is deaf
    assert waiting(redis_url)[BOOKS] == [Task.TIDY]
    first = begin(office)
    assert first is not None
    assert begin(office) is None
    office.clock.advance(seconds=turns.LEASE.total_seconds())
    sweep(runtime)
    second = begin(office)
    assert second is not None
    office.runtime.do(CLOCK, lambda work: turns.end(work, first, "too late"))
    assert told(office)[0].ended_at is None
    office.runtime.do(CLOCK, lambda work: turns.end(work, second, None))
    (over,) = told(office)
    assert (over.tries, over.error, over.ended_at) == (2, None, office.clock())


def test_a_turn_of_which_workers_die_is_given_up_and_the_next_one_comes(office: Office) -> None:
    fire_due(office.runtime, [TIDY])
    for _ in range(turns.TRIES_MAX):
        assert begin(office) is not None
        office.clock.advance(seconds=turns.LEASE.total_seconds())
    office.clock.advance(hours=1)
    fire_due(office.runtime, [TIDY])
    new, old = told(office)
    assert (old.error, old.tries) == ("the worker died at it 3 times", turns.TRIES_MAX)
    assert new.ended_at is None
    assert new.begun_at is None


def test_a_person_asks_for_one_turn_at_a_time_and_it_is_noted(office: Office) -> None:
    def asks() -> None:
        office.runtime.do(SOMEBODY, lambda work: turns.ask_now(work, "tidy", Task.TIDY))

    asks()
    with pytest.raises(Conflict, match="waits for a worker already"):
        asks()
    assert begin(office) is not None
    with pytest.raises(Conflict, match="is under way"):
        asks()
    (asked,) = told(office)
    assert asked.asked_by == SOMEBODY.id
    with office.runtime.read() as session:
        lines = audit.page(session, {}, Wanted(limit=10, cursor=None)).data
    assert [(line.action, line.subject) for line in lines] == [("job.asked", "tidy")]


def test_turns_are_forgotten_after_a_week(office: Office) -> None:
    fire_due(office.runtime, [TIDY])
    in_turn(office.runtime, Task.TIDY, nothing)
    office.clock.advance(days=8)
    fire_due(office.runtime, [TIDY])
    assert len(told(office)) == 1


def test_clocks_and_what_waits_are_seen_until_redis_is_gone(office: Office, redis_url: str) -> None:
    queue = Queue(redis_url)
    queue.beat("a:1", office.clock() - timedelta(minutes=5))
    queue.beat("b:2", office.clock())
    queue.nudge([Task.TIDY])
    seen = queue.look()
    assert seen is not None
    assert seen.clocks == {"b:2": office.clock()}
    books, money, _ = seen.queues
    assert (books.name, books.waiting, money.name, money.waiting) == (BOOKS, 1, MONEY, 0)
    assert books.oldest_at is not None
    assert office.runtime.queue.look() is None
    office.runtime.queue.beat("c:3", office.clock())


def test_every_timed_job_has_a_name_of_its_own() -> None:
    assert len({job.name for job in SCHEDULE}) == len(SCHEDULE)
