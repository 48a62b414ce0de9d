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
from tests.chaos.traffic import Answers, Traffic, post, seeded, tell
from tests.tiers import size

EVENTS = size(quick=120, full=200)  # while each of the two dies
EVENTS_UNRUNG = size(quick=100, full=200)
A_SECOND = 50.0
CATCH_UP_SECONDS_MAX = 40.0
ANSWER_SECONDS_MAX = 5.0

pytestmark = pytest.mark.slow

Strike = Callable[[Rig, Answers], None]


@pytest.mark.thorough  # each alone: tests/house/test_embedded.py, tests/flows/test_recover.py
def test_redis_and_postgres_killed_under_load_cost_nothing_that_was_acknowledged(
    breakable: Stores,
) -> None:
    chance = seeded()
    with rig(breakable) as there:
        story = tell(2 * EVENTS, chance, there.settings.data_dir / "sandbox.json")
        proof.write_invoices(there, story)
        there.start(*ALL[:-1])  # one clock will do
        there.wait_for_web()
        half = len(story.events) // 2
        without_redis = _endure(there, story.events[:half], chance, _redis_dies)
        assert set(without_redis.statuses) == {200}
        without_postgres = _endure(there, story.events[half:], chance, _postgres_dies)
        assert set(without_postgres.statuses) <= {200, 503}
        assert set(without_postgres.retry_after) == {"5"}
        assert without_postgres.slowest[503] < ANSWER_SECONDS_MAX
        heard = Answers(
            acknowledged=without_redis.acknowledged + without_postgres.acknowledged,
            deliveries=without_redis.deliveries + without_postgres.deliveries,
        )
        proof.nothing_lost_nothing_twice(there, story, heard)


def _redis_dies(there: Rig, answers: Answers) -> None:
    for _ in range(5):
        there.stores.flush()
        there.pause(0.3)
    heard = answers.acknowledged.total()
    with there.stores.down(there.stores.redis_pid()):
        there.pause(3.0)
        assert answers.acknowledged.total() > heard + 50, "Redis is down, the web is not"
    there.until(there.stores.redis_answers)
    there.stores.flush()


def _postgres_dies(there: Rig, answers: Answers) -> None:
    for politely in (True, False, True, False):
        there.until(lambda how=politely: _killed_a_backend(there, politely=how))
        there.pause(0.3)
        there.until(there.stores.postmaster_answers)
    for _ in range(2):
        with there.stores.down(there.stores.postmaster()):
            there.pause(1.0)
            heard = answers.acknowledged.total()
            there.pause(1.0)
            assert answers.acknowledged.total() == heard, "a 2xx without a database"
        there.until(there.stores.postmaster_answers)
        there.pause(0.5)
    assert answers.statuses[503] > 0


@pytest.mark.thorough  # one that is gone: tests/webhooks/test_stripe.py
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


@pytest.mark.thorough
def test_without_redis_events_are_taken_and_later_the_sweep_alone_applies_them(
    breakable: Stores,
) -> None:
    chance = seeded()
    with rig(breakable, has_redis=False) as there:
        story = tell(EVENTS_UNRUNG, chance, there.settings.data_dir / "sandbox.json")
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


def _endure(there: Rig, events: list[dict], chance: random.Random, strike: Strike) -> Answers:
    """Let the rail speak while something strikes, until all is in the books; what it heard."""
    traffic = Traffic(there, events, chance, a_second=A_SECOND)
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
    return answers


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
