"""Stored events become books: in batches, in any order, a bad one never at its neighbours' cost."""

import copy
import threading
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import NamedTuple

import pytest
import sqlalchemy as sa

from reconciler.errors import Unavailable
from reconciler.flows.apply_inbox import apply_inbox
from reconciler.flows.ask_rail import ask_rail
from reconciler.services import inbox, switches
from reconciler.services.inbox import ReplayFilter
from reconciler.store import inbox_rows
from reconciler.work import Cause, Work
from tests.builders import balances, invoice, paid_on
from tests.runtime import Office, make_runtime

PAID_ONCE = {"clearing": 9_680, "processing_fees": 320, "revenue": -10_000}
# So many that to read them all takes some hundred blocks.
_MANY_DONE = """
    with made as (
      insert into inbox_event (rail, account, rail_event_id, type, livemode, created, headers, body)
      select 'stripe', 'own', 'evt_old_' || n, 'charge.updated', false, n, '{}', ''
      from generate_series(1, 20000) n returning seq),
    done as (
      insert into inbox_outcome (seq, status, attempts) select seq, 'applied', 1 from made)
    update inbox_horizon set seq = (select max(seq) from made), next_seq = 0, next_xact = 0"""
_APPLIED = "select rail_event_id, applied_at from inbox_event join inbox_outcome using (seq)"


class Orphan(NamedTuple):
    """News that do not say of which payment, and those that do."""

    parents: list[dict]
    events: list[dict]


def paid(office: Office, number: str = "INV-1", *, no_intent: bool = False) -> list[dict]:
    """An invoice and the news of a payment for it."""
    since = office.world.events_made()
    invoice(office, number, 10_000)
    office.world.pay(10_000, metadata={"invoice": number}, no_intent=no_intent)
    return office.world.events(since)


def poisoned(event: dict, event_id: str) -> dict:
    """The same with a charge that nobody can read."""
    bad = copy.deepcopy(event) | {"id": event_id}
    bad["data"]["object"]["amount_captured"] = "ten"
    return bad


def outcome(office: Office, event_id: str):
    return office.rows(
        """select o.status, o.attempts, o.error, o.due_at from inbox_event e
        left join inbox_outcome o on o.seq = e.seq where e.rail_event_id = :id""",
        id=event_id,
    )[0]


def asked(office: Office) -> list[str]:
    return [row.kind for row in office.rows("select kind from review_item where state = 'open'")]


def test_what_came_in_is_applied_once(office: Office) -> None:
    office.deliver(*paid(office))
    assert apply_inbox(office.runtime) == 4
    assert apply_inbox(office.runtime) == 0
    office.drain()
    assert balances(office) == PAID_ONCE


def backlog_and_news(office: Office) -> tuple[list[dict], list[dict]]:
    """News of eight payments, again of the first of them, and of one that was at rest."""
    rested = office.world.pay(10_000)
    office.deliver(*office.world.events())
    office.apply()
    since = office.world.events_made()
    others = [office.world.pay(1_000 + number) for number in range(8)]
    office.world.refund(others[0].charge, 300)
    backlog = office.world.events(since)
    office.world.refund(rested.charge, 300)
    news = office.world.events(since + len(backlog))
    office.deliver(*backlog, *news)
    return backlog, news


def test_news_are_what_came_last_of_payments_of_which_nothing_older_waits(office: Office) -> None:
    backlog, news = backlog_and_news(office)
    held = office.do(lambda work: inbox.claim_news(work, payments=2))
    last_of_the_others = [e for e in backlog if "1007" in str(e["data"])]
    assert last_of_the_others
    assert [event.rail_event_id for event in held] == [e["id"] for e in last_of_the_others + news]


def test_news_of_a_payment_at_rest_do_not_wait_for_the_end_of_a_backlog(office: Office) -> None:
    backlog, news = backlog_and_news(office)
    ticks = count()
    ticking = replace(office.runtime, clock=lambda: office.clock() + timedelta(seconds=next(ticks)))
    assert apply_inbox(ticking, batch_events=4) == len(backlog) + len(news)
    applied = {row.rail_event_id: row.applied_at for row in office.rows(_APPLIED)}
    assert applied[backlog[0]["id"]] < applied[news[-1]["id"]] < applied[backlog[-1]["id"]]
    assert office.violations() == []


def test_a_bad_event_does_not_take_its_neighbours_along(office: Office) -> None:
    good = paid(office)
    office.deliver(poisoned(good[1], "evt_bad"), *good)

    office.apply()

    assert outcome(office, "evt_bad").status == "pending"
    assert "amount_captured" in outcome(office, "evt_bad").error
    assert outcome(office, good[1]["id"]).status == "applied"
    assert paid_on(office, next(iter(office.rows("select id from invoice"))).id) == (10_000, 0, 0)


