"""Figures of the charts and totals of the accounts, brought up to date a month at a time."""

import functools

from reconciler.runtime import Runtime
from reconciler.services import figures
from reconciler.work import Cause

CAUSE = Cause("job", "count_figures")


def count_figures(runtime: Runtime) -> int:
    """Count what changed since the last time; gives how many days. At first it counts all."""
    now = runtime.now()
    days = runtime.do(CAUSE, figures.stale_days)
    for at in range(0, len(days), figures.DAYS_AT_ONCE):
        some = days[at : at + figures.DAYS_AT_ONCE]
        runtime.do(CAUSE, functools.partial(figures.count_days, days=some))
    runtime.do(CAUSE, figures.count_owed)
    while runtime.do(CAUSE, figures.add_up_ledger):
        pass
    while runtime.do(CAUSE, figures.fold_customers):
        pass
    runtime.do(CAUSE, figures.fold_movements)
    runtime.do(CAUSE, functools.partial(figures.counted, until=now))
    return len(days)
