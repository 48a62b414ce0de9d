"""Timed jobs: one row for each (job, tick), so that several clocks fire each tick once.

A tick that was missed while no clock ran is made up once, at the next look. What it fires is a
turn, which is a row until a worker has ended it.
"""

import functools
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from reconciler import tally
from reconciler.errors import ReconcilerError, Unavailable
from reconciler.runtime import Runtime
from reconciler.services import ticks, turns
from reconciler.services.turns import Begun
from reconciler.work import Cause, Task, Work

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class TimedJob:
    """A task and how often it is to be woken."""

    name: str
    every: timedelta
    task: Task

    def tick(self, now: datetime) -> datetime:
        """The tick that `now` belongs to."""
        return _EPOCH + ((now - _EPOCH) // self.every) * self.every

    def due_at(self, taken: datetime | None, now: datetime) -> datetime:
        """When it is due after the tick that was `taken` last; past if a clock should be at it."""
        tick = self.tick(now)
        return tick + self.every if taken is not None and taken >= tick else tick


def fire_due(runtime: Runtime, schedule: Iterable[TimedJob]) -> list[str]:
    """Wake what is due; gives the names of the jobs that this clock fired."""
    cause = Cause("job", "clock")
    return [job.name for job in schedule if runtime.do(cause, functools.partial(_fire, job))]


def in_turn(runtime: Runtime, task: Task, flow: Callable[[Runtime], object]) -> None:
    """Do a task, and note what came of it on the turns that wait for it, if any do.

    What it raises is noted and raised.
    """
    cause = Cause("job", task.name.lower())
    begun = runtime.do(cause, functools.partial(turns.begin, task=task))
    if begun is None:
        flow(runtime)
        return
    for job in begun.again:
        tally.count("job_redo_total", job)
    try:
        flow(runtime)
    except Exception as error:
        _log.warning("turn.failed", turns=list(begun.ids), task=task.name)
        with suppress(Unavailable):  # then it is taken up again when its lease is over
            _end(runtime, cause, begun, _told(error))
        raise
    _end(runtime, cause, begun, None)


def _fire(job: TimedJob, work: Work) -> bool:
    if not ticks.take(work, job.name, job.tick(work.now)):
        return False
    turns.ask(work, job.name, job.task)
    return True


def _end(runtime: Runtime, cause: Cause, begun: Begun, error: str | None) -> None:
    runtime.do(cause, lambda work: turns.end(work, begun, error))


def _told(error: Exception) -> str:
    """Words of our own as they are; of anything else only the name: it may quote a payer."""
    if isinstance(error, ReconcilerError):
        return str(error)
    return f"{type(error).__name__}: the worker's log says more"
