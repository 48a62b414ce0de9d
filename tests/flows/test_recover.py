"""The sweep finds whatever was lost in Redis, and the clock fires each tick once."""

import dataclasses
from datetime import timedelta

import redis
import rq

from reconciler.flows.recover import sweep
from reconciler.flows.ticking import TimedJob, fire_due
from reconciler.queue import BOOKS, MONEY, Queue
from reconciler.runtime import Runtime
from reconciler.work import Task
from tests.builders import invoice
from tests.runtime import Office, by_kind


def with_bell(office: Office, redis_url: str) -> Runtime:
    """The same office with a bell that somebody hears."""
    return dataclasses.replace(office.runtime, queue=Queue(redis_url))


def waiting(redis_url: str) -> dict[str, list[str]]:
    """Jobs that wait, by queue."""
    with redis.Redis.from_url(redis_url) as line:
        queues = {
            name: rq.Queue(name, connection=line, serializer="json") for name in (BOOKS, MONEY)
        }
        return {name: sorted(job.func_name for job in queue.jobs) for name, queue in queues.items()}


def test_the_sweep_rings_for_what_is_due_and_for_nothing_else(
    office: Office, redis_url: str
) -> None:
    runtime = with_bell(office, redis_url)
    sweep(runtime)
    assert waiting(redis_url) == {BOOKS: [], MONEY: []}

    invoice(office, "INV-1", 10_000)
    office.world.pay(10_000, metadata={"invoice": "INV-1"})
    office.deliver(*by_kind(office.world.events(), "payment_intent.succeeded"))
    for _ in range(3):
        sweep(runtime)
    assert waiting(redis_url) == {BOOKS: [Task.APPLY_INBOX, Task.FIND_PAYMENTS], MONEY: []}

    office.apply()
    office.clock.advance(seconds=3)
    sweep(runtime)
    assert waiting(redis_url)[MONEY] == [Task.ASK_RAIL]


def test_an_emptied_redis_is_filled_again(office: Office, redis_url: str) -> None:
    runtime = with_bell(office, redis_url)
    invoice(office, "INV-1", 10_000)
    sweep(runtime)
    with redis.Redis.from_url(redis_url) as line:
        line.flushdb()
    sweep(runtime)
    assert waiting(redis_url)[BOOKS] == [Task.FIND_PAYMENTS]


def test_the_sweep_minds_no_redis(office: Office) -> None:
    invoice(office, "INV-1", 10_000)
    sweep(office.runtime)
    assert not office.runtime.queue.is_reachable()


def test_each_tick_fires_once_however_many_clocks_there_are(office: Office) -> None:
    job = TimedJob("looking", timedelta(minutes=5), Task.FIND_PAYMENTS)
    fired = [fire_due(office.runtime, [job]) for _ in range(3)]
    assert fired == [["looking"], [], []]
    office.clock.advance(minutes=4, seconds=59)
    assert fire_due(office.runtime, [job]) == []
    office.clock.advance(seconds=1)
    assert fire_due(office.runtime, [job]) == ["looking"]
    office.clock.advance(hours=3)  # ticks that were missed are made up once
    assert [fire_due(office.runtime, [job]) for _ in range(2)] == [["looking"], []]
