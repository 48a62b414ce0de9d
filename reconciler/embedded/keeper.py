"""Runs one embedded server for as long as anybody holds it, and starts it again if it dies.

    python -m reconciler.embedded.keeper postgres|redis DATA_DIR [--hasty]

Nobody calls this by hand: client.py starts it. A second keeper of the same server ends at once.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Protocol

from reconciler.embedded.folder import Folder, Lock
from reconciler.embedded.postgres import Postgres
from reconciler.embedded.redis import Redis

LOOK_AGAIN_SECONDS = 0.1
DELAY_SECONDS_MIN, DELAY_SECONDS_MAX = 0.2, 10.0
ALIVE_SECONDS = 30.0  # who lived this long did not fail to start
STOP_SECONDS_MAX = 30.0
OWN_TRIES_MAX = 10
PR_SET_PDEATHSIG = 1


class Server(Protocol):
    """What the keeper must know of a server."""

    stop_signal: signal.Signals

    def prepare(self, failures: int) -> None:
        """Whatever must be so before a start, after so many starts in a row that failed."""
        ...

    def command(self) -> list[str]:
        """The server in the foreground."""
        ...

    def urls(self) -> dict[str, str]:
        """How to reach it."""
        ...

    def furnish(self) -> bool:
        """What must be so before anybody uses it. False while it is not ready."""
        ...

    def leave(self) -> None:
        """Take away what a stopped server leaves outside its folder."""
        ...


class Keeper:
    """Keeps one server running until nobody holds it."""

    def __init__(self, folder: Folder, server: Server) -> None:
        self._folder = folder
        self._server = server
        self._users = folder.users()
        self._told_to_stop = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_published = False
        self._failures = 0
        self._started_at = 0.0

    def run(self) -> None:
        """Until the last holder is gone, or somebody says stop."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self._told_to_stop.set())
        self._folder.unpublish()  # it speaks of a server that is gone
        try:
            # From here to the end of this process the lock is ours alone: newcomers wait for it,
            # and then start a keeper of their own.
            while not self._users.try_alone() and not self._told_to_stop.is_set():
                self._look()
                self._told_to_stop.wait(LOOK_AGAIN_SECONDS)
        finally:
            self._folder.unpublish()
            self._stop()
            self._server.leave()

    def _look(self) -> None:
        if self._process is None:
            if time.monotonic() >= self._started_at + self._delay():
                self._start()
        elif self._process.poll() is not None:
            self._note_death(self._process)
        elif not self._is_published and self._server.furnish():
            self._folder.publish(self._server.urls())
            self._is_published = True

    def _delay(self) -> float:
        if not self._failures:
            return 0.0
        return min(DELAY_SECONDS_MAX, DELAY_SECONDS_MIN * 2.0 ** min(self._failures - 1, 10))

    def _start(self) -> None:
        self._server.prepare(self._failures)
        self._started_at = time.monotonic()
        self._process = subprocess.Popen(
            self._server.command(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_DeathSignal(self._server.stop_signal),  # noqa: PLW1509  # one thread
        )

    def _note_death(self, process: subprocess.Popen[bytes]) -> None:
        alive = time.monotonic() - self._started_at
        self._failures = 1 if alive > ALIVE_SECONDS else self._failures + 1
        sys.stderr.write(f"{self._folder.kind} ended ({process.returncode}), starting it again\n")
        self._process = None
        self._is_published = False

    def _stop(self) -> None:
        if self._process is None:
            return
        for number in (self._server.stop_signal, signal.SIGQUIT, signal.SIGKILL):
            if self._process.poll() is None:
                self._process.send_signal(number)
            try:
                self._process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                continue
            return


class _DeathSignal:
    """Run in the child before it becomes the server: a keeper that is killed takes it along."""

    def __init__(self, number: signal.Signals) -> None:
        self._number = number
        self._parent = os.getpid()
        self._libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def __call__(self) -> None:
        if self._libc is not None:
            self._libc.prctl(PR_SET_PDEATHSIG, self._number.value)
        if os.getppid() != self._parent:
            os._exit(1)


def _is_ours(lock: Lock) -> bool:
    # Those who look whether there is a keeper hold the lock for an instant: so, not one try only.
    for _ in range(OWN_TRIES_MAX):
        if lock.try_alone():
            return True
        time.sleep(LOOK_AGAIN_SECONDS)
    return False


def main(arguments: list[str]) -> int:
    """Keep the server that the arguments name. Ends at once if it has a keeper."""
    kind, data_dir, *rest = arguments
    folder = Folder.of(Path(data_dir), kind)
    lock = folder.keeper()
    if not _is_ours(lock):
        return 0
    server: Server = Postgres(folder, durable=not rest) if kind == "postgres" else Redis(folder)
    Keeper(folder, server).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
