"""Counting what the charts show: of each day's payments, and of all that is owed.

An hour is counted again whenever something about one of its payments was booked, and its day is
added up of its hours. So a refund or a match that comes months later changes the day on which the
money came, and nothing is added up blindly. Hours and days are in UTC, by when the rail says that a
payment was made.

It goes in rounds, and a round in pieces that are each over in a fraction of a second, however many
payments there are: events are applied between them. How far a round has come is a row, so whoever
is next goes on with it.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.store import customer_sums, ledger_totals, movement_sums, untied
from reconciler.store.holds import ARE_ON_HOLD
from reconciler.work import Work

# A transaction may commit a little after the instant that it wrote down.
OVERLAP = timedelta(minutes=5)
ENTRIES_AT_ONCE = 10_000
PAYMENTS_AT_ONCE = 10_000  # an hour with more of them is one piece all the same
HOURS_AT_ONCE = 24
LATE = (timedelta(minutes=1), timedelta(days=1), timedelta(days=7))

_LOCK = sa.text("select pg_advisory_xact_lock(hashtext('figures'))")
_ROUND = sa.text("select until, noted_to, piece from figure_round")
# The first round by the hour counts all hours, whatever was counted of days before.
_BEGIN = sa.text(
    """insert into figure_round (id, until, noted_to, piece)
    values (1, :now, coalesce((select counted_to - :overlap from figure_mark where is_by_hour),
      timestamptz '2000-01-01 00:00+00'), 0)"""
)
_NEXT_PIECE = sa.text("update figure_round set piece = piece + 1")
_SET_MARK = sa.text(
    """insert into figure_mark (id, counted_to, is_by_hour) select 1, until, true from figure_round
    on conflict (id) do update set counted_to = excluded.counted_to, is_by_hour = true"""
)
_END = sa.text("delete from figure_round")

_NOTE_TO = sa.text(
    f"""select least(r.until, (select e.at from journal_entry e where e.at > :noted_to
        order by e.at, e.id offset {ENTRIES_AT_ONCE} limit 1)) as until
    from figure_round r"""
)
_NOTE_HOURS = sa.text(
    """insert into figure_stale (hour)
    select distinct date_trunc('hour', p.occurred_at, 'UTC')
    from journal_entry e cross join lateral (
      select occurred_at from payment where id = e.payment_id offset 0) p
    where e.at > :noted_to and e.at <= :until order by 1
    on conflict do nothing"""
)
_SET_NOTED = sa.text("update figure_round set noted_to = :until")
_TAKE_HOURS = sa.text(
    f"""with first as (select hour from figure_stale order by hour limit {HOURS_AT_ONCE}),
    counted as (
      select hour, sum(n) over (order by hour) - n as before from first
      cross join lateral (select count(*) as n from (
        select from payment p
        where p.occurred_at >= first.hour and p.occurred_at < first.hour + interval '1 hour'
        limit {PAYMENTS_AT_ONCE}) few) c)
    delete from figure_stale s using counted c
    where s.hour = c.hour and c.before < {PAYMENTS_AT_ONCE} returning s.hour"""
)
_FORGET_HOURS = sa.text("delete from figure_hour where hour = any(:hours)")
# Each hour is looked up by itself, whatever PostgreSQL thinks of reading all payments at once.
_PAYMENTS = """unnest(cast(:hours as timestamptz[])) as h(hour) cross join lateral (
      select id, currency, captured, refunded, lost, fee_currency, fee, occurred_at, created_at
      from payment
      where occurred_at >= h.hour and occurred_at < h.hour + interval '1 hour' offset 0) p"""
_MONEY = sa.text(
    f"""insert into figure_hour (hour, kind, currency, amount, number)
    select h.hour, v.kind, v.currency, sum(v.amount), count(*)
    from {_PAYMENTS} cross join lateral (values
      ('taken', p.currency, p.captured), ('refunded', p.currency, p.refunded),
      ('lost', p.currency, p.lost), ('fees', p.fee_currency, p.fee)) v(kind, currency, amount)
    where v.amount <> 0 and v.currency is not null group by 1, 2, 3"""
)
# How long money waited for its invoice or deposit: nothing where the program knew at once when it
# heard of the payment, however late that was, and else from when the money came. It waits still
# where some of it is here and on nothing; one that went back whole waits for nobody.
_MATCHED = sa.text(
    f"""insert into figure_hour (hour, kind, currency, number)
    select h.hour, case when not m.stands then 'unmatched'
        when m.first - p.created_at <= :soon then 'matched_at_once'
        when m.first - p.occurred_at <= :day then 'matched_in_a_day'
        when m.first - p.occurred_at <= :week then 'matched_in_a_week'
        else 'matched_later' end, '', count(*)
    from {_PAYMENTS} left join lateral (
      select min(a.created_at) as first,
        p.captured <= p.refunded + p.lost or coalesce(bool_or(a.closed_at is null), false) as stands
      from allocation a where a.payment_id = p.id) m on true
    where p.captured > 0 and (m.first is not null or not m.stands)
    group by 1, 2"""
)
_FORGET_DAYS = sa.text("delete from figure where kind <> 'owed' and bucket = any(:buckets)")
_ADD_UP_DAYS = sa.text(
    """insert into figure (kind, bucket, currency, amount, number)
    select f.kind, d.day::date::text, f.currency, sum(f.amount), sum(f.number)
    from unnest(cast(:days as timestamptz[])) as d(day) join figure_hour f
      on f.hour >= d.day and f.hour < d.day + interval '1 day'
    group by 1, 2, 3"""
)
_FORGET_OWED = sa.text("delete from figure where kind = 'owed'")
# What nobody is asked to pay now gets no older: it is apart, whatever day it was due on.
_OWED = sa.text(
    f"""insert into figure (kind, bucket, currency, amount, number)
    select 'owed', case when {ARE_ON_HOLD} then 'on_hold'
        when :today <= due_on then 'not_due' when :today - due_on <= 30 then '1'
        when :today - due_on <= 60 then '31' when :today - due_on <= 90 then '61' else '91' end,
      currency, sum(outstanding), count(*)
    from invoice i where state = 'sent' and outstanding > 0 group by 2, 3"""
)


def go_on(work: Work) -> int | None:
    """Do the next piece of a round, the first of a new one if none is under way.

    Gives how many hours were counted in it; None when that round is over.
    """
    work.session.execute(_LOCK)
    under_way = work.session.execute(_ROUND).first()
    if under_way is None:
        work.session.execute(_BEGIN, {"now": work.now, "overlap": OVERLAP})
    at = under_way.piece if under_way else 0
    if at == len(_PIECES):
        work.session.execute(_SET_MARK)
        work.session.execute(_END)
        return None
    counted = _PIECES[at](work)
    if counted is None:
        work.session.execute(_NEXT_PIECE)
    return counted or 0


def _note_hours(work: Work) -> int | None:
    """Of which hours something was booked since they were counted; at first, all."""
    under_way = work.session.execute(_ROUND).one()
    until = work.session.execute(_NOTE_TO, {"noted_to": under_way.noted_to}).scalar_one()
    given = {"noted_to": under_way.noted_to, "until": until}
    work.session.execute(_NOTE_HOURS, given)
    work.session.execute(_SET_NOTED, given)
    return 0 if until < under_way.until else None


def _count_hours(work: Work) -> int | None:
    """Count some of these hours anew, the first of them first, and add up their days."""
    hours: Sequence[datetime] = sorted(work.session.scalars(_TAKE_HOURS))
    if not hours:
        return None
    soon, day, week = LATE
    work.session.execute(_FORGET_HOURS, {"hours": hours})
    work.session.execute(_MONEY, {"hours": hours})
    work.session.execute(_MATCHED, {"hours": hours, "soon": soon, "day": day, "week": week})
    days = sorted({hour.astimezone(UTC).replace(hour=0) for hour in hours})
    work.session.execute(_FORGET_DAYS, {"buckets": [str(one.date()) for one in days]})
    work.session.execute(_ADD_UP_DAYS, {"days": days})
    return len(hours)


def _count_owed(work: Work) -> None:
    """Count what is owed, by how long it has been due, and what of it is on hold."""
    work.session.execute(_FORGET_OWED)
    work.session.execute(_OWED, {"today": work.now.astimezone(UTC).date()})


def _add_up_ledger(work: Work) -> int | None:
    """Add to the days' totals of the accounts what was posted since."""
    return 0 if ledger_totals.add_up(work.session, work.now) else None


def _fold_movements(work: Work) -> None:
    """Put together what was kept of each rail's movements since."""
    movement_sums.fold(work.session)


def _whether(step: Callable[[Session], bool]) -> Callable[[Work], int | None]:
    """A piece that is done again while it says that there is more."""
    return lambda work: 0 if step(work.session) else None


# In this order: what is posted is taken off what moved only once it is in the days' totals.
_PIECES: Sequence[Callable[[Work], int | None]] = (
    _note_hours,
    _count_hours,
    _count_owed,
    _add_up_ledger,
    _whether(customer_sums.fold),
    _fold_movements,
    _whether(untied.add_moved),
    _whether(untied.add_posted),
    _whether(untied.fold),
)
