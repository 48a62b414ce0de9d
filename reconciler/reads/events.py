"""What rails have sent, and what became of it. Never the headers: they hold signatures."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import texts
from reconciler.errors import NotFound
from reconciler.reads.pages import Listing, Order, Page, Wanted, in_order
from reconciler.store.inbox import EventStatus
from reconciler.timestamps import from_epoch

__all__ = ["EventRow", "EventStatus", "is_seq", "one", "page"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """A message from a rail. `payload` is what was signed, read as JSON."""

    id: str
    rail: str
    account: str
    rail_event_id: str
    type: str
    status: EventStatus
    attempts: int
    error: str | None
    note: str | None
    payment_id: str | None
    livemode: bool
    api_version: str | None
    created_at: datetime
    received_at: datetime
    due_at: datetime | None
    applied_at: datetime | None
    payload: Any


# Written out, not bound, so that the planner can see that a partial index answers it.
_BY_STATUS = {
    EventStatus.PENDING: """o.status = 'pending' or (o.seq is null and e.quarantine is null
        and e.seq > (select seq from inbox_horizon))""",
    EventStatus.QUARANTINED: "e.quarantine is not null",
    **{
        status: f"o.status = '{status.value}'"
        for status in (
            EventStatus.PARKED, EventStatus.APPLIED, EventStatus.IGNORED, EventStatus.FAILED,
        )
    },
}  # fmt: skip
LISTING = Listing(
    source="inbox_event e left join inbox_outcome o on o.seq = e.seq",
    order=Order(("e.seq",), ("bigint",)),
    conditions={
        **{
            f"is_{status.value}": f"(:is_{status.value}) and ({sql})"
            for status, sql in _BY_STATUS.items()
        },
        "rail": "e.rail = :rail",
        "type": "e.type = :type",
        "rail_event_id": "e.rail_event_id = :rail_event_id",
        "payment_id": "o.payment_id = :payment_id",
        "since": "e.received_at >= :since",
        "until": "e.received_at < :until",
    },
)
_EVENTS = sa.text(
    """select e.seq, e.rail, e.account, e.rail_event_id, e.type, e.livemode, e.api_version,
      e.created, e.received_at, e.body, e.quarantine, o.status, o.attempts, o.error, o.note,
      o.payment_id, o.due_at, o.applied_at
    from inbox_event e left join inbox_outcome o on o.seq = e.seq where e.seq = any(:seqs)"""
)
_NAMED = sa.text(
    """select seq from inbox_event where seq = :seq or rail_event_id = :name
    order by seq desc limit 1"""
)
_SEQ_DIGITS_MAX = 18


def page(session: Session, filters: Mapping[str, object], wanted: Wanted) -> Page[EventRow]:
    """Events, the last received first."""
    given = dict(filters)
    status = given.pop("status", None)
    if status is not None:
        given[f"is_{EventStatus(str(status)).value}"] = True
    ids, more = LISTING.keys(session, given, wanted)
    return Page(in_order(ids, _load(session, [int(seq) for seq in ids])), more)


def one(session: Session, event_id: str) -> EventRow:
    """One event, by our id or the rail's. Raises NotFound."""
    seq = int(event_id) if is_seq(event_id) else None
    found = session.execute(_NAMED, {"seq": seq, "name": event_id}).scalar()
    if found is None:
        raise NotFound(f"there is no event {event_id}")
    return _load(session, [found])[str(found)]


def is_seq(event_id: str) -> bool:
    """Whether it can be a number of ours at all."""
    return event_id.isascii() and event_id.isdigit() and len(event_id) <= _SEQ_DIGITS_MAX


def _load(session: Session, seqs: Collection[int]) -> dict[str, EventRow]:
    rows = session.execute(_EVENTS, {"seqs": list(seqs)})
    return {str(row.seq): _event(row) for row in rows}


def _event(row: sa.Row[tuple[object, ...]]) -> EventRow:
    unfinished = EventStatus.QUARANTINED if row.quarantine else EventStatus.PENDING
    same = (
        "rail", "account", "rail_event_id", "type", "livemode", "api_version", "error",
        "payment_id", "received_at", "due_at", "applied_at",
    )  # fmt: skip
    return EventRow(
        **{name: getattr(row, name) for name in same},
        id=str(row.seq),
        status=EventStatus(row.status) if row.status else unfinished,
        attempts=row.attempts or 0,
        note=row.note or row.quarantine,
        created_at=from_epoch(row.created),
        payload=texts.message(row.body),
    )
