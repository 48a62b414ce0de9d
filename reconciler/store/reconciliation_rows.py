"""The comparing itself: what the rail showed goes in by COPY, and PostgreSQL joins both sides."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.reconciliation import Shown

EVENTS = "event"
# Of more rows than that at once, looking each up takes longer than reading both sides whole.
LOOKED_UP_MAX = 5_000

Row = tuple[str, int, str, str]  # object, amount, currency, state

_COPY = """copy reconciliation_row (run_id, kind, page, object_id, amount, currency, state)
    from stdin"""
_DIFFERING = sa.text(
    """select r.object_id, r.amount, r.currency, r.state,
      o.object_id is not null as is_known, o.payment_id, o.amount as our_amount,
      o.currency as our_currency, o.state as our_state
    from reconciliation_row r
    left join rail_object o on o.rail = :rail and o.account = :account and o.kind = :kind
      and o.object_id = r.object_id
    where r.run_id = :run and r.kind = :kind and r.page = :page
      and (r.amount, r.currency, r.state) is distinct from (o.amount, o.currency, o.state)
    order by r.object_id"""
)
_UNHEARD = sa.text(
    """select r.object_id from reconciliation_row r
    where r.run_id = :run and r.kind = 'event' and r.page = :page
      and not exists (select 1 from inbox_event e where e.rail = :rail and e.account = :account
        and e.rail_event_id = r.object_id)
    order by r.object_id"""
)
_SURPLUS = sa.text(
    """select o.object_id, o.payment_id, o.amount, o.currency, o.state from rail_object o
    where o.rail = :rail and o.account = :account and o.kind = :kind
      and o.made_at >= :since and o.made_at < :until
      and not exists (select 1 from reconciliation_row r
        where r.run_id = :run and r.kind = :kind and r.object_id = o.object_id)
    order by o.object_id"""
)
# A day at a time: each is found by its block, and few of them have to be read at once.
_UNLISTED = sa.text(
    """select e.rail_event_id, e.type, o.payment_id from inbox_event e
    left join inbox_outcome o on o.seq = e.seq
    where e.rail = :rail and e.account = :account and e.quarantine is null
      and e.created >= :since and e.created < :until
      and not exists (select 1 from reconciliation_row r
        where r.run_id = :run and r.kind = 'event' and r.object_id = e.rail_event_id)
    order by e.created, e.seq limit :limit"""
)
_DAY_SECONDS = 86_400
# Without a log, without rows of other runs, and gone with the transaction.
_MAKE_SHOWN = sa.text(
    """create temporary table shown (object_id text not null, amount bigint not null,
      currency text not null, state text not null) on commit drop"""
)
_COPY_SHOWN = "copy shown (object_id, amount, currency, state) from stdin"
_COMPARED = sa.text(
    """select object_id, r.state is not null as is_shown, r.amount, r.currency, r.state,
      o.state is not null as is_known, o.payment_id, o.amount as our_amount,
      o.currency as our_currency, o.state as our_state
    from shown r full join (
      select object_id, payment_id, amount, currency, state, made_at from rail_object
      where rail = :rail and account = :account and kind = :kind) o using (object_id)
    where (r.amount, r.currency, r.state) is distinct from (o.amount, o.currency, o.state)
      and (r.state is not null or o.made_at >= :since and o.made_at < :until)
    order by object_id"""
)
_OURS = sa.text(
    """select object_id, payment_id, amount, currency, state from rail_object
    where rail = :rail and account = :account and kind = :kind and object_id = any(:ids)"""
)
# Webhooks are answered meanwhile: one core for comparing is enough.
_NOT_ROW_BY_ROW = sa.text(
    """select set_config('enable_nestloop', 'off', true),
      set_config('max_parallel_workers_per_gather', '0', true)"""
)
_AS_EVER = (
    sa.text("set local enable_nestloop to default"),
    sa.text("set local max_parallel_workers_per_gather to default"),
)
_COUNT = sa.text("select count(*) from reconciliation_row where run_id = :run and kind = :kind")
_DROP = sa.text("delete from reconciliation_row where run_id = :run")
_DROP_KIND = sa.text("delete from reconciliation_row where run_id = :run and kind = :kind")


@dataclass(frozen=True, slots=True)
class Place:
    """What is being compared: one kind of object of one account of a rail, in one run."""

    run_id: str
    rail: str
    account: str
    kind: str

    @property
    def given(self) -> dict[str, object]:
        """The same for a query."""
        return {
            "run": self.run_id,
            "rail": self.rail,
            "account": self.account,
            "kind": self.kind,
        }


@dataclass(frozen=True, slots=True)
class Pair:
    """One object on both sides; a side that has not got it is None."""

    object_id: str
    rail: Shown | None
    ours: Shown | None
    payment_id: str | None = None  # ours, of the payment that it is a part of here


# The same difference twice: news that is on its way while a run reads the balance is not. And the
# second time by a run that listed all that had moved when the first read the balance: two runs that
# follow each other at once may miss the same news.
_LASTING = sa.text(
    """with run as (select * from reconciliation_run where state = 'done'
        order by started_at desc, id desc limit 50),
      last as (select distinct on (rail, account) * from run where purpose <> 'open_items'
        order by rail, account, started_at desc, id desc)
    select format('%s %s %s', last.rail, now.key, now.value) from last
      join lateral (select drift from run where rail = last.rail and account = last.account
          and finished_at <= last.until order by started_at desc, id desc limit 1) before on true,
        jsonb_each_text(last.drift) now
      where before.drift ->> now.key = now.value"""
)


def copy(session: Session, place: Place, page: int, shown: Iterable[Row]) -> int:
    """Take in what the rail showed on a page, of any length; gives how many."""
    head = (place.run_id, place.kind, page)
    return _copied(session, _COPY, (head + row for row in shown))


def _copied(session: Session, statement: str, shown: Iterable[tuple[str | int, ...]]) -> int:
    taken = 0
    driver = session.connection().connection.driver_connection
    assert driver is not None, "a session that works has a connection"
    with driver.cursor() as cursor, cursor.copy(statement) as rows:
        for row in shown:
            rows.write_row(row)
            taken += 1
    return taken


def differing(session: Session, place: Place, page: int, *, rows: int) -> list[Pair]:
    """The objects of a page of so many rows that the rail shows otherwise than we know them."""
    with _whole(session, is_wanted=rows > LOOKED_UP_MAX):
        found = session.execute(_DIFFERING, place.given | {"page": page}).all()
    return [Pair(r.object_id, _shown(r), _known(r), r.payment_id) for r in found]


def compared(
    session: Session, place: Place, window: tuple[datetime, datetime], shown: Iterable[Row]
) -> list[Pair]:
    """What differs, where the rail shows all of a window [since, until) at once.

    The same that pages give (`copy`, `differing`, and `surplus` at the end), and nothing to drop.
    Once in a transaction: what was shown stays until it ends.
    """
    session.execute(_MAKE_SHOWN)
    _copied(session, _COPY_SHOWN, shown)
    since, until = window
    with _whole(session):
        found = session.execute(_COMPARED, place.given | {"since": since, "until": until}).all()
    return [
        Pair(r.object_id, _shown(r) if r.is_shown else None, _known(r), r.payment_id) for r in found
    ]


def _shown(row: sa.Row[Any]) -> Shown:
    return Shown(row.amount, row.currency, row.state)


def _known(row: sa.Row[Any]) -> Shown | None:
    return Shown(row.our_amount, row.our_currency, row.our_state) if row.is_known else None


def unheard(session: Session, place: Place, page: int) -> list[str]:
    """The events of a page that never reached the inbox."""
    return list(session.scalars(_UNHEARD, place.given | {"page": page}))


def surplus(session: Session, place: Place, since: datetime, until: datetime) -> list[Pair]:
    """Objects that we know of this window, and that the rail did not show in it."""
    with _whole(session):
        found = session.execute(_SURPLUS, place.given | {"since": since, "until": until}).all()
    return [
        Pair(r.object_id, None, Shown(r.amount, r.currency, r.state), r.payment_id) for r in found
    ]


def unlisted(
    session: Session, place: Place, since: int, until: int, limit: int
) -> list[tuple[str, str, str | None]]:
    """Events kept here that the rail made in [since, until) and did not list.

    By the rail's own seconds; the first so many, each with its type and the payment it is about.
    """
    found: list[tuple[str, str, str | None]] = []
    for begins in range(since, until, _DAY_SECONDS):
        ends = min(until, begins + _DAY_SECONDS)
        given = place.given | {"since": begins, "until": ends, "limit": limit - len(found)}
        with _whole(session):
            rows = session.execute(_UNLISTED, given).all()
        found += [(r.rail_event_id, r.type, r.payment_id) for r in rows]
    return found


def ours(session: Session, place: Place, ids: Sequence[str]) -> dict[str, tuple[str | None, Shown]]:
    """What we know of these objects: our payment, and how it stands."""
    rows = session.execute(_OURS, place.given | {"ids": list(ids)})
    return {r.object_id: (r.payment_id, Shown(r.amount, r.currency, r.state)) for r in rows}


def count(session: Session, place: Place) -> int:
    """How many rows of a kind are there."""
    return int(session.scalar(_COUNT, place.given) or 0)


def drop(session: Session, place: Place) -> None:
    """Begin a kind anew: its rows are not all there, as after a crash of the server."""
    session.execute(_DROP_KIND, place.given)


def drop_all(session: Session, run_id: str) -> None:
    """Clear away what a finished run compared."""
    session.execute(_DROP, {"run": run_id})


@contextmanager
def _whole(session: Session, *, is_wanted: bool = True) -> Iterator[None]:
    """Both sides are read whole and joined, and not row by row.

    PostgreSQL knows nothing yet of rows that have just come and takes them for a handful. It would
    look up each by itself, or, for each of ours, go through all that the rail showed.
    """
    if is_wanted:
        session.execute(_NOT_ROW_BY_ROW)
    yield
    if is_wanted:
        for setting in _AS_EVER:
            session.execute(setting)


def lasting_drifts(session: Session) -> list[str]:
    """What two runs in a row could not explain, as `rail currency amount` in minor units."""
    return list(session.scalars(_LASTING))
