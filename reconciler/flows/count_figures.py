"""Figures of the charts and sums of what is kept, brought up to date a piece at a time.

The worker that does it also applies events: so it goes on for a moment, and then waits its turn
again behind whatever came meanwhile.
"""

import time

from reconciler.runtime import Runtime
from reconciler.services import figures
from reconciler.work import Cause, Task

CAUSE = Cause("job", "count_figures")
TURN_SECONDS = 0.3  # and the piece that was begun before they are over


def count_figures(runtime: Runtime) -> int:
    """Count all that changed since the last time, at first all; gives how many hours."""
    hours = 0
    while (counted := runtime.do(CAUSE, figures.go_on)) is not None:
        hours += counted
    return hours


def count_some(runtime: Runtime, seconds: float = TURN_SECONDS) -> bool:
    """The same for so long, at least a piece of it; whether there is more, for the next turn."""
    ends_at = time.monotonic() + seconds
    while runtime.do(CAUSE, figures.go_on) is not None:
        if time.monotonic() >= ends_at:
            runtime.queue.nudge([Task.COUNT_FIGURES])
            return True
    return False
