"""What has not come to nothing yet at a rail, kept as differences to be added up.

Two kinds: `clearing`, by the payment, payout or movement that it is about, what the rail moved less
what clearing holds of it; and `suspense`, by the key of its entries without their last word, what
stands there. Most comes to nothing soon and leaves no row, so that a tie-out reads what differs and
what is new, however much there is.

Triggers write down which movements changed, in one row a statement (migrations/sql/untied.sql), and
`add_moved` takes them from there; `add_posted` adds what is in the totals of the days. Until then
both are read where they stand: what all of it comes to is true at every moment, and a law compares
it with all movements and postings.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, Session

from reconciler.store import base
from reconciler.store.base import SQLModel, datetime
from reconciler.store.ledger_totals import ITS_POSTINGS
from reconciler.store.movement_sums import IS_MOVEMENT

ROWS_MAX = 10_000  # entries, or rows, at once: a fraction of a second
BATCHES_MAX = 50  # at once: each is of a statement, which may have written hundreds

_WHOSE = "kind, rail, subject, currency"
# Of both kinds of accounts, with the sign that takes it off what is awaited.
_AS = """select a.role as kind,
      case a.role when 'clearing' then a.rail else split_part(e.key, '/', 1) end as rail,
      case a.role when 'clearing'
        then coalesce(e.payment_id, e.payout_id, split_part(e.key, '/', 3))
        else regexp_replace(e.key, '/[^/]*$', '') end as subject,
      a.currency, -p.amount as amount
    from journal_entry e"""
_ACCOUNTS = "ledger_account a on a.id = p.account_id and a.role in ('clearing', 'suspense')"
_POSTED = f"{_AS} join posting p on p.entry_id = e.id join {_ACCOUNTS}"
_NEWLY_POSTED = f"{_AS} cross join {ITS_POSTINGS} join {_ACCOUNTS}"

# Before any entry was written; where nothing is added up yet, all of them still are to be.
_BEGINNING = "timestamptz '2000-01-01 00:00+00'"
_MARK_IS = f"select coalesce((select counted_to from untied_mark), {_BEGINNING})"


def _kept(since: str) -> str:
    return f"""select {_WHOSE}, amount from untied
    union all
    select 'clearing', m.rail, n.subject, m.currency, n.amount
      from untied_batch m, unnest(m.subjects, m.amounts) as n(subject, amount)
    union all
    {_NEWLY_POSTED} where e.at > {since}"""


# Differences that are to be added up by whom they are about. `since` is what `mark` gives on the
# same snapshot: told beforehand, PostgreSQL knows how few entries are newer.
UNTIED = _kept("cast(:since as timestamptz)")

# The same from all that ever moved and was posted. A movement is its payment's, or its payout's,
# or stands for itself; so is what was booked for it.
_WHOLE = f"""select 'clearing' as kind, o.rail,
      coalesce(o.payment_id, w.id, o.object_id) as subject, o.currency, o.amount
    from rail_object o left join (
        select p.id, p.rail, p.account, row_id
        from payout p, jsonb_object_keys(coalesce(p.facts -> 'rows', '{{}}')) row_id) w
      on o.payment_id is null and w.rail = o.rail and w.account = o.account
        and w.row_id = o.object_id
    where {IS_MOVEMENT}
    union all
    {_POSTED}"""

# What `reconciler verify` asks: what is kept comes to what all of it comes to.
LAW = f"""
    select format('%s, %s of %s: %s %s is kept, all movements and postings come to %s', kind, rail,
      subject, sum(kept), currency, sum(found))
    from (select {_WHOSE}, amount as kept, 0::bigint as found from ({_kept(f"({_MARK_IS})")}) k
      union all select {_WHOSE}, 0, amount from ({_WHOLE}) w) b
    group by {_WHOSE} having sum(kept) <> sum(found)"""

_FOLD = sa.text(
    f"""with many as (
      select {_WHOSE} from untied group by {_WHOSE} having count(*) > 1 limit :half),
    few as (select u.id from many join untied u using ({_WHOSE}) limit :rows),
    gone as (delete from untied u using few s where u.id = s.id returning u.*),
    added as (
      insert into untied ({_WHOSE}, amount)
      select {_WHOSE}, sum(amount) from gone group by {_WHOSE} having sum(amount) <> 0)
    select count(*) from few"""
)
_ADD_MOVED = sa.text(
    f"""with few as (select id from untied_batch order by id limit :batches),
    gone as (delete from untied_batch m using few s where m.id = s.id returning m.*),
    added as (
      insert into untied ({_WHOSE}, amount)
      select 'clearing', g.rail, n.subject, g.currency, sum(n.amount)
      from gone g, unnest(g.subjects, g.amounts) as n(subject, amount)
      group by 1, 2, 3, 4 having sum(n.amount) <> 0)
    select count(*) from gone"""
)
_ADD_POSTED = sa.text(
    f"""insert into untied ({_WHOSE}, amount)
    select {_WHOSE}, sum(amount) from ({_NEWLY_POSTED} where e.at > :since and e.at <= :until) p
    group by {_WHOSE} having sum(amount) <> 0"""
)
# Not further than the totals of the days: no entry is written as of an instant before those.
_WINDOW = sa.text(
    """select l.counted_to as goal, least(l.counted_to, (
        select e.at from journal_entry e where e.at > :since order by e.at, e.id
        offset :rows limit 1)) as until
    from ledger_mark l where l.counted_to > :since"""
)
_SET_MARK = sa.text(
    """insert into untied_mark (id, counted_to) values (1, :until)
    on conflict (id) do update set counted_to = excluded.counted_to"""
)
_MARK = sa.text(_MARK_IS)
_LOCK = sa.text("select pg_advisory_xact_lock(hashtext('untied'))")


class Untied(SQLModel, table=True):
    """By how much what is not tied yet of one subject was changed, in minor units of `currency`."""

    __tablename__ = "untied"
    __table_args__ = (sa.Index("ix_untied_subject", "kind", "rail", "subject", "currency"),)

    id: int | None = Field(
        default=None, sa_column=sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    )
    kind: str = base.text()
    rail: str = base.text()
    subject: str = base.text()  # no reference: it may be of three tables, or a key
    currency: str = base.text()
    amount: int = base.minor_units()


class UntiedBatch(SQLModel, table=True):
    """Movements that one statement changed: by how much, and of whom they are.

    `amounts`, one for each of `subjects`, are in minor units of `currency`.
    """

    __tablename__ = "untied_batch"

    id: int | None = Field(
        default=None, sa_column=sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    )
    rail: str = base.text()
    currency: str = base.text()
    subjects: list[str] = base.texts()
    amounts: list[int] = Field(
        default_factory=list,
        sa_type=ARRAY(sa.BigInteger),
        nullable=False,
        sa_column_kwargs={"server_default": sa.text("'{}'")},
    )


class UntiedMark(SQLModel, table=True):
    """Entries written up to this instant are in the rows, and none of a later one."""

    __tablename__ = "untied_mark"
    __table_args__ = (base.holds("there_is_one_untied_mark", "id = 1"),)

    id: int = Field(
        default=1, sa_column=sa.Column(sa.Integer, primary_key=True, autoincrement=False)
    )
    counted_to: datetime = base.instant()


def mark(session: Session) -> datetime:
    """The `since` of UNTIED."""
    found: datetime = session.execute(_MARK).scalar_one()
    return found


def add_moved(session: Session) -> bool:
    """Add what moved since, some at a time; whether there is more."""
    session.execute(_LOCK)
    return bool(session.scalar(_ADD_MOVED, {"batches": BATCHES_MAX}) == BATCHES_MAX)


def add_posted(session: Session) -> bool:
    """Add what was posted since the mark, some at a time; whether there is more."""
    session.execute(_LOCK)
    since = mark(session)
    window = session.execute(_WINDOW, {"since": since, "rows": ROWS_MAX}).first()
    if window is None:
        return False
    session.execute(_ADD_POSTED, {"since": since, "until": window.until})
    session.execute(_SET_MARK, {"until": window.until})
    return bool(window.until < window.goal)


def fold(session: Session) -> bool:
    """Put together what is of one subject, and drop what came to nothing; whether there is more."""
    session.execute(_LOCK)
    return bool(session.scalar(_FOLD, {"rows": ROWS_MAX, "half": ROWS_MAX // 2}) == ROWS_MAX)
