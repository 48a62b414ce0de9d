"""Turns of timed jobs: asked for once, begun by one worker, ended with what came of it.

A turn is a row until it is done, so that one whose nudge was lost, or whose worker died, is found
and taken up again. Work that a worker does for another nudge in between has no turn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session

from reconciler import ids
from reconciler.errors import Conflict
from reconciler.services import audit
from reconciler.work import Task, Work

LEASE = timedelta(minutes=2)  # a job is ended by its own limit well before
TRIES_MAX = 3  # then its workers died of it, and the next turn comes by itself
ERROR_CHARS_MAX = 500
KEEP = timedelta(days=7)

_ASK = sa.text(
    """insert into job_turn (id, job, task, asked_at, asked_by)
    values (:id, :job, :task, :now, :by)
    on conflict (job) where ended_at is null do nothing returning id"""
)
_BEGIN = sa.text(
    """update job_turn set begun_at = :now, lease_until = :until, tries = tries + 1
    where task = :task and ended_at is null and (lease_until is null or lease_until <= :now)
    returning id, job, tries"""
)
_END = sa.text(
    """update job_turn set ended_at = :now, lease_until = null, error = :error
    where id = any(:ids) and ended_at is null and begun_at = :begun"""
)
_GIVE_UP = sa.text(
    """update job_turn set ended_at = :now, lease_until = null, error = :error
    where job = :job and ended_at is null and tries >= :tries and lease_until <= :now"""
)
_FORGET = sa.text("delete from job_turn where job = :job and asked_at < :before")
_WAITING = sa.text(
    """select distinct task from job_turn
    where ended_at is null and (lease_until is null or lease_until <= :now)"""
)
_IS_BEGUN = sa.text(
    "select begun_at is not null from job_turn where job = :job and ended_at is null"
)
_DIED = f"the worker died at it {TRIES_MAX} times"


@dataclass(frozen=True, slots=True)
class Begun:
    """Turns that a worker has taken up, and of which jobs another had done so before."""

    ids: Sequence[str]
    at: datetime
    again: Sequence[str] = ()


def ask(work: Work, job: str, task: Task) -> None:
    """The clock wants a turn. One that waits or is under way is enough."""
    given = {"job": job, "now": work.now}
    work.session.execute(_GIVE_UP, {**given, "tries": TRIES_MAX, "error": _DIED})
    work.session.execute(_FORGET, {"job": job, "before": work.now - KEEP})
    _ask(work, job, task, by=None)


def ask_now(work: Work, job: str, task: Task) -> None:
    """A person wants a turn now. Raises Conflict while one waits or is under way."""
    if not _ask(work, job, task, by=work.cause.id):
        is_begun = work.session.scalar(_IS_BEGUN, {"job": job})
        raise Conflict(
            "a turn of it is under way" if is_begun else "a turn of it waits for a worker already"
        )
    audit.note(work, "job.asked", job)


def begin(work: Work, task: Task) -> Begun | None:
    """Take up what waits for this task, also what a worker that died has left; None if nothing."""
    given = {"task": task.value, "now": work.now, "until": work.now + LEASE}
    taken = list(work.session.execute(_BEGIN, given))
    again = [row.job for row in taken if row.tries > 1]
    return Begun([row.id for row in taken], work.now, again) if taken else None


def end(work: Work, begun: Begun, error: str | None) -> None:
    """It is over. A turn that another has taken up since is theirs to end."""
    said = None if error is None else error[:ERROR_CHARS_MAX]
    given = {"ids": list(begun.ids), "begun": begun.at, "now": work.now, "error": said}
    work.session.execute(_END, given)


def waiting(session: Session, now: datetime) -> list[Task]:
    """Tasks of turns that nobody is at."""
    known = {task.value: task for task in Task}
    return [known[name] for name in session.scalars(_WAITING, {"now": now}) if name in known]


def _ask(work: Work, job: str, task: Task, *, by: str | None) -> bool:
    given = {"id": ids.new_id("turn"), "job": job, "task": task.value, "now": work.now, "by": by}
    is_new = work.session.execute(_ASK, given).first() is not None
    work.nudge(task)
    return is_new
