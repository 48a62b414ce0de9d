"""Turns of timed jobs: the last ones, and how each ended."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session

_LATEST = sa.text(
    """select t.id, t.job, t.asked_at, t.asked_by, t.begun_at, t.lease_until, t.ended_at, t.tries,
      t.error
    from unnest(cast(:jobs as text[])) as j(job)
    cross join lateral (select * from job_turn where job = j.job
      order by asked_at desc, id desc limit :limit) t
    order by t.job, t.asked_at desc, t.id desc"""
)
_FAILED = sa.text(
    """select job, count(*) as n from job_turn
    where job = any(:jobs) and error is not null and asked_at > :since group by 1"""
)
_FIRED = sa.text(
    "select job, max(tick) as tick from job_tick where job = any(:jobs) group by 1"
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRow:
    """One turn. `asked_by` is a person, or None for the clock; `error` is why it failed.

    It waits until it is begun, and is over when it has ended. `lease_until` is when another worker
    takes it up, should the one that began it have died.
    """

    id: str
    job: str
    asked_at: datetime
    asked_by: str | None
    begun_at: datetime | None
    lease_until: datetime | None
    ended_at: datetime | None
    tries: int
    error: str | None

    @property
    def took(self) -> timedelta | None:
        """From the last beginning to the end; None while it is not over, or never began."""
        if self.begun_at is None or self.ended_at is None:
            return None
        return max(self.ended_at - self.begun_at, timedelta(0))


def latest(session: Session, jobs: Collection[str], limit: int) -> dict[str, list[TurnRow]]:
    """Up to `limit` turns of each job, the last asked for first."""
    found: dict[str, list[TurnRow]] = {job: [] for job in jobs}
    for row in session.execute(_LATEST, {"jobs": list(jobs), "limit": limit}):
        found[row.job].append(TurnRow(**row._mapping))  # noqa: SLF001  its public name
    return found


def failures(session: Session, jobs: Collection[str], since: datetime) -> dict[str, int]:
    """How many turns of each job failed since; those without any are left out."""
    rows = session.execute(_FAILED, {"jobs": list(jobs), "since": since})
    return {row.job: row.n for row in rows}


def fired(session: Session, jobs: Collection[str]) -> dict[str, datetime]:
    """The tick of each job that a clock took last."""
    return {row.job: row.tick for row in session.execute(_FIRED, {"jobs": list(jobs)})}
