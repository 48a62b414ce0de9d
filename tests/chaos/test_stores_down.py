"""Redis and PostgreSQL die under load: what was acknowledged is there, and is applied after."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import cycle

import pytest
import requests

from reconciler.sandbox.player import body_of
from tests.chaos import proof
from tests.chaos.rig import ALL, Rig, Stores, children_of, rig, say, with_redis
from tests.chaos.traffic import Answers, Story, Traffic, post, seeded, tell

EVENTS = 200
A_SECOND = 50.0
CATCH_UP_SECONDS_MAX = 40.0
ANSWER_SECONDS_MAX = 5.0

pytestmark = pytest.mark.slow

Strike = Callable[[Rig, Answers], None]


def test_redis_emptied_and_killed_costs_no_event_and_no_answer(breakable: Stores) -> None:
    def strike(there: Rig, answers: Answers) -> None:
        for _ in range(5):
            breakable.flush()
            there.pause(0.3)
        heard = answers.acknowledged.total()
        with breakable.down(breakable.redis_pid()):
            there.pause(3.0)
            assert answers.acknowledged.total() > heard + 50, "Redis is down, the web is not"
        there.until(breakable.redis_answers)
        breakable.flush()

    with rig(breakable) as there:
        story, answers = _endure(there, strike)
        assert set(answers.statuses) == {200}
        proof.nothing_lost_nothing_twice(there, story, answers)


def test_postgres_killed_under_load_loses_nothing_that_was_acknowledged(breakable: Stores) -> None:
    outage = Answers()

    def strike(there: Rig, answers: Answers) -> None:
        for politely in (True, False, True, False):
            there.until(lambda how=politely: _killed_a_backend(there, politely=how))
            there.pause(0.3)
            there.until(breakable.postmaster_answers)
        for _ in range(2):
            with breakable.down(breakable.postmaster()):
                there.pause(1.0)
                heard = answers.acknowledged.total()
                there.pause(1.0)
                assert answers.acknowledged.total() == heard, "a 2xx without a database"
            there.until(breakable.postmaster_answers)
            there.pause(0.5)
        outage.statuses.update(answers.statuses)

    with rig(breakable) as there:
        story, answers = _endure(there, strike)
        assert set(answers.statuses) <= {200, 503}
        assert outage.statuses[503] > 0
        assert set(answers.retry_after) == {"5"}
        assert answers.slowest[503] < ANSWER_SECONDS_MAX
        proof.nothing_lost_nothing_twice(there, story, answers)


def test_a_database_that_is_gone_or_frozen_is_answered_503_in_time(breakable: Stores) -> None:
    with rig(breakable) as there, requests.Session() as session:
        story = tell(20, seeded(), there.settings.data_dir / "sandbox.json")
        events = cycle(story.events)  # what was not taken, a rail says again
        there.start("web")
        there.wait_for_web()

        def told() -> tuple[int, str | None, float]:
            return post(session, there.webhook_url, body_of(next(events)))

        assert told()[0] == 200
        with _frozen(breakable):
            gone_still = [told(), told()]
        there.until(breakable.postmaster_answers)
        assert told()[0] == 200
        with breakable.down(breakable.postmaster()):
            gone = [told(), told()]
        there.until(breakable.postmaster_answers)
        there.until(lambda: told()[0] == 200, 5)
    for status, retry_after, seconds in (*gone_still, *gone):
        assert (status, retry_after) == (503, "5")
        assert seconds < ANSWER_SECONDS_MAX
    say(f"frozen={[round(s, 2) for *_, s in gone_still]} gone={[round(s, 2) for *_, s in gone]}")


def test_without_redis_events_are_taken_and_later_the_sweep_alone_applies_them(
    breakable: Stores,
) -> None:
    chance = seeded()
    with rig(breakable, has_redis=False) as there:
        story = tell(EVENTS, chance, there.settings.data_dir / "sandbox.json")
        proof.write_invoices(there, story)
        there.start("sandbox", "web")
        there.wait_for_web()
        traffic = Traffic(there, story.events, chance, a_second=500)
        with traffic.flowing() as answers:
            there.until(lambda: traffic.is_over)
        assert set(answers.statuses) == {200}
        assert there.unfinished()["new"] == len(story.events)
        there.stop("web")
        with_redis(there)
        began = time.monotonic()
        there.start("money", "books-1", "clock")
        there.until_drained(CATCH_UP_SECONDS_MAX)
        say(f"applied {time.monotonic() - began:.1f}s after the workers came")
        proof.nothing_lost_nothing_twice(there, story, answers)


def _endure(there: Rig, strike: Strike) -> tuple[Story, Answers]:
    """Let the rail speak while something strikes; gives what it said and heard."""
    chance = seeded()
    story = tell(EVENTS, chance, there.settings.data_dir / "sandbox.json")
    proof.write_invoices(there, story)
    there.start(*ALL[:-1])  # one clock will do
    there.wait_for_web()
    traffic = Traffic(there, story.events, chance, a_second=A_SECOND)
    with traffic.flowing() as answers:
        strike(there, answers)
        struck = time.monotonic()
        there.until(lambda: traffic.is_over)
    acknowledged = time.monotonic() - struck
    there.until_drained(CATCH_UP_SECONDS_MAX)
    say(
        f"answers={dict(answers.statuses)} deaths={there.deaths} acknowledged=+{acknowledged:.1f}s"
        f" drained=+{time.monotonic() - struck:.1f}s after the last fault"
    )
    return story, answers


def _killed_a_backend(there: Rig, *, politely: bool) -> bool:
    """Whether one was there to be killed, and still was when the blow came."""
    found = there.stores.backends(there.database)
    if not found:
        return False
    pid = random.choice(found)
    if politely:
        ((is_ended,),) = there.stores.query("select pg_terminate_backend(%s)", "postgres", pid)
        return bool(is_ended)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)  # the server then ends all its backends and recovers
        return True
    return False


@contextmanager
def _frozen(breakable: Stores) -> Iterator[None]:
    """The database stops in the middle of everything, and goes on when the block ends."""
    frozen = [breakable.postmaster()]
    os.kill(frozen[0], signal.SIGSTOP)  # first, or it makes one more backend meanwhile
    try:
        for pid in children_of(frozen[0]):
            os.kill(pid, signal.SIGSTOP)
            frozen.append(pid)
        yield
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
