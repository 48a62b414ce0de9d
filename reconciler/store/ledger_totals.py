"""What was posted to each account on each day, added up beforehand.

Entries are never changed, so a total that is added up once stays right: the postings of entries
that were written since the mark are added to it, and the mark moves on. No entry is written as of
an instant before the mark, however late a machine's clock is. Dropping all of it loses nothing; a
law compares it with the postings.
"""

from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import Field, Session

from reconciler.store import base
from reconciler.store.base import SQLModel, date, datetime
from reconciler.store.ledger import POSTED_ON

# Entries of a transaction bear its first instant and show when it commits: the longest, which
# takes in a file of a hundred thousand rows, lasts some minutes.
SETTLED_AFTER = timedelta(minutes=15)
ENTRIES_AT_ONCE = 10_000  # a fraction of a second; those of one transaction are never parted

# Of entries `e` of a short time: each is looked up, whatever PostgreSQL thinks of reading them all.
ITS_POSTINGS = """lateral (
      select line, account_id, amount from posting where entry_id = e.id offset 0) p"""

# Totals by account, of what counts on a day up to `until` (None: whatever the day); asked with what
# `told` gives on the same snapshot. Only where it is told the mark does PostgreSQL know how few
# entries are newer; else it reads all of them.
TOTALS = f"""select account_id, sum(debit)::bigint as debit, sum(credit)::bigint as credit from (
    select account_id, debit, credit from ledger_day
      where cast(:until as date) is null or day <= :until
    union all
    select p.account_id, greatest(p.amount, 0), greatest(-p.amount, 0)
      from journal_entry e cross join {ITS_POSTINGS}
      where e.at > cast(:counted_to as timestamptz)
        and (cast(:until as date) is null or {POSTED_ON} <= :until)
  ) as t group by account_id"""

# The first instant as of which an entry may still be written; nothing while nothing is added up.
FIRST_FREE = "(select counted_to + interval '1 microsecond' from ledger_mark)"

_ADD = sa.text(
    f"""insert into ledger_day (account_id, day, debit, credit)
    select p.account_id, {POSTED_ON}, sum(greatest(p.amount, 0)), sum(greatest(-p.amount, 0))
    from journal_entry e cross join {ITS_POSTINGS}
    where e.at > :since and e.at <= :until group by 1, 2
    on conflict (account_id, day) do update
      set debit = ledger_day.debit + excluded.debit, credit = ledger_day.credit + excluded.credit"""
)
_MARK = sa.text("select counted_to from ledger_mark for update")
_MARK_READ = sa.text(
    """select coalesce((select counted_to from ledger_mark),
      timestamptz '2000-01-01 00:00+00')"""  # before any entry
)
_SET_MARK = sa.text(
    """insert into ledger_mark (id, counted_to) values (1, :until)
    on conflict (id) do update set counted_to = excluded.counted_to"""
)
# What `reconciler verify` asks: each total is what its postings come to.
LAW = f"""
    select format('account %s on %s: the total says %s and %s, the postings say %s and %s',
      account_id, day, sum(a), sum(b), sum(c), sum(d)) from (
      select account_id, day, debit as a, credit as b, 0::bigint as c, 0::bigint as d
        from ledger_day
      union all select p.account_id, {POSTED_ON}, 0, 0, greatest(p.amount, 0),
          greatest(-p.amount, 0)
        from journal_entry e join posting p on p.entry_id = e.id
        where e.at <= (select counted_to from ledger_mark)
    ) as both_sides group by account_id, day having sum(a) <> sum(c) or sum(b) <> sum(d)"""

_UNTIL = sa.text(
    f"""select e.at from journal_entry e where e.at > :since order by e.at, e.id
    offset {ENTRIES_AT_ONCE} limit 1"""
)
_FIRST = sa.text("select min(at) from journal_entry")
_LOCK = sa.text("select pg_advisory_xact_lock(hashtext('ledger_totals'))")


class LedgerDay(SQLModel, table=True):
    """Debits and credits of an account on one day, in minor units of its currency."""

    __tablename__ = "ledger_day"

    account_id: int = Field(
        sa_column=sa.Column(sa.Integer, sa.ForeignKey("ledger_account.id"), primary_key=True)
    )
    day: date = Field(sa_type=sa.Date, primary_key=True)
    debit: int = base.minor_units()
    credit: int = base.minor_units()


class LedgerMark(SQLModel, table=True):
    """Entries written up to this instant are in the totals, and none of a later one."""

    __tablename__ = "ledger_mark"
    __table_args__ = (base.holds("there_is_one_ledger_mark", "id = 1"),)

    id: int = Field(
        default=1, sa_column=sa.Column(sa.Integer, primary_key=True, autoincrement=False)
    )
    counted_to: datetime = base.instant()


def mark(session: Session) -> datetime:
    """Entries up to this instant are in the days' totals."""
    found: datetime = session.execute(_MARK_READ).scalar_one()
    return found


def told(session: Session, *, until: date | None = None) -> dict[str, object]:
    """What TOTALS is asked with."""
    return {"until": until, "counted_to": mark(session)}


def add_up(session: Session, now: datetime) -> bool:
    """Add what was written since the mark, some at a time; whether there is more."""
    session.execute(_LOCK)
    since = session.scalar(_MARK) or _before_all(session.scalar(_FIRST))
    settled = now - SETTLED_AFTER
    if since is None or since >= settled:
        return False
    until = min(settled, session.scalar(_UNTIL, {"since": since}) or settled)
    session.execute(_ADD, {"since": since, "until": until})
    session.execute(_SET_MARK, {"until": until})
    return until < settled


def _before_all(first: datetime | None) -> datetime | None:
    return first - timedelta(microseconds=1) if first else None
