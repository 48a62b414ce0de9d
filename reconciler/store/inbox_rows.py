"""Reading and finishing what came in. See store/inbox.py for why outcomes stand apart."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

# Shared with the prepared statement of reconciler/ingest.py, which runs it without SQLAlchemy.
INSERT_COLUMNS = (
    "rail", "account", "rail_event_id", "type", "livemode", "api_version", "about", "created",
    "quarantine", "received_at", "headers", "body",
)  # fmt: skip

_INSERT = sa.text(
    f"""insert into inbox_event ({", ".join(INSERT_COLUMNS)})
    values ({", ".join(":" + name for name in INSERT_COLUMNS)})
    on conflict (rail, account, rail_event_id) do nothing returning seq"""
)
# Of an event `e`: nobody has tried to apply it yet. That these are few, the planner only sees by
# both ends of a range, and only where outcomes have them too: else it may read all that ever were.
_ABOVE = "between (select seq + 1 from inbox_horizon) and (select max(seq) from inbox_event)"
IS_NEW = f"""e.seq {_ABOVE} and e.quarantine is null
      and not exists (select 1 from inbox_outcome o where o.seq = e.seq and o.seq {_ABOVE})"""
_CLAIM_NEW = sa.text(
    f"""select e.seq, e.rail, e.account, e.rail_event_id, e.type, e.body, 0 as attempts,
      true as is_new
    from inbox_event e where {IS_NEW}
    order by e.seq limit :limit for no key update of e skip locked"""
)
# Of those payments whose first waiting event is the newest: all that waits of each.
_CLAIM_NEWS = sa.text(
    f"""with waiting as (
      select e.seq, e.rail, e.account, e.about from inbox_event e
      where e.about is not null and {IS_NEW}),
    rested as (
      select array_agg(seq) as seqs from waiting group by rail, account, about
      order by min(seq) desc limit :payments)
    select e.seq, e.rail, e.account, e.rail_event_id, e.type, e.body, 0 as attempts,
      true as is_new
    from inbox_event e where e.seq in (select unnest(seqs) from rested)
    order by e.seq for no key update of e skip locked"""
)
_CLAIM_DUE = sa.text(
    """select e.seq, e.rail, e.account, e.rail_event_id, e.type, e.body, o.attempts,
      false as is_new
    from inbox_outcome o join inbox_event e on e.seq = o.seq
    where o.due_at <= :now and o.status = 'pending' and e.quarantine is null
    order by o.due_at, o.seq limit :limit for no key update of o skip locked"""
)
_CLAIM_PARKED = sa.text(
    """select e.seq, e.rail, e.account, o.waits_for, o.attempts
    from inbox_outcome o join inbox_event e on e.seq = o.seq
    where o.due_at <= :now and o.status = 'parked'
    order by o.due_at, o.seq limit :limit for no key update of o skip locked"""
)
# Done over, an event of the same payment changes nothing: it took effect when it was applied first,
# and stands there.
_FINISH = sa.text(
    """insert into inbox_outcome
      (seq, status, attempts, error, note, payment_id, payout_id, waits_for, due_at, applied_at,
        rank)
    select o.*, (select nextval('rank')) from unnest(
      cast(:seq as bigint[]), cast(:status as text[]), cast(:attempts as bigint[]),
      cast(:error as text[]), cast(:note as text[]), cast(:payment_id as text[]),
      cast(:payout_id as text[]), cast(:waits_for as text[]), cast(:due_at as timestamptz[]),
      cast(:applied_at as timestamptz[])) as o order by 1
    on conflict (seq) do update set status = excluded.status, attempts = excluded.attempts,
      error = excluded.error, note = excluded.note, payment_id = excluded.payment_id,
      payout_id = excluded.payout_id, waits_for = excluded.waits_for,
      due_at = excluded.due_at, applied_at = excluded.applied_at,
      rank = case when (inbox_outcome.payment_id, inbox_outcome.payout_id)
          is not distinct from (excluded.payment_id, excluded.payout_id)
        then inbox_outcome.rank else excluded.rank end
    where inbox_outcome.status <> 'applied' or excluded.status = 'applied'"""
)
_WAKE = sa.text(
    """update inbox_outcome set status = 'pending', due_at = :now, waits_for = null,
      attempts = 0, error = null
    where waits_for = any(:objects) and status in ('parked', 'failed')"""
)
_REPLAY = sa.text(
    """insert into inbox_outcome (seq, status, attempts, due_at)
    select unnest(cast(:seqs as bigint[])), 'pending', 0, :now
    on conflict (seq) do update set status = 'pending', attempts = 0, error = null,
      waits_for = null, due_at = excluded.due_at"""
)
# Step one: note the last number handed out, then our own transaction's id: a trigger makes each
# insert take its id before its number, so every number noted belongs to an older transaction.
# Step two, later: when all of those are gone, no number up to the noted one can still appear.
# (A snapshot's xmax would not do in place of our id: whoever runs may already be above it.)
_LAST_NUMBER = sa.text(
    "select coalesce(pg_sequence_last_value(pg_get_serial_sequence('inbox_event', 'seq')), 0)"
)
_GONE = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= h.next_xact"
_ADVANCE_HORIZON = sa.text(
    f"""update inbox_horizon h set
      seq = case when h.next_xact > 0 and {_GONE}
        then greatest(h.seq, least(h.next_seq, coalesce((
          select min(e.seq) - 1 from inbox_event e where e.seq > h.seq and e.seq <= h.next_seq
            and e.quarantine is null
            and not exists (select 1 from inbox_outcome o
              where o.seq = e.seq and o.seq > h.seq and o.seq <= h.next_seq)), h.next_seq)))
        else h.seq end,
      next_seq = case when {_GONE} then :last else h.next_seq end,
      next_xact = case when {_GONE} then pg_current_xact_id()::text::bigint else h.next_xact end
    where h.id = 1"""
)
_STORED = sa.text(
    """select seq, body, api_version from inbox_event
    where rail = :rail and account = :account and rail_event_id = :id"""
)
_FIND = sa.text(
    """select e.seq, e.quarantine, coalesce(o.status, 'pending') as status
    from inbox_event e left join inbox_outcome o on o.seq = e.seq
    where e.rail_event_id = any(:names) or e.seq = any(:numbers)"""
)
_FIND_SINCE = sa.text(
    """select e.seq from inbox_event e left join inbox_outcome o on o.seq = e.seq
    where (cast(:since as timestamptz) is null or e.received_at >= :since)
      and (not :only_failed or o.status = 'failed')
      and (cast(:type as text) is null or e.type = :type)
      and (cast(:status as text) is null or coalesce(o.status, 'pending') = :status)
      and e.quarantine is null
    order by e.seq limit :limit"""
)
_READ_AGAIN = sa.text(
    """select e.seq, e.rail, e.account, e.rail_event_id, e.type, e.body,
      coalesce(o.attempts, 0) as attempts
    from inbox_event e left join inbox_outcome o on o.seq = e.seq
    where e.seq = any(:seqs) order by e.seq"""
)
_HAS_DUE = sa.text(
    f"""select exists (select 1 from inbox_event e where {IS_NEW})
      or exists (select 1 from inbox_outcome where status = 'pending' and due_at <= :now)"""
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """An event that this transaction holds."""

    seq: int
    rail: str
    account: str
    rail_event_id: str
    type: str
    body: bytes
    attempts: int
    is_new: bool  # nobody has tried to apply it yet


@dataclass(frozen=True, slots=True)
class Parked:
    """An event whose payment is not known yet; `waits_for` is the object that leads there."""

    seq: int
    rail: str
    account: str
    waits_for: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an event."""

    seq: int
    status: str
    attempts: int
    error: str | None = None
    note: str | None = None
    payment_id: str | None = None
    payout_id: str | None = None
    waits_for: str | None = None
    due_at: datetime | None = None
    applied_at: datetime | None = None


