"""Up to which day the books are closed: each closing and reopening is a row, never changed."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, Session

from reconciler.store import base
from reconciler.store.base import SQLModel, date, datetime
from reconciler.store.ledger import POSTED_ON


class BooksClosing(SQLModel, table=True):
    """From here on the books are closed `through` this day; none: all of them are open.

    `balances` are the accounts at the end of that day as they were then, and `entries` how many
    had been posted up to it: what `verify` holds the journal against.
    """

    __tablename__ = "books_closing"
    __table_args__ = (
        base.holds("books_close_at_a_day", "reopened or through is not null"),
        base.holds("a_reopening_says_why", "not reopened or why is not null"),
    )

    seq: int | None = Field(
        default=None,
        sa_column=sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True),
    )
    through: date | None = Field(default=None, sa_type=sa.Date, nullable=True)
    reopened: bool = base.flag()
    why: str | None = base.text_or_none()
    entries: int = base.whole()
    balances: list[dict[str, Any]] = Field(
        default_factory=list,
        sa_type=JSONB,
        nullable=False,
        sa_column_kwargs={"server_default": sa.text("'[]'")},
    )
    cause_kind: str = base.text()
    cause_id: str = base.text()
    at: datetime = base.instant()


_HOLD = sa.text("select pg_advisory_xact_lock(7201956)")  # as in migrations/sql/closed_periods.sql
_SHARE = sa.text("select first_open_day()")  # takes the lock that all who post share
_THROUGH = sa.text("select through from books_closing order by seq desc limit 1")
_ENTRIES = sa.text(f"select count(*) from journal_entry e where {POSTED_ON} <= :through")
_BALANCES = sa.text(
    f"""select a.role, a.rail, a.category, a.currency,
      coalesce(sum(p.amount) filter (where p.amount > 0), 0)::bigint as debit,
      coalesce(-sum(p.amount) filter (where p.amount < 0), 0)::bigint as credit
    from posting p join journal_entry e on e.id = p.entry_id
      join ledger_account a on a.id = p.account_id
    where {POSTED_ON} <= :through group by 1, 2, 3, 4
    order by 4, 1, 2, 3"""
)


def hold(session: Session) -> None:
    """Wait until nobody is posting; from here on nobody does until this transaction ends."""
    session.execute(_HOLD)


def closed_through(session: Session) -> date | None:
    """The last day that is closed, if any is."""
    found = session.execute(_THROUGH).scalar()
    assert found is None or isinstance(found, date), f"{found!r} is no day"
    return found


def closed_for_now(session: Session) -> date | None:
    """The same; nobody closes the books or opens them again until this transaction ends."""
    session.execute(_SHARE)
    return closed_through(session)


def standing(session: Session, through: date) -> tuple[int, list[dict[str, Any]]]:
    """How many entries count up to the end of a day, and what each account came to then."""
    entries = session.execute(_ENTRIES, {"through": through}).scalar_one()
    found = session.execute(_BALANCES, {"through": through})
    return int(entries), [row._asdict() for row in found]