def test_a_bad_event_is_tried_ever_more_patiently_and_then_given_to_a_person(
    office: Office,
) -> None:
    good = paid(office)
    office.deliver(poisoned(good[1], "evt_bad"), *good)
    waits = []
    for _ in range(inbox.ATTEMPTS_MAX):
        office.apply()
        due = outcome(office, "evt_bad").due_at
        if due is None:
            break
        waits.append((due - office.clock()).total_seconds())
        office.clock.instant = due

    assert waits == sorted(waits)
    assert len(waits) == inbox.ATTEMPTS_MAX - 1
    assert outcome(office, "evt_bad").status == "failed"
    assert asked(office) == ["event_failed"]
    office.drain()
    assert balances(office) == PAID_ONCE


def test_a_failed_event_can_be_done_over(office: Office) -> None:
    good = paid(office)
    office.deliver(poisoned(good[1], "evt_bad"), *good)
    office.drain()
    assert outcome(office, "evt_bad").status == "failed"

    count = office.do(lambda work: inbox.replay_matching(work, ReplayFilter(only_failed=True)))

    assert count == 1
    assert outcome(office, "evt_bad").status == "pending"
    office.drain()
    assert outcome(office, "evt_bad").status == "failed"


def test_one_payment_in_two_currencies_is_refused(office: Office) -> None:
    good = paid(office)
    twisted = copy.deepcopy(good[1]) | {"id": "evt_twisted"}
    twisted["data"]["object"]["currency"] = "eur"
    office.deliver(*good)
    office.apply()
    office.deliver(twisted)
    office.drain()
    assert outcome(office, "evt_twisted").status == "failed"
    assert balances(office) == PAID_ONCE
    assert office.violations() == []


def test_nothing_is_applied_while_the_switch_is_off(office: Office) -> None:
    office.do(lambda work: switches.change(work, "apply", on=False, reason="looking into it"))
    office.deliver(*paid(office))
    office.apply()
    assert balances(office) == {"accounts_receivable": 10_000, "revenue": -10_000}

    office.do(lambda work: switches.change(work, "apply", on=True, reason="all is well"))
    office.drain()
    assert balances(office) == PAID_ONCE


@pytest.fixture(params=["with-an-intent", "without"])
def orphan(request: pytest.FixtureRequest, office: Office) -> Orphan:
    """A dispute told in a shape that names its charge alone, and the news of that charge.

    Where there is no intent, the charge itself is the payment.
    """
    news = paid(office, no_intent=request.param == "without")
    charge = next(e["data"]["object"] for e in news if e["type"] == "charge.succeeded")
    told = office.world.events_made()
    office.world.dispute(charge["id"])
    events = office.world.events(told)
    for event in events:
        del event["data"]["object"]["payment_intent"]
    return Orphan(news, events)


TAKEN = PAID_ONCE | {"clearing": -1_820, "processing_fees": 1_820, "disputed_funds": 10_000}


def test_an_event_that_knows_only_its_charge_waits_for_it(office: Office, orphan: Orphan) -> None:
    office.deliver(*orphan.events)
    office.apply()
    assert {outcome(office, event["id"]).status for event in orphan.events} == {"parked"}

    office.deliver(*orphan.parents)
    office.apply()

    assert office.unfinished() == []
    assert office.line.calls == [], "nobody had to be asked"
    assert office.scalar("select disputed from payment") == 10_000


def test_an_event_that_knows_only_its_charge_finds_it_there(office: Office, orphan: Orphan) -> None:
    office.deliver(*orphan.parents)
    office.apply()
    office.deliver(*orphan.events)
    office.apply()
    assert office.unfinished() == []
    assert office.line.calls == []
    assert office.scalar("select disputed from payment") == 10_000


def test_an_event_and_its_charge_that_are_told_at_once_find_each_other(
    office: Office, orphan: Orphan
) -> None:
    office.deliver(*orphan.events, *orphan.parents)
    office.apply()
    assert office.unfinished() == []
    assert office.line.calls == []
    assert office.scalar("select disputed from payment") == 10_000


def test_an_event_whose_charge_is_never_told_finds_it_by_asking(
    office: Office, orphan: Orphan
) -> None:
    office.deliver(*orphan.events)
    office.drain()
    assert office.unfinished() == []
    assert balances(office) == TAKEN


def test_an_event_that_was_parked_just_as_its_charge_was_told_needs_no_rail(
    office: Office, orphan: Orphan
) -> None:
    office.deliver(*orphan.parents)
    office.apply()
    office.deliver(*orphan.events)
    charge = orphan.events[0]["data"]["object"]["charge"]

    def park(work: Work) -> None:  # as one who did not see the charge yet
        held = inbox.claim(work, 10)
        inbox.finish(work, [inbox.parked(work, event, charge) for event in held], held)

    office.do(park)
    office.faults.add("answer", method="GET", status=503, count=None)
    office.clock.advance(seconds=3)
    ask_rail(office.runtime)
    office.apply()
    assert office.unfinished() == []
    assert office.scalar("select disputed from payment") == 10_000


