"""Which database these books live in, and what is done when they were restored from a backup."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.refunds import LOOKED_FOR_AGAIN
from reconciler.store import base, inbox_rows
from reconciler.store.base import SQLModel, datetime


class Installation(SQLModel, table=True):
    """The one row that says which PostgreSQL these books are in. A copy of it says so as well.

    `seen_at` is when the clock last looked: in a restored database, the backup's age.
    """

    __tablename__ = "installation"
    __table_args__ = (sa.Index("uq_installation_one", sa.text("(true)"), unique=True),)

    id: str = base.key()
    system_identifier: str = base.text()
    timeline: int = base.whole()
    database_oid: int = base.whole()
    seen_at: datetime = base.instant()


class Restore(SQLModel, table=True):
    """A time in which no money moves, because these books may have forgotten what was sent.

    The rail's events are read again from `reread_since` on, up to `read_until` so far, and its
    payments since then are asked for, in the order of their ids, up to `asked_up_to` so far. Two
    people let it go.
    """

    __tablename__ = "restore"
    __table_args__ = (
        sa.Index(
            "uq_restore_one_open",
            sa.text("(true)"),
            unique=True,
            postgresql_where=sa.text("released_at is null"),
        ),
        base.holds(
            "a_restore_is_released_by_two",
            "released_by is null or (accepted_by is not null and released_by <> accepted_by)",
        ),
    )

    id: str = base.key()
    noticed_at: datetime = base.instant()
    why: str = base.text()
    backup_at: datetime = base.instant()
    reread_since: datetime = base.instant()
    read_until: datetime = base.instant()
    is_read: bool = base.flag()
    asked_up_to: str | None = base.text_or_none()
    due_at: datetime | None = base.instant_or_none()
    failure: str | None = base.text_or_none()
    accepted_by: str | None = base.text_or_none()
    accepted_at: datetime | None = base.instant_or_none()
    released_by: str | None = base.text_or_none()
    released_at: datetime | None = base.instant_or_none()


@dataclass(frozen=True, slots=True)
class Progress:
    """How many legs of refunds and payments are to be looked at, and how many still are."""

    legs: int
    legs_left: int
    payments: int
    payments_left: int
    events_left: int

    @property
    def is_done(self) -> bool:
        """Whether everything was looked at, and what was read is in the books."""
        return not (self.legs_left or self.payments_left or self.events_left)


_PROGRESS = sa.text(
    f"""select
      (select count(*) from refund_leg l join payment p on p.id = l.payment_id
        where p.rail <> :by_hand and (l.status = any(:looked_for) or l.looked_at >= :noticed))
        as legs,
      (select count(*) from refund_leg l join payment p on p.id = l.payment_id
        where p.rail <> :by_hand and l.status = any(:looked_for)
          and (l.looked_at is null or l.looked_at < :noticed)) as legs_left,
      (select count(*) from payment where occurred_at >= :since and rail <> :by_hand) as payments,
      (select count(*) from payment where occurred_at >= :since and rail <> :by_hand
        and id > :asked_up_to) as payments_left,
      (select count(*) from inbox_event e where {inbox_rows.IS_NEW}) as events_left"""
)


def progress(session: Session, held: Restore) -> Progress:
    """How far looking at the rail again has come."""
    given = {
        "noticed": held.noticed_at,
        "since": held.reread_since,
        "asked_up_to": held.asked_up_to or "",
        "by_hand": MANUAL_RAIL,
        "looked_for": [status.value for status in LOOKED_FOR_AGAIN],
    }
    return Progress(*session.execute(_PROGRESS, given).one())
