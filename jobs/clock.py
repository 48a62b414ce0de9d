"""The clock: fires timed jobs. Any number of clocks may run; each tick fires once.

The sweep has no row: it only rings again for work that is waiting in PostgreSQL, which does no
harm twice, and it is what makes a lost nudge, an emptied Redis or a dead worker cost seconds.
"""

import os
import signal
import socket
import threading

import structlog

from jobs.process import runtime
from reconciler.errors import Unavailable
from reconciler.flows.recover import sweep
from reconciler.flows.schedule import SCHEDULE
from reconciler.flows.ticking import fire_due

_PAUSE_SECONDS = 2.0

_log = structlog.get_logger()


def main() -> None:
    """Tick until told to stop."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    name = f"{socket.gethostname()}:{os.getpid()}"
    while not stop.wait(_PAUSE_SECONDS):
        runtime().queue.beat(name, runtime().now())
        try:
            sweep(runtime())
            fire_due(runtime(), SCHEDULE)
        except Unavailable:
            _log.warning("clock.waiting", why="the database is out of reach")
        runtime().queue.tell()


if __name__ == "__main__":
    main()
