"""Counting what the charts show: of each day's payments, and of all that is owed.

A day is counted again whenever something about one of its payments was booked. So a refund or a
match that comes months later changes the day on which the money came, and nothing is added up
blindly. Days are in UTC, by when the rail says that a payment was made.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

import sqlalchemy as sa

from reconciler.store import customer_sums, ledger_totals, movement_sums
from reconciler.work import Work

# A transaction may commit a little after the instant that it wrote down.
OVERLAP = timedelta(minutes=5)
DAYS_AT_ONCE = 31
LATE = (timedelta(minutes=1), timedelta(days=1), timedelta(days=7))

_DAY = "(p.occurred_at at time zone 'UTC')::date"
_MARK = sa.text("select counted_to from figure_mark")
_SET_MARK = sa.text(
    """insert into figure_mark (id, counted_to) values (1, :now)
    on conflict (id) do update set counted_to = excluded.counted_to"""
)
_ALL_DAYS = sa.text(f"select distinct {_DAY} from payment p order by 1")
_CHANGED_DAYS = sa.text(
    f"""select distinct {_DAY} from journal_entry e join payment p on p.id = e.payment_id
    where e.at > :since order by 1"""
)
_LOCK = sa.text("select pg_advisory_xact_lock(hashtext('figures'))")
_FORGET_DAYS = sa.text("delete from figure where kind <> 'owed' and bucket = any(:buckets)")
_IN_DAYS = f"p.occurred_at >= :since and p.occurred_at < :until and {_DAY} = any(:days)"
_MONEY = sa.text(
    f"""insert into figure (kind, bucket, currency, amount, number)
    select v.kind, {_DAY}::text, v.currency, sum(v.amount), count(*)
    from payment p cross join lateral (values
      ('taken', p.currency, p.captured), ('refunded', p.currency, p.refunded),
      ('lost', p.currency, p.lost), ('fees', p.fee_currency, p.fee)) v(kind, currency, amount)
    where {_IN_DAYS} and v.amount <> 0 and v.currency is not null group by 1, 2, 3"""
)
# How long a payment waited for its invoice or deposit, from when it was heard of.
_MATCHED = sa.text(
    f"""insert into figure (kind, bucket, currency, number)
    select case when m.first is null then 'unmatched'
        when m.first - p.created_at <= :soon then 'matched_at_once'
        when m.first - p.created_at <= :day then 'matched_in_a_day'
        when m.first - p.created_at <= :week then 'matched_in_a_week'
        else 'matched_later' end, {_DAY}::text, '', count(*)
    from payment p left join lateral (
      select min(a.created_at) as first from allocation a where a.payment_id = p.id) m on true
    where {_IN_DAYS} and p.captured > 0
    group by 1, 2"""
)
_FORGET_OWED = sa.text("delete from figure where kind = 'owed'")
_OWED = sa.text(
    """insert into figure (kind, bucket, currency, amount, number)
    select 'owed', case when :today <= due_on then 'not_due' when :today - due_on <= 30 then '1'
        when :today - due_on <= 60 then '31' when :today - due_on <= 90 then '61' else '91' end,
      currency, sum(outstanding), count(*)
    from invoice where state = 'sent' and outstanding > 0 group by 2, 3"""
)


def stale_days(work: Work) -> list[date]:
    """The days of which something was booked since they were counted; at first, all."""
    counted_to: datetime | None = work.session.scalar(_MARK)
    if counted_to is None:
        return list(work.session.scalars(_ALL_DAYS))
    return list(work.session.scalars(_CHANGED_DAYS, {"since": counted_to - OVERLAP}))


def count_days(work: Work, days: Sequence[date]) -> None:
    """Count these days, in order and at most DAYS_AT_ONCE of them, anew."""
    assert 0 < len(days) <= DAYS_AT_ONCE, f"{len(days)} days at once"
    work.session.execute(_LOCK)
    work.session.execute(_FORGET_DAYS, {"buckets": [day.isoformat() for day in days]})
    midnights = [datetime.combine(day, time(), UTC) for day in (days[0], days[-1])]
    given = {"days": list(days), "since": midnights[0], "until": midnights[1] + timedelta(days=1)}
    soon, day, week = LATE
    work.session.execute(_MONEY, given)
    work.session.execute(_MATCHED, {**given, "soon": soon, "day": day, "week": week})


def count_owed(work: Work) -> None:
    """Count what is owed, by how long it has been due."""
    work.session.execute(_LOCK)
    work.session.execute(_FORGET_OWED)
    work.session.execute(_OWED, {"today": work.now.astimezone(UTC).date()})


def add_up_ledger(work: Work) -> bool:
    """Add to the days' totals of the accounts what was posted since; whether there may be more."""
    return ledger_totals.add_up(work.session, work.now, at_most=timedelta(days=DAYS_AT_ONCE))


def fold_customers(work: Work) -> bool:
    """Put together what was kept of each customer since; whether there may be more."""
    return customer_sums.fold(work.session)


def fold_movements(work: Work) -> None:
    """Put together what was kept of each rail's movements since."""
    movement_sums.fold(work.session)


def counted(work: Work, until: datetime) -> None:
    """All that was booked before an instant is in the figures."""
    work.session.execute(_SET_MARK, {"now": until})
