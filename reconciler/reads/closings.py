"""Up to which day the books are closed, who closed and opened them, and what came too late."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.reads import ledger
from reconciler.reads.ledger import EntryRow
from reconciler.reads.pages import Wanted
from reconciler.store import closings as store
from reconciler.work import Cause

ROWS_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingRow:
    """The books were closed `through` a day; or `reopened`, so that they are only through that one.

    `entries` counts what had been posted up to the end of that day.
    """

    through: date | None
    reopened: bool
    entries: int
    why: str | None
    cause: Cause
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedBooks:
    """Where the books stand: closed `through` a day, or open, and all that was done to that."""

    through: date | None
    first_open: date | None
    closings: list[ClosingRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToLookAt:
    """What of a period still waits before it is closed: nothing of it has to."""

    events: int
    questions: int


_CLOSINGS = sa.text(
    """select through, reopened, entries, why, cause_kind, cause_id, at from books_closing
    order by seq desc limit :limit"""
)
_WAITING = sa.text(
    """select
      (select count(*) from inbox_outcome o join inbox_event e on e.seq = o.seq
        where o.status in ('pending', 'parked', 'failed', 'quarantined')
          and e.received_at < :until) as events,
      (select count(*) from review_item where state = 'open' and opened_at < :until) as questions"""
)


def through(session: Session) -> date | None:
    """The last day that is closed, if any is."""
    return store.closed_through(session)


def books(session: Session) -> ClosedBooks:
    """Where the books stand, the newest deed first."""
    rows = session.execute(_CLOSINGS, {"limit": ROWS_MAX}).all()
    closed = rows[0].through if rows else None
    return ClosedBooks(
        through=closed,
        first_open=closed + timedelta(days=1) if closed else None,
        closings=[
            ClosingRow(
                through=row.through,
                reopened=row.reopened,
                entries=row.entries,
                why=row.why,
                cause=Cause(row.cause_kind, row.cause_id),
                at=row.at,
            )
            for row in rows
        ],
    )


def to_look_at(session: Session, until: datetime) -> ToLookAt:
    """What came in before an instant and is not settled."""
    return ToLookAt(**session.execute(_WAITING, {"until": until}).one()._asdict())


def late(session: Session, limit: int) -> list[EntryRow]:
    """The newest entries that happened on a closed day and count on a later one."""
    return ledger.page(session, {"is_late": True}, Wanted(limit=limit, cursor=None)).data