def test_an_event_that_was_given_up_goes_on_when_its_charge_is_told_after_all(
    office: Office, orphan: Orphan
) -> None:
    rule = office.faults.add("answer", method="GET", status=503, count=None)
    office.deliver(*orphan.events)
    office.drain()
    assert {status for _, status, _ in office.unfinished()} == {"failed"}
    assert asked(office) == ["event_failed"]
    rule.count = 0

    office.deliver(*orphan.parents)
    office.drain()

    assert office.unfinished() == []
    assert asked(office) == ["dispute"]
    assert balances(office) == TAKEN


def test_a_question_about_an_event_closes_when_it_is_applied_after_all(office: Office) -> None:
    office.deliver(*paid(office))

    def give_up(work: Work) -> None:
        held = inbox.claim(work, 1)
        inbox.failed(work, [replace(held[0], attempts=inbox.ATTEMPTS_MAX)], "a bug of ours")

    office.do(give_up)
    office.drain()
    assert asked(office) == ["event_failed"]

    office.do(lambda work: inbox.replay_matching(work, ReplayFilter(only_failed=True)))
    office.drain()

    assert office.unfinished() == []
    assert asked(office) == []


def test_an_event_about_nothing_the_rail_knows_is_given_to_a_person(office: Office) -> None:
    good = paid(office)
    office.world.dispute(good[1]["data"]["object"]["id"], inquiry=True)
    orphan = office.world.events()[-1]
    shown = orphan["data"]["object"]
    del shown["payment_intent"]
    shown |= {"id": "du_unknown", "charge": "ch_unknown"}
    office.deliver(orphan)
    office.drain()
    assert outcome(office, orphan["id"]).status == "failed"
    assert asked(office) == ["event_failed"]


def test_a_batch_that_fails_whole_is_done_payment_by_payment(office: Office) -> None:
    news = [event for n in range(5) for event in paid(office, f"INV-{n}")]
    office.deliver(*news, *(poisoned(news[4 * n + 1], f"evt_bad_{n}") for n in range(2)))
    office.drain()
    assert balances(office)["clearing"] == 5 * 9_680
    assert {status for _, status, _ in office.unfinished()} == {"failed"}


def test_every_event_has_an_outcome_behind_the_horizon(office: Office) -> None:
    for n in range(3):
        office.deliver(*paid(office, f"INV-{n}"))
        office.apply()
    for _ in range(600):  # it moves once all transactions are gone that ran when it was looked at
        office.apply()
        if office.scalar("select seq from inbox_horizon") == 12:
            break
        threading.Event().wait(0.05)
    assert office.scalar("select seq from inbox_horizon") == 12
    assert office.violations() == []


def test_the_horizon_moves_while_a_backlog_is_worked_off(office: Office) -> None:
    """Or each batch would look again at all that was done since it began."""
    seen: list[int] = []
    ticks = count()

    def clock():
        seen.append(office.scalar("select seq from inbox_horizon"))
        return office.clock() + timedelta(seconds=next(ticks))

    for n in range(30):  # it stands still as long as a transaction of another test is open
        office.deliver(*paid(office, f"INV-{n}"), *paid(office, f"INV-{n}-b"))
        seen.clear()
        apply_inbox(replace(office.runtime, clock=clock), batch_events=2)
        if seen[0] < seen[-1]:
            break
    assert seen[0] < seen[-1]
    assert office.violations() == []


@pytest.mark.spoilt
def test_what_is_new_is_found_without_reading_what_was_done(office: Office) -> None:
    with office.runtime.work(Cause("command", "fill")) as work:
        work.session.execute(sa.text(_MANY_DONE))
    office.deliver(*paid(office))
    with office.runtime.work(Cause("command", "look")) as work:
        for statement in (inbox_rows._CLAIM_NEW, inbox_rows._CLAIM_NEWS, inbox_rows._HAS_DUE):
            given = {"limit": 500, "payments": 50, "now": work.now}
            explained = sa.text(f"explain (analyze, buffers, format json) {statement.text}")
            plan = work.session.execute(explained, given).scalar()[0]["Plan"]
            assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 60, statement.text


def test_a_slow_message_below_the_horizon_is_never_passed_over(office: Office) -> None:
    """Numbers are handed out in order and become visible out of order."""
    news = paid(office)
    rail = office.runtime.rails["stripe"]
    with office.runtime.work(Cause("event", "slow")) as work:
        inbox.store_event(work, rail.event_of(news[1]))
        office.deliver(*news[2:])
        for _ in range(3):
            office.apply()
    office.drain()
    assert office.unfinished() == []
    assert balances(office) == PAID_ONCE


def test_without_a_database_it_says_so(office: Office) -> None:
    office.deliver(*paid(office))
    office.runtime.engine.dispose()
    gone = office.runtime.settings.database_url.replace("/test_", "/gone_")
    with pytest.raises(Unavailable):
        apply_inbox(make_runtime(gone, "http://127.0.0.1:9", office.clock, None))
    office.drain()
    assert balances(office) == PAID_ONCE
