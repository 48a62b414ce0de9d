"""What processes count of their own work: each tells it once, and /metrics shows the sum."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from reconciler import tally
from reconciler.errors import Collision, Unavailable
from reconciler.flows.schedule import SCHEDULE
from reconciler.flows.ticking import fire_due, in_turn
from reconciler.queue import Queue
from reconciler.rails.stripe.client import ATTEMPTS_MAX, StripeApi
from reconciler.runtime import make_engine
from reconciler.services import api_keys
from reconciler.settings import inherited_environment
from reconciler.work import Task
from tests.runtime import KEY, SOMEBODY, Office
from tests.web.screens import Screens
from tests.web.test_metrics import scraped
from webhooks.receive import BODY_BYTES_MAX

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60.0
RETRIES = ("rail_retries_total", 'op="GET charges/{id}",rail="stripe"')


@pytest.fixture(autouse=True)
def _nothing_counted_yet() -> None:
    tally.taken()


@pytest.fixture
def heard(screens: Screens, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Queue:
    """A Redis that the screens' process reads."""
    queue = Queue(redis_url)
    monkeypatch.setattr(screens.office.runtime.queue, "_redis", queue._redis)
    return queue


def counted(name: str) -> dict[tuple[str, ...], int]:
    """How often, by labels, since it was asked last."""
    found = tally.told(tally.taken()).get(name, [])
    return {one.labels: sum(one.times) for one in found}


def test_the_figures_of_several_processes_are_added_up(screens: Screens, heard: Queue) -> None:
    tally.count(RETRIES[0], "stripe", "GET charges/{id}")
    child = os.fork()
    if not child:  # it has inherited what is counted, and must not tell of it
        tally.count(RETRIES[0], "stripe", "GET charges/{id}")
        heard.tell()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert scraped(screens)[RETRIES] == 1
    heard.tell()
    heard.tell()
    assert scraped(screens)[RETRIES] == 2


def test_what_cannot_be_told_now_is_told_later(screens: Screens, heard: Queue) -> None:
    tally.count(RETRIES[0], "stripe", "GET charges/{id}")
    Queue("unix:///nonexistent/redis.sock").tell()
    assert RETRIES not in scraped(screens)
    heard.tell()
    assert scraped(screens)[RETRIES] == 1


def test_times_stay_within_their_bounds(screens: Screens, heard: Queue) -> None:
    for seconds in (0.001, 0.05, 0.2, 200.0):
        tally.took("webhook_ack_seconds", seconds, "stripe")
    heard.tell()
    found = scraped(screens)
    bucket = "webhook_ack_seconds_bucket"
    by_bound = [found[bucket, f'le="{bound}",rail="stripe"'] for bound in ("0.005", "0.05", "0.25")]
    assert by_bound == [1, 2, 3]
    assert found[bucket, 'le="90.0",rail="stripe"'] == 3
    assert found[bucket, 'le="+Inf",rail="stripe"'] == 4
    assert found["webhook_ack_seconds_count", 'rail="stripe"'] == 4
    assert found["webhook_ack_seconds_sum", 'rail="stripe"'] == pytest.approx(200.251)


def test_what_another_release_has_counted_is_not_shown(screens: Screens, heard: Queue) -> None:
    known = set(scraped(screens))
    tally.put_back({'["old_total",[],""]': 3, '["rail_retries_total",["stripe"],""]': 1})
    heard.tell()
    heard._redis.hset("reconciler:counted", "no json", 1)
    assert set(scraped(screens)) == known


def test_there_is_a_bound_to_what_is_counted() -> None:
    for place in range(tally.SERIES_MAX + 10):
        tally.count("tx_retry_total", f"{place}")
    tally.count("tx_retry_total", "0")
    found = counted("tx_retry_total")
    assert (len(found), found["0",]) == (tally.SERIES_MAX, 2)


def test_each_request_to_the_rail_is_counted_by_path_and_outcome(office: Office) -> None:
    office.faults.add(kind="answer", method="GET", status=500)
    office.faults.add(kind="answer", method="GET", status=429)
    rail = StripeApi(KEY, office.runtime.settings.stripe_api_base, pause=lambda _: None)
    charge = office.world.pay(1_000).charge
    assert rail.get("charge", "charges", charge)["id"] == charge
    assert rail.page("charges")[0]
    params = {"charge": charge, "amount": 5}
    refund = rail.post("refund", "refunds", params=params, key="key-1")["id"]
    with pytest.raises(Exception, match="Stripe"):
        rail.post("refund", "refunds", refund, "cancel", params={}, key="key-2")
    with pytest.raises(Exception, match="no such"):
        rail.get("charge", "charges", "ch_nobody")
    found = tally.told(tally.taken())
    assert {one.labels[1:]: sum(one.times) for one in found["rail_request_seconds"]} == {
        ("GET charges/{id}", "5xx"): 1,
        ("GET charges/{id}", "429"): 1,
        ("GET charges/{id}", "200"): 1,
        ("GET charges/{id}", "404"): 1,
        ("GET charges", "200"): 1,
        ("POST refunds", "200"): 1,
        ("POST refunds/{id}/cancel", "400"): 1,
    }
    assert all(one.seconds > 0 for one in found["rail_request_seconds"])
    assert {one.labels: sum(one.times) for one in found["rail_retries_total"]} == {
        ("stripe", "GET charges/{id}"): 2
    }


