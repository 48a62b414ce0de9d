"""What the screens show of the inbox: what rails have told us, and what became of it."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.store import inbox_rows

_STATUS = "coalesce(o.status, 'pending')"
_COLUMNS = f"""e.seq, e.rail, e.account, e.rail_event_id, e.type, e.livemode, e.api_version,
    e.about, e.created, e.received_at, {_STATUS} as status, coalesce(o.attempts, 0) as attempts,
    o.error, coalesce(o.note, e.quarantine) as note, o.payment_id, o.waits_for, o.due_at,
    o.applied_at"""
_FROM = "from inbox_event e left join inbox_outcome o on o.seq = e.seq"
_LATEST = sa.text(
    f"""select {_COLUMNS} {_FROM}
    where (cast(:before as bigint) is null or e.seq < :before)
      and (cast(:status as text) is null or {_STATUS} = :status)
      and (cast(:kind as text) is null or e.type = :kind)
      and (cast(:about as text) is null or e.about = :about or e.rail_event_id = :about
        or o.payment_id = :about)
    order by e.seq desc limit :limit"""
)
_ONE = sa.text(
    f"select {_COLUMNS}, e.body {_FROM} where e.rail_event_id = :id order by e.seq limit 1"
)
_RELATED = sa.text(
    f"""select {_COLUMNS} {_FROM} where e.about = :about and e.seq <> :seq
    order by e.created, e.seq limit 30"""
)
_COUNTS = sa.text(
    f"""select coalesce(o.status, 'pending') as status, count(*) as number
    from inbox_event e join inbox_outcome o on o.seq = e.seq
    where o.status in ('pending', 'parked', 'failed', 'quarantined') group by 1
    union all
    select 'pending', count(*) from inbox_event e where {inbox_rows.IS_NEW}"""
)


@dataclass(frozen=True, slots=True)
class EventLine:
    """An event as a list shows it."""

    seq: int
    rail: str
    account: str
    rail_event_id: str
    type: str
    livemode: bool
    api_version: str | None
    about: str | None
    created: int
    received_at: datetime
    status: str
    attempts: int
    error: str | None
    note: str | None
    payment_id: str | None
    waits_for: str | None
    due_at: datetime | None
    applied_at: datetime | None


@dataclass(frozen=True, slots=True)
class EventPage:
    """One event with what was signed."""

    line: EventLine
    body: bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events."""

    status: str | None = None
    kind: str | None = None
    about: str | None = None


def latest(session: Session, wanted: Wanted, *, before: int | None, limit: int) -> list[EventLine]:
    """Events, the newest first."""
    given = {
        "status": wanted.status, "kind": wanted.kind, "about": wanted.about, "before": before,
        "limit": limit,
    }  # fmt: skip
    return [EventLine(**row._asdict()) for row in session.execute(_LATEST, given)]


def event(session: Session, event_id: str) -> EventPage | None:
    """One event, by the rail's id of it."""
    row = session.execute(_ONE, {"id": event_id}).first()
    if row is None:
        return None
    columns = row._asdict()
    body = columns.pop("body")
    return EventPage(EventLine(**columns), bytes(body))


def related(session: Session, about: str, seq: int) -> list[EventLine]:
    """Other events about the same payment, in the rail's order."""
    rows = session.execute(_RELATED, {"about": about, "seq": seq})
    return [EventLine(**row._asdict()) for row in rows]


def unfinished(session: Session) -> dict[str, int]:
    """How many events are not done, by what they wait for."""
    found: dict[str, int] = {}
    for status, number in session.execute(_COUNTS):
        found[status] = found.get(status, 0) + number
    return found
