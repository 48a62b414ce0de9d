"""What was signed with our secret and the rail never made is named, like what we lack."""

from datetime import timedelta

import pytest

from reconciler.books.reconciliation import EVENTS_LISTED
from reconciler.services.reconciliation import BACKFILL
from reconciler.timestamps import to_epoch
from tests.flows.test_reconcile import left, run
from tests.runtime import Office

TOLD = ("missing_there", "event", "evt_forged")


def forged(office: Office, kind: str = "customer.created", **changed) -> dict:
    """An event like the rail's, in every way but that it never made it."""
    pattern = office.world.events()[-1]
    return {**pattern, "id": "evt_forged", "type": kind, **changed}


def a_day(office: Office) -> None:
    """Some payments, told of in full."""
    for amount in (1_000, 2_000, 3_000):
        office.world.pay(amount)
    office.deliver(*office.world.events())
    office.drain()


def questions(office: Office) -> list[str]:
    return [row.subject for row in office.rows(
        "select subject from review_item where kind = 'drift' and state = 'open' order by 1"
    )]  # fmt: skip


@pytest.mark.sampled(2)
@pytest.mark.parametrize("kind", ["customer.created", "charge.updated"])
def test_an_event_that_the_rail_never_made_is_named_whatever_it_moves(
    office: Office, kind: str
) -> None:
    a_day(office)
    office.deliver(forged(office, kind))
    office.drain()
    told = run(office)
    assert (told.status, told.drift, left(told)) == ("done", {}, [TOLD])
    (found,) = told.discrepancies
    assert kind in found.note
    assert "neither lists it nor knows it" in found.note
    assert questions(office) == ["evt_forged"]
    again = run(office)
    assert (left(again), again.healed, questions(office)) == ([TOLD], 0, ["evt_forged"])


def test_it_is_asked_about_no_more_once_the_rail_lists_it(office: Office) -> None:
    a_day(office)
    late = forged(office)
    office.deliver(late)
    office.apply()
    assert left(run(office)) == [TOLD]
    office.world.table("event")["evt_forged"] = late
    assert left(run(office)) == []
    assert questions(office) == []


def test_a_listing_that_lags_behind_is_not_taken_at_its_word(office: Office, monkeypatch) -> None:
    a_day(office)
    rail = office.runtime.rails["stripe"]
    listed = rail.list_page

    def lags(kind, *given):
        page = listed(kind, *given)
        return type(page)(rows=page.rows[1:] if kind == "event" else page.rows, cursor=page.cursor)

    monkeypatch.setattr(rail, "list_page", lags)
    told = run(office)
    assert (told.discrepancies, questions(office)) == ([], [])


@pytest.mark.parametrize(("age", "is_named"), [(timedelta(days=28), True), (EVENTS_LISTED, False)])
def test_what_the_rail_may_have_forgotten_is_not_named(
    office: Office, age: timedelta, is_named: bool
) -> None:
    a_day(office)
    made = to_epoch(office.clock() - age)
    office.deliver(forged(office, created=made))
    office.apply()
    told = run(office, back=timedelta(days=60), purpose=BACKFILL)
    assert (told.status, left(told)) == ("done", [TOLD] if is_named else [])


@pytest.mark.thorough
def test_what_lies_outside_of_the_window_is_left_to_the_run_that_reads_it(office: Office) -> None:
    a_day(office)
    made = to_epoch(office.clock() - timedelta(days=9))
    office.deliver(forged(office, created=made))
    office.apply()
    assert left(run(office)) == []
    assert left(run(office, back=timedelta(days=10))) == [TOLD]
    run(office)
    assert questions(office) == ["evt_forged"], "this run has not looked there"


def test_what_is_kept_apart_already_is_not_asked_about_twice(office: Office) -> None:
    a_day(office)
    office.deliver(forged(office, livemode=True))
    office.drain()
    assert office.scalar("select count(*) from inbox_event where quarantine is not null") == 1
    assert left(run(office)) == []


@pytest.mark.thorough
def test_of_very_many_the_first_are_named(office: Office, monkeypatch) -> None:
    monkeypatch.setattr("reconciler.services.discrepancies.QUESTIONS_MAX", 3)
    a_day(office)
    office.deliver(*(forged(office, id=f"evt_forged{n}") for n in range(5)))
    office.apply()
    assert len(left(run(office))) == 3