def test_a_rail_that_does_not_answer_is_counted_as_such() -> None:
    nobody = StripeApi(KEY, "http://127.0.0.1:9", pause=lambda _: None)
    with pytest.raises(Unavailable):
        nobody.get("balance", "balance")
    assert counted("rail_request_seconds") == {("stripe", "GET balance", "none"): ATTEMPTS_MAX}


def test_calls_of_a_rail_are_counted_by_what_became_of_them(office: Office) -> None:
    office.world.pay(1_000)
    event = office.world.events()[0]
    assert office.deliver(event, event) == [200, 200]
    assert office.post(b"{}", header="").status_code == 400
    assert office.post(b"x" * (BODY_BYTES_MAX + 1)).status_code == 413
    found = tally.told(tally.taken())
    results = {one.labels: sum(one.times) for one in found["webhook_received_total"]}
    assert results == {
        ("stripe", result): 1 for result in ("new", "duplicate", "refused", "too_large")
    }
    (timed,) = found["webhook_ack_seconds"]
    assert (sum(timed.times), timed.seconds > 0) == (3, True)


@pytest.mark.thorough
def test_a_wait_for_a_connection_is_counted_also_where_none_came(database_url: str) -> None:
    engine = make_engine(database_url, pool_size=1)
    held = [engine.connect() for _ in range(3)]  # two may be had beyond the pool's size
    tally.taken()
    with pytest.raises(sa.exc.TimeoutError):
        engine.connect()
    (found,) = tally.told(tally.taken())["db_pool_wait_seconds"]
    assert (sum(found.times), found.seconds >= 3) == (1, True)
    for one in held:
        one.close()
    engine.dispose()


def test_a_transaction_that_meets_another_is_counted_by_what_it_met(office: Office) -> None:
    tries = iter((Collision("changed"), sa.text("select 1"), sa.text("select 2")))

    def step(work):
        met = next(tries)
        if isinstance(met, Collision):
            raise met
        if "1" in str(met):  # as a deadlock is told
            work.session.execute(sa.text("do $$ begin raise sqlstate '40P01'; end $$"))

    office.do(step)
    assert counted("tx_retry_total") == {("none",): 1, ("40P01",): 1}


def test_a_turn_whose_worker_died_is_counted_when_it_is_done_again(office: Office) -> None:
    fire_due(office.runtime, SCHEDULE)

    def dies(_runtime: object) -> None:
        raise SystemExit  # no error of a job: nothing is noted, as when it is killed

    with pytest.raises(SystemExit):
        in_turn(office.runtime, Task.TIDY, dies)
    assert counted("job_redo_total") == {}
    office.clock.advance(minutes=3)
    in_turn(office.runtime, Task.TIDY, lambda _: None)
    assert counted("job_redo_total") == {("tidy",): 1}


@pytest.mark.thorough
def test_a_workers_jobs_are_seen_though_each_is_a_process_of_its_own(
    screens: Screens, heard: Queue, redis_url: str
) -> None:
    settings = replace(screens.office.runtime.settings, redis_url=redis_url)
    worker = subprocess.Popen(
        [sys.executable, "-m", "jobs.worker", "books"],
        cwd=ROOT,
        env={**inherited_environment(), **settings.to_environ()},
    )
    job = ("job_seconds_count", 'job="tidy",result="done"')
    until = time.monotonic() + PATIENCE_SECONDS
    try:
        heard.nudge([Task.TIDY])
        while job not in scraped(screens) and time.monotonic() < until:
            time.sleep(0.1)  # noqa: TID251  another process is at it
        found = scraped(screens)
    finally:
        worker.terminate()
        worker.wait(PATIENCE_SECONDS)
    assert found[job] == 1
    assert found["job_seconds_sum", 'job="tidy",result="done"'] > 0
    assert found["db_pool_wait_seconds_count", ""] >= 1


def test_amounts_are_shown_to_whoever_has_a_key(screens: Screens, heard: Queue) -> None:
    screens.paid(5_000)
    office = screens.office
    key = office.do(lambda work: api_keys.create(work, name="prometheus", scope="read")[1])
    clearing = ("clearing_balance_minor", 'account="clearing",currency="USD",rail="stripe"')
    assert clearing not in scraped(screens)
    assert scraped(screens, key)[clearing] > 0
    answer = screens.app.test_client().get("/metrics", headers={"Authorization": "Bearer wrong"})
    assert (answer.status_code, b"reconciler_" in answer.data) == (401, False)


def test_collisions_that_never_end_are_raised_and_counted(office: Office) -> None:
    def step(_work):
        raise Collision("changed")

    with pytest.raises(Collision):
        office.do(step, SOMEBODY)
    assert counted("tx_retry_total") == {("none",): 4}
