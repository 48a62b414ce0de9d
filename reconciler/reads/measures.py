"""Whether money clears, news are booked in time, and everything is here: three measures.

And how fresh the proof of that is. Numbers for a monitor, as in gauges.py.
"""

import math
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.measures import overdue_since
from reconciler.reads import reconciliation
from reconciler.reads.gauges import Gauge
from reconciler.store import refund_laws
from reconciler.store.laws import counted_at_once

TOLD_WITHIN = timedelta(minutes=30)  # by then the rail was asked several times
LATEST = 1_000  # events over which the lag is taken
SHARES = (0.5, 0.99)
A_DAY = timedelta(days=1)

# What was to be at the bank; payouts that are not final are few, however many there were.
_OVERDUE = sa.text(
    """select currency, coalesce(sum(amount) filter (
        where status in ('pending', 'in_transit') and arrival_at < :since), 0)::bigint as amount
    from payout where currency is not null group by 1 order by 1"""
)
_LAG = sa.text(
    """select percentile_disc(cast(:shares as float8[])) within group (
        order by extract(epoch from o.applied_at - e.received_at)) as seconds
    from (select seq, received_at from inbox_event order by seq desc limit :latest) e
    join inbox_outcome o on o.seq = e.seq and o.applied_at is not null"""
)
_UNTOLD = sa.text(
    """select 'payment' as what, count(*) as n from payment
      where fetch_due_at is not null and created_at < :before
    union all select 'payout', count(*) from payout
      where fetch_due_at is not null and created_at < :before
    union all select 'event', count(*) from inbox_outcome o join inbox_event e on e.seq = o.seq
      where o.status = 'parked' and e.received_at < :before
    union all select 'object', count(*) from review_item
      where kind = 'drift' and state = 'open' and details ->> 'difference' = 'missing_here'"""
)
_BREAKS = sa.text(
    """select coalesce(details ->> 'difference', 'unknown') as reason, count(*) as n
    from review_item where kind = 'drift' and state = 'open' group by 1 order by 1"""
)
_HEALED = sa.text(
    "select rail, sum(healed)::bigint as n from reconciliation_run group by 1 order by 1"
)
_HELD_IN = sa.text(
    "select rail, currency from ledger_account where role = 'clearing' order by rail, currency"
)
_TURNS = sa.text(
    """select job, count(*) filter (where error is not null and asked_at > :since) as failed,
      min(asked_at) filter (where ended_at is null) as waits,
      (array_agg(ended_at - begun_at order by ended_at desc)
        filter (where ended_at is not null and begun_at is not null))[1] as took
    from job_turn group by job order by job"""
)
_BROKEN = counted_at_once(refund_laws.QUERIES)
_TICKS = sa.text("select job, max(fired_at) as at from job_tick group by job order by job")


def measures(session: Session, now: datetime) -> list[Gauge]:
    """Clearing, timeliness, completeness, and how fresh the proof is."""
    return [
        *_clearing(session, now),
        *_timeliness(session),
        *_completeness(session, now),
        *_runs(session, now),
        *(
            Gauge(
                "job_last_seconds",
                "Since a timed job was begun last.",
                _age(row.at, now),
                (("job", row.job),),
            )
            for row in session.execute(_TICKS)
        ),
        *_turns(session, now),
        *(
            Gauge(
                "refund_law_broken",
                "Cases in which a law about refunds that is watched while sending does not hold.",
                row.broken,
                (("law", row.law),),
            )
            for row in session.execute(_BROKEN)
        ),
    ]


def _turns(session: Session, now: datetime) -> list[Gauge]:
    found = []
    for row in session.execute(_TURNS, {"since": now - A_DAY}):
        took = row.took.total_seconds() if row.took is not None else 0
        for name, text, value in (
            ("job_failed", "Turns of a timed job that failed in the last day.", row.failed),
            ("job_took_seconds", "How long its last turn took; rounded up.", math.ceil(took)),
            (
                "job_open_seconds",
                "Since a turn of it was asked for that is not over.",
                _age(row.waits, now) if row.waits else 0,
            ),
        ):
            found.append(Gauge(name, text, value, (("job", row.job),)))
    return found


def _clearing(session: Session, now: datetime) -> list[Gauge]:
    return [
        Gauge(
            "clearing_overdue_minor",
            "Payouts in transit five business days after they should have arrived.",
            row.amount,
            (("currency", row.currency),),
        )
        for row in session.execute(_OVERDUE, {"since": overdue_since(now)})
    ]


def _timeliness(session: Session) -> list[Gauge]:
    found = session.scalar(_LAG, {"shares": list(SHARES), "latest": LATEST}) or [0] * len(SHARES)
    return [
        Gauge(
            "apply_lag_seconds",
            "From an event's receipt to the books, over the latest thousand; rounded up.",
            max(0, math.ceil(seconds)),
            (("share", str(share)),),
        )
        for share, seconds in zip(SHARES, found, strict=True)
    ]


def _completeness(session: Session, now: datetime) -> list[Gauge]:
    untold = [
        Gauge(
            "completeness_missing_facts",
            "Known to be at the rail, and half an hour on not told of in full.",
            row.n,
            (("of", row.what),),
        )
        for row in session.execute(_UNTOLD, {"before": now - TOLD_WITHIN})
    ]
    ages = [
        Gauge(
            "recon_last_complete_age_seconds",
            "Up to how long ago nothing of a kind is missing.",
            _age(one.until, now),
            (("rail", one.rail), ("kind", one.kind)),
        )
        for one in reconciliation.complete(session)
    ]
    return untold + ages


def _runs(session: Session, now: datetime) -> list[Gauge]:
    last = {one.rail: one for one in reconciliation.drifts(session)}
    drifts = [
        Gauge(
            "recon_drift_minor",
            "The rail's balance less its movements here when the last run was over.",
            last[row.rail].drift.get(row.currency, 0),
            (("rail", row.rail), ("currency", row.currency)),
        )
        for row in session.execute(_HELD_IN)
        if row.rail in last
    ]
    fresh = [
        Gauge(
            "recon_last_run_seconds", "Since a run was over.", _age(one.at, now), (("rail", rail),)
        )
        for rail, one in last.items()
    ]
    breaks = [
        Gauge("recon_breaks_open", "Left by runs for a person.", row.n, (("reason", row.reason),))
        for row in session.execute(_BREAKS)
    ]
    healed = [
        Gauge("recon_healed_total", "Put right by all runs so far.", row.n, (("rail", row.rail),))
        for row in session.execute(_HEALED)
    ]
    return drifts + fresh + breaks + healed


def _age(at: datetime, now: datetime) -> int:
    return max(0, int((now - at).total_seconds()))
