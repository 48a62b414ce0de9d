"""Timed jobs: one row for each (job, tick), so that several clocks fire each tick once.

A tick that was missed while no clock ran is made up once, at the next look.
"""

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from reconciler.runtime import Runtime
from reconciler.services import ticks
from reconciler.work import Cause, Task, Work

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TimedJob:
    """A task and how often it is to be woken."""

    name: str
    every: timedelta
    task: Task


def fire_due(runtime: Runtime, schedule: Iterable[TimedJob]) -> list[str]:
    """Wake what is due; gives the names of the jobs that this clock fired."""
    cause = Cause("job", "clock")
    return [job.name for job in schedule if runtime.do(cause, functools.partial(_fire, job))]


def _fire(job: TimedJob, work: Work) -> bool:
    tick = _EPOCH + ((work.now - _EPOCH) // job.every) * job.every
    if not ticks.take(work, job.name, tick):
        return False
    work.nudge(job.task)
    return True
