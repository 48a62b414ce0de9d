"""An account's past is taken in: by one worker at a time, slowly enough, and news come through."""

import threading
import time
from datetime import timedelta

import pytest

from reconciler.flows import reconcile as flow
from reconciler.rails.stripe import client
from reconciler.rails.stripe.client import StripeApi
from reconciler.rails.stripe.rail import StripeRail
from reconciler.reads import reconciliation as reads
from reconciler.services.reconciliation import BACKFILL, WINDOW
from tests.flows.test_reconcile import begin, run
from tests.runtime import KEY, Office
from tests.tiers import size

PAST = timedelta(days=900)
TWO_PAGES, PAYMENTS = 120, size(quick=20, full=120)
PATIENCE_SECONDS = 30.0


def a_past(office: Office, payments: int = PAYMENTS) -> None:
    """Two years of payments, of which the rail remembers no event any more."""
    for n in range(payments):
        with office.world.at(int((office.clock() - timedelta(days=6 * n + 40)).timestamp())):
            office.world.pay(1_000 + n)


@pytest.mark.thorough
def test_years_of_an_account_are_taken_in(office: Office) -> None:
    a_past(office, TWO_PAGES)
    told = run(office, back=PAST, purpose=BACKFILL)
    assert (told.status, told.drift, told.discrepancies) == ("done", {}, [])
    assert office.scalar("select count(*) from payment") == TWO_PAGES
    assert office.scalar("select count(*) from inbox_event") == 0
    assert office.scalar("select pages from reconciliation_step where kind = 'charge'") == 2
    again = run(office, back=PAST, purpose=BACKFILL)
    assert (again.healed, again.matched) == (0, again.checked)
    assert office.violations() == []


def test_news_are_acknowledged_and_booked_while_the_past_is_taken_in(office: Office) -> None:
    a_past(office)
    rail = office.runtime.rails["stripe"]
    listed, live = rail.list_page, []

    def meanwhile(kind, *given):
        before = office.world.events_made()
        paid = office.world.pay(7_000)
        assert set(office.deliver(*office.world.events(before))) == {200}
        office.apply()
        live.append(paid.intent)
        assert _captured(office, paid.intent) == 7_000, "booked though a run is under way"
        return listed(kind, *given)

    rail.list_page = meanwhile
    told = run(office, back=PAST, purpose=BACKFILL)
    assert (told.status, len(live) > size(quick=5, full=6)) == ("done", True)
    assert office.scalar("select count(*) from payment") == PAYMENTS + len(live)
    office.drain()
    assert (office.unfinished(), office.violations()) == ([], [])


def _captured(office: Office, intent: str) -> int:
    return office.scalar("select captured from payment where rail_payment_id = :id", id=intent)


@pytest.mark.thorough
def test_the_rail_is_asked_for_less_than_it_allows(office: Office) -> None:
    """Nobody really waits here, so each pause is as long as all that was asked before calls for."""
    a_past(office)
    pauses: list[float] = []
    api = StripeApi(KEY, office.runtime.settings.stripe_api_base, pause=pauses.append)
    office.runtime.rails["stripe"] = StripeRail(office.runtime.settings, office.clock, api)
    office.line.calls.clear()
    began = time.monotonic()
    run(office, back=PAST, purpose=BACKFILL)
    took = time.monotonic() - began  # it counts as waited
    asked = len(office.line.calls)
    assert asked > PAYMENTS * 5 // 6
    assert max(pauses) + took > (asked - client.BURST) / client.REQUESTS_PER_SECOND
    assert client.REQUESTS_PER_SECOND < 25, "a sandbox account of Stripe's takes no more"


@pytest.mark.sampled(2)
@pytest.mark.parametrize("purpose", [BACKFILL, WINDOW])
def test_a_run_that_one_worker_is_at_is_left_alone_by_another(office: Office, purpose: str) -> None:
    office.world.pay(1_000)
    run_id = begin(office, purpose=purpose)
    rail = office.runtime.rails["stripe"]
    listed, is_at_it, may_go_on = rail.list_page, threading.Event(), threading.Event()
    calls = []

    def waits(kind, since, *given):
        calls.append((kind, since))
        is_at_it.set()
        assert may_go_on.wait(PATIENCE_SECONDS)
        return listed(kind, since, *given)

    rail.list_page = waits
    ended = []
    one = threading.Thread(target=lambda: ended.append(flow.carry_on(office.runtime)))
    one.start()
    try:
        assert is_at_it.wait(PATIENCE_SECONDS)
        assert flow.carry_on(office.runtime) is False
        assert flow.carry_on(office.runtime, run_id=run_id) is False
        assert [kind for kind, _ in calls] == ["charge"]
    finally:
        may_go_on.set()
        one.join(PATIENCE_SECONDS)
    assert ended == [True]
    assert len(calls) == len(set(calls)), "each kind was listed once, and movements since"
    with office.runtime.read() as session:
        assert reads.one(session, run_id).status == "done"


def test_whoever_slept_too_long_writes_nothing_more(office: Office) -> None:
    """Another has carried the run on meanwhile: the first finds that out at its next step."""
    for n in range(3):
        office.world.pay(1_000 + n)
    run_id = begin(office)
    rail = office.runtime.rails["stripe"]
    listed, others = rail.list_page, []

    def sleeps(kind, *given):
        if not others:
            others.append(None)
            office.clock.advance(minutes=4)
            others.append(flow.carry_on(office.runtime))
        return listed(kind, *given)

    rail.list_page = sleeps
    assert flow.carry_on(office.runtime) is False
    assert others == [None, True]
    with office.runtime.read() as session:
        told = reads.one(session, run_id)
    assert (told.status, told.drift, told.unhealed) == ("done", {}, 0)
    assert office.scalar("select count(*) from payment") == 3
    assert run(office).healed == 0
    assert office.violations() == []
