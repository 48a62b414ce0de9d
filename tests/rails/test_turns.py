"""Requests to the rail take turns over all processes, and within each where Redis is away."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import redis

from reconciler.queue import Queue
from reconciler.rails.registry import rails_from
from reconciler.rails.stripe.client import BURST, REQUESTS_PER_SECOND, StripeApi
from reconciler.runtime import Runtime, system_clock
from tests.runtime import settings_for

ROOT = Path(__file__).parents[2]
NO_REDIS = "unix:///nonexistent/redis.sock"
EACH = 1 / REQUESTS_PER_SECOND
# What each process of the program does: a rail of its own, made as everywhere.
ASKS = """
import sys, time
from dataclasses import replace
from reconciler.runtime import Runtime
from reconciler.settings import Secret, Settings
settings = Settings(redis_url=sys.argv[1], stripe_api_base=sys.argv[2],
  stripe_secret_key=Secret("sk_test_sandbox"), database_url="postgresql+psycopg://nobody/nowhere")
api = Runtime.from_settings(settings).rails["stripe"]._api
for _ in range(int(sys.argv[3])):
    api.get("account", "account")
"""


@pytest.fixture
def emptied(redis_url: str) -> str:
    """A Redis in which nobody has asked for a turn yet."""
    with redis.Redis.from_url(redis_url) as line:
        line.flushdb()
    return redis_url


def waits(queue: Queue, times: int, what: str = "stripe:one") -> list[float]:
    """How long each of so many that come at once has to wait."""
    return [queue.turn(what, REQUESTS_PER_SECOND, BURST) or 0.0 for _ in range(times)]


@pytest.mark.thorough
def test_two_processes_together_ask_no_more_often_than_one_may(sandbox, emptied):
    asked_at: list[float] = []
    inner = sandbox.wire.app

    def note(environ, start_response):
        asked_at.append(time.monotonic())
        return inner(environ, start_response)

    sandbox.wire.app = note
    command = [sys.executable, "-c", ASKS, emptied, sandbox.url, "20"]
    both = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]  # noqa: S603
    assert [process.wait(60) for process in both] == [0, 0]
    assert len(asked_at) == 40
    # One of them begins, and is slower than that alone: whoever came later waits behind it.
    for first, last in zip(asked_at, asked_at[25:], strict=False):
        assert last - first > (25 - BURST) * EACH * 0.8
    assert asked_at[-1] - asked_at[0] > (40 - BURST) * EACH * 0.9


def test_places_are_given_out_once_to_threads_that_come_together(emptied):
    found: list[float] = []

    def come() -> None:
        found.extend(waits(Queue(emptied), 10))

    threads = [threading.Thread(target=come) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 40
    assert max(found) > (40 - BURST - 2) * EACH - 1.0  # what passed meanwhile is not waited for
    assert found.count(0.0) < 40


def test_after_a_rest_some_may_go_at_once_and_the_others_in_turn(emptied):
    found = waits(Queue(emptied), 10)
    assert found[:5] == [0.0] * 5
    for place, wait in enumerate(found[5:], start=1):
        assert place * EACH - 0.2 < wait <= place * EACH


def test_accounts_do_not_wait_for_each_other(emptied):
    queue = Queue(emptied)
    assert max(waits(queue, 30)) > 0.5
    assert waits(queue, 1, "stripe:another") == [0.0]


def test_a_clock_that_went_back_keeps_nobody(emptied):
    with redis.Redis.from_url(emptied) as line:
        line.set("reconciler:turn:stripe:one", int((time.time() + 3_600) * 1_000_000))
    assert waits(Queue(emptied), 1) == [0.0]


def test_without_redis_a_process_keeps_to_the_bound_by_itself_and_hardly_asks(sandbox):
    queue = Queue(NO_REDIS)
    pauses: list[float] = []
    api = StripeApi("sk_test_sandbox", sandbox.url, pause=pauses.append, turn=queue.turn)
    began = time.monotonic()
    for _ in range(30):
        api.get("account", "account")
    took = time.monotonic() - began
    assert max(pauses) + took > (30 - BURST) * EACH
    assert queue.turn("stripe:one", REQUESTS_PER_SECOND, BURST) is None


def test_redis_is_asked_again_a_while_after_it_was_away(emptied, monkeypatch):
    queue = Queue(emptied)
    away = Queue(NO_REDIS)._redis
    there = queue._redis
    monkeypatch.setattr(queue, "_redis", away)
    assert queue.turn("stripe:one", REQUESTS_PER_SECOND, BURST) is None
    monkeypatch.setattr(queue, "_redis", there)
    assert queue.turn("stripe:one", REQUESTS_PER_SECOND, BURST) is None
    monkeypatch.setattr(queue, "_unasked_until", 0.0)
    assert queue.turn("stripe:one", REQUESTS_PER_SECOND, BURST) == 0.0


def test_no_key_is_told_to_redis(sandbox, emptied):
    rail = rails_from(sandbox.settings(), system_clock, Queue(emptied).turn)["stripe"]
    rail._api.get("account", "account")
    with redis.Redis.from_url(emptied) as line:
        (name,) = line.keys("reconciler:turn:*")
    assert b"sk_test" not in name


def test_every_runtime_takes_turns(emptied):
    runtime = Runtime.from_settings(settings_for("postgresql+psycopg://n/n", "http://x", emptied))
    assert runtime.rails["stripe"]._turn == runtime.queue.turn
