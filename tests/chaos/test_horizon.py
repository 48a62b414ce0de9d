"""A slow commit must not leave an acknowledged event behind the mark where the search begins."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlmodel import Session

from reconciler.runtime import make_engine
from reconciler.store import inbox_rows

_EVENT = """insert into inbox_event (rail, account, rail_event_id, type, headers, body)
  values ({rail}, '', %s, 'charge.succeeded', '{{}}', '')"""
_PLAIN = _EVENT.format(rail="'stripe'")
# Its number is drawn first; then it waits here, before its row is written.
_WAITING = _EVENT.format(rail="'stripe' || coalesce(pg_advisory_xact_lock_shared(7)::text, '')")
_DONE = "insert into inbox_outcome (seq, status) select seq, 'applied' from inbox_event e"
_DONE += " where not exists (select 1 from inbox_outcome o where o.seq = e.seq)"
# In this database: those of other tests are on the same server.
_WAITS = """select exists (select from pg_locks l join pg_database d on d.oid = l.database
  where d.datname = current_database() and l.locktype = 'advisory' and not l.granted)"""


@pytest.fixture
def lines(database_url: str) -> Iterator[list[psycopg.Connection]]:
    url = database_url.replace("+psycopg", "", 1)
    opened = [psycopg.connect(url, autocommit=number > 0) for number in range(3)]
    yield opened
    for opened_one in opened:
        opened_one.close()


def test_an_insert_that_commits_late_is_still_found(database_url: str, lines) -> None:
    slow, quick, _ = lines
    slow.execute(_PLAIN, ["evt_slow"])  # open, and no transaction has ended since it began
    _advance(database_url)
    quick.execute(_PLAIN, ["evt_quick"])
    quick.execute(_DONE)
    for _ in range(4):
        _advance(database_url)
    slow.commit()
    assert _claimable(database_url) == ["evt_slow"]


def test_an_insert_that_stops_between_its_number_and_its_row_is_still_found(
    database_url: str, lines
) -> None:
    slow, quick, gate = lines
    quick.execute(_PLAIN, ["evt_first"])  # the first number of many takes a transaction's id
    gate.execute("select pg_advisory_lock(7)")
    with _in_a_thread(lambda: slow.execute(_WAITING, ["evt_slow"])):
        while not quick.execute(_WAITS).fetchone()[0]:
            pass
        quick.execute(_PLAIN, ["evt_quick"])
        quick.execute(_DONE)
        _advance(database_url)
        gate.execute("select pg_advisory_unlock(7)")
    for _ in range(4):
        _advance(database_url)
    slow.commit()
    assert _claimable(database_url) == ["evt_slow"]


def test_the_mark_goes_on_once_all_is_done(database_url: str, lines) -> None:
    _, quick, _ = lines
    for number in range(5):
        quick.execute(_PLAIN, [f"evt_{number}"])
    quick.execute(_DONE)
    for _ in range(600):  # transactions of all databases count, those of other tests too
        _advance(database_url)
        if quick.execute("select seq from inbox_horizon").fetchone() == (5,):
            break
        threading.Event().wait(0.05)
    assert quick.execute("select seq from inbox_horizon").fetchone() == (5,)
    assert _claimable(database_url) == []


def _advance(database_url: str) -> None:
    engine = make_engine(database_url)
    with Session(engine) as session, session.begin():
        inbox_rows.advance_horizon(session)
    engine.dispose()


def _claimable(database_url: str) -> list[str]:
    engine = make_engine(database_url)
    with Session(engine) as session:
        found = session.execute(inbox_rows._CLAIM_NEW, {"limit": 9}).all()
    engine.dispose()
    return [row.rail_event_id for row in found]


@contextmanager
def _in_a_thread(step) -> Iterator[None]:
    thread = threading.Thread(target=step)
    thread.start()
    try:
        yield
    finally:
        thread.join()