def insert(session: Session, values: dict[str, object]) -> int | None:
    """Keep an event; gives its number, or None if it is here already."""
    return session.execute(_INSERT, values).scalar()


def claim(session: Session, now: datetime, limit: int) -> list[Claimed]:
    """Hold up to `limit` events that are new or due again, the oldest first."""
    due = session.execute(_CLAIM_DUE, {"now": now, "limit": limit}).all()
    new = session.execute(_CLAIM_NEW, {"limit": limit - len(due)}).all() if len(due) < limit else []
    return [Claimed(*row) for row in (*due, *new)]


def claim_news(session: Session, payments: int) -> list[Claimed]:
    """Hold what waits of the `payments` that have been waiting for the shortest time."""
    return [Claimed(*row) for row in session.execute(_CLAIM_NEWS, {"payments": payments})]


def claim_parked(session: Session, now: datetime, limit: int) -> list[Parked]:
    """Hold up to `limit` parked events whose parent is to be asked for."""
    rows = session.execute(_CLAIM_PARKED, {"now": now, "limit": limit})
    return [Parked(*row) for row in rows]


def finish(session: Session, outcomes: Sequence[Outcome]) -> None:
    """Write what became of events."""
    if outcomes:
        columns = {
            name: [getattr(o, name) for o in outcomes] for name in Outcome.__dataclass_fields__
        }
        session.execute(_FINISH, columns)


