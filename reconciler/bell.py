"""Threads that speak to Redis, so that no request waits for it.

Requests only say that there is work. One thread tells the queue at most once every few
milliseconds, however many requests came meanwhile, and once more after it went quiet, so that
an event that became visible late is not left to the sweep. Another tells what was counted.
"""

import threading

from reconciler.queue import Queue
from reconciler.work import Task

_PAUSE_SECONDS = 0.01
_LAST_SECONDS = 0.3
_TELLING_SECONDS = 5.0


class Bell:
    """Rings for workers in the background. Starts its thread at the first ring in a process."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._lock = threading.Lock()
        self._wanted: set[Task] = set()
        self._is_wanted = threading.Event()
        self._stop = threading.Event()  # never set: waiting for it is a pause
        self._thread: threading.Thread | None = None

    def ring(self, task: Task) -> None:
        """There is work. Returns at once."""
        if task not in self._wanted:
            self._wanted.add(task)
        if not self._is_wanted.is_set():
            self._is_wanted.set()
        if self._thread is None:
            self._start()

    def tell_of_what_is_counted(self) -> None:
        """From now on all processes hear every few seconds what this one counts."""
        threading.Thread(target=self._tell, name="teller", daemon=True).start()

    def _tell(self) -> None:
        while not self._stop.wait(_TELLING_SECONDS):
            self._queue.tell()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="bell", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        last: set[Task] = set()
        # Lives as long as its process, whose end ends it: a daemon thread.
        while self._wait(_LAST_SECONDS if last else None):
            wanted, self._wanted = self._wanted, set()
            self._queue.nudge(wanted or last)
            last = wanted
            self._stop.wait(_PAUSE_SECONDS)

    def _wait(self, seconds: float | None) -> bool:
        self._is_wanted.wait(seconds)
        self._is_wanted.clear()
        return True
