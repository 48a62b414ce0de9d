"""A worker or the clock with a time that a test sets: `python -m tests.chaos.leaping FILE clock`.

The file holds by how many seconds that time is ahead of the real one. Nothing is timed but the
sweep, so that no run of comparing heals what is to be found out by looking.
"""

import mmap
import struct
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jobs import clock, worker
from reconciler import runtime

SWEEP_SECONDS = 0.1
_DOUBLE = struct.Struct("d")


class Ahead:
    """How far ahead the time is; one number in a file, seen at once by every process."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(_DOUBLE.pack(0.0))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _DOUBLE.size)

    @property
    def seconds(self) -> float:
        """Seconds ahead of the real time."""
        found: float = _DOUBLE.unpack(self._memory[:])[0]
        return found

    def leap(self, seconds: float) -> None:
        """From now on it is so much later."""
        self._memory[:] = _DOUBLE.pack(self.seconds + seconds)

    def now(self) -> datetime:
        """This instant, as those processes see it."""
        return datetime.now(UTC) + timedelta(seconds=self.seconds)


def main(path: str, what: str) -> None:
    """Be a clock, or a worker on the queue of that name."""
    runtime.system_clock = Ahead(Path(path)).now
    if what == "clock":
        clock.SCHEDULE = ()
        clock._PAUSE_SECONDS = SWEEP_SECONDS
        run: Callable[[], None] = clock.main
        run()
    else:
        worker.main(what)


if __name__ == "__main__":
    main(*sys.argv[1:])
