"""What the screens show of the inbox: what rails have told us, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import texts
from reconciler.store import inbox_rows
from reconciler.store.inbox import EventStatus

# A page waits for it: three kilobytes each are read and taken apart.
SEARCHED_MAX = 5_000
SEARCHED_AT_ONCE = 500

_STATUS = "coalesce(o.status, 'pending')"
_COLUMNS = f"""e.seq, e.rail, e.account, e.rail_event_id, e.type, e.livemode, e.api_version,
    e.about, e.created, e.received_at, {_STATUS} as status, coalesce(o.attempts, 0) as attempts,
    o.error, coalesce(o.note, e.quarantine) as note, o.payment_id, o.waits_for, o.due_at,
    o.applied_at"""
_FROM = "from inbox_event e left join inbox_outcome o on o.seq = e.seq"
# What is not asked for does not stand in the statement, and a status is written out, not bound: so
# what few events are is found by its index.
_ASKED = {
    "before": "e.seq < :before",
    "kind": "e.type = :kind",
    "about": """e.seq in (select seq from inbox_event where about = :about
      union all select seq from inbox_event where rail_event_id = :about
      union all select seq from inbox_outcome where payment_id = :about)""",
}
_WITH_STATUS = {status.value: f"o.status = '{status.value}'" for status in EventStatus}
_WITH_STATUS["pending"] = f"""e.seq in (select seq from inbox_outcome where status = 'pending'
    union all select e.seq from inbox_event e where {inbox_rows.IS_NEW}
    union all select q.seq from inbox_event q where q.quarantine is not null
      and not exists (select 1 from inbox_outcome o where o.seq = q.seq))"""
_ONE = sa.text(
    f"select {_COLUMNS}, e.body {_FROM} where e.rail_event_id = :id order by e.seq limit 1"
)
_RELATED = sa.text(
    f"""select {_COLUMNS} {_FROM} where e.about = :about and e.seq <> :seq
    order by e.created, e.seq limit 30"""
)
_TROUBLES = sa.text(
    """select e.type, o.error, o.status, count(*) as number, min(e.received_at) as first_at,
      max(e.received_at) as last_at, min(e.rail_event_id) as example
    from inbox_outcome o join inbox_event e on e.seq = o.seq
    where o.status in ('failed', 'quarantined') or (o.status = 'pending' and o.error is not null)
    group by 1, 2, 3 order by 4 desc, 1 limit 30"""
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


@dataclass(frozen=True, slots=True)
class Search:
    """What a look into messages found; `reached` is where it stopped, if there are more."""

    lines: list[EventLine]
    looked_at: int
    reached: EventLine | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Events of one type with which the same is the matter."""

    type: str
    error: str | None
    status: str
    number: int
    first_at: datetime
    last_at: datetime
    example: str


def latest(session: Session, wanted: Wanted, *, before: int | None, limit: int) -> list[EventLine]:
    """Events, the newest first."""
    rows = _rows(session, wanted, _COLUMNS, before=before, limit=limit)
    return [EventLine(**row._asdict()) for row in rows]


def _rows(
    session: Session, wanted: Wanted, columns: str, *, before: int | None, limit: int
) -> Sequence[sa.Row[Any]]:
    given = {"before": before, "kind": wanted.kind, "about": wanted.about}
    clauses = [text for name, text in _ASKED.items() if given[name] is not None]
    if wanted.status is not None:
        clauses.append(_WITH_STATUS[wanted.status])
    asked = sa.text(
        f"""select {columns} {_FROM} where {" and ".join(clauses) or "true"}
        order by e.seq desc limit :limit"""
    )
    return session.execute(asked, {**given, "limit": limit}).all()


def holding(
    session: Session, wanted: Wanted, parts: object, *, before: int | None, limit: int
) -> Search:
    """Events whose message holds these parts: of the newest SEARCHED_MAX that fit otherwise.

    An object is held by one that has its members, and maybe more; a list by one that has its
    items in whatever order; a text by a message in which it stands anywhere.
    """
    sought = replace(wanted, about=None)
    needle = parts.encode() if isinstance(parts, str) else None
    found: list[EventLine] = []
    last: EventLine | None = None
    looked_at = 0
    while looked_at < SEARCHED_MAX and len(found) < limit:
        rows = _rows(session, sought, f"{_COLUMNS}, e.body", before=before, limit=SEARCHED_AT_ONCE)
        for row in rows:
            columns = row._asdict()
            body = bytes(columns.pop("body"))
            last = EventLine(**columns)
            looked_at += 1
            is_held = needle in body if needle else texts.holds(texts.message(body), parts)
            if is_held:
                found.append(last)
                if len(found) == limit:
                    break
        if len(rows) < SEARCHED_AT_ONCE:
            return Search(found, looked_at, last if len(found) == limit else None)
        before = last.seq if last else None
    return Search(found, looked_at, last)


def troubles(session: Session) -> list[Trouble]:
    """What could not be applied, grouped by type and error: the most frequent first."""
    return [Trouble(**row._asdict()) for row in session.execute(_TROUBLES)]


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
