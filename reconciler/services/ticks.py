"""The rows that only one of several clocks can insert."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from reconciler.work import Work

_KEEP = timedelta(days=7)
_TAKE = sa.text(
    """insert into job_tick (job, tick, fired_at) values (:job, :tick, :now)
    on conflict do nothing returning job"""
)
_FORGET = sa.text("delete from job_tick where job = :job and tick < :before")


def take(work: Work, job: str, tick: datetime) -> bool:
    """Whether this clock is the one that fires this tick."""
    taken = work.session.execute(_TAKE, {"job": job, "tick": tick, "now": work.now}).first()
    if taken is None:
        return False
    work.session.execute(_FORGET, {"job": job, "before": tick - _KEEP})
    return True