def wake(session: Session, objects: Collection[str], now: datetime) -> int:
    """Events that waited for one of these objects are due, also given up; gives how many."""
    result = session.execute(_WAKE, {"objects": list(objects), "now": now})
    return int(result.rowcount)  # type: ignore[attr-defined]  # a DML result has it


def replay(session: Session, seqs: Sequence[int], now: datetime) -> None:
    """Make events due again, whatever became of them."""
    session.execute(_REPLAY, {"seqs": list(seqs), "now": now})


def advance_horizon(session: Session) -> None:
    """Let the next search for new events start later, as far as that is sound.

    In a transaction that wrote nothing before: its id must be younger than the number it notes.
    """
    last = session.execute(_LAST_NUMBER).scalar()
    session.execute(_ADVANCE_HORIZON, {"last": last})


def stored(
    session: Session, rail: str, account: str, event_id: str
) -> sa.Row[tuple[int, bytes, str | None]] | None:
    """The number, body and API version of an event that is kept."""
    return session.execute(_STORED, {"rail": rail, "account": account, "id": event_id}).first()


def find(session: Session, ids: Sequence[str]) -> Sequence[sa.Row[Any]]:
    """Events by our number or the rail's id: seq, status, and why one is kept apart if it is."""
    numbers = [int(i) for i in ids if i.isdigit() and len(i) < 19]
    return session.execute(_FIND, {"names": list(ids), "numbers": numbers}).all()


def find_since(
    session: Session,
    *,
    since: datetime | None,
    only_failed: bool,
    kind: str | None,
    status: str | None,
    limit: int,
) -> list[int]:
    """Numbers of events that fit, the oldest first."""
    given = {
        "since": since, "only_failed": only_failed, "type": kind, "status": status, "limit": limit,
    }  # fmt: skip
    return list(session.scalars(_FIND_SINCE, given))


def read_again(session: Session, seqs: Sequence[int]) -> list[Claimed]:
    """These events with what was said, the oldest first. Nobody is kept from them."""
    return [
        Claimed(**row._asdict() | {"body": bytes(row.body)}, is_new=False)
        for row in session.execute(_READ_AGAIN, {"seqs": list(seqs)})
    ]


def has_due(session: Session, now: datetime) -> bool:
    """Whether a worker has anything to apply."""
    return bool(session.execute(_HAS_DUE, {"now": now}).scalar())
