"""The clock with a quick schedule; says each tick that it took. For test_clocks.py."""

import sys
from datetime import datetime, timedelta

from jobs import clock
from reconciler.flows.ticking import TimedJob
from reconciler.services import ticks
from reconciler.work import Task, Work

EVERY = timedelta(milliseconds=500)
PAUSE_SECONDS = 0.05

_take = ticks.take


def take(work: Work, job: str, tick: datetime) -> bool:
    """As ever, and say it."""
    is_ours = _take(work, job, tick)
    if is_ours:
        sys.stdout.write(f"took {job} {tick.isoformat()}\n")
        sys.stdout.flush()
    return is_ours


if __name__ == "__main__":
    ticks.take = take
    clock.SCHEDULE = (
        TimedJob("one", EVERY, Task.FIND_PAYMENTS),
        TimedJob("two", EVERY, Task.SUBMIT_REFUNDS),
    )
    clock._PAUSE_SECONDS = PAUSE_SECONDS
    clock.main()
