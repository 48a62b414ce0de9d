"""Starts several commands, starts again what dies, and takes all of them down together.

Each command leads a process group of its own. A child learns of our death from the kernel, so
that `kill -9` on us leaves nothing running; a group whose leader died is swept before its next
start, so that no orphan keeps a port.
"""

import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import TextIO

DELAY_SECONDS_MIN, DELAY_SECONDS_MAX = 0.2, 10.0
ALIVE_SECONDS = 30.0  # who lived this long starts again without a growing delay
STOP_SECONDS_MAX = 25.0  # a worker ends its job first
TURN_SECONDS = 0.2
TICK_SECONDS = 1.0
READ_BYTES_MAX = 65_536
READS_AFTER_DEATH = 4  # more than a pipe holds, and its end
LINE_BYTES_MAX = 1 << 20  # a line without an end is shown in pieces
PR_SET_PDEATHSIG = 1
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. `once`: its end is its own affair, and it is not started again."""

    name: str
    arguments: Sequence[str]
    environ: Mapping[str, str]
    once: bool = False


@dataclass(slots=True)
class _Child:
    command: Command
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    delay: float = DELAY_SECONDS_MIN
    pending: bytes = field(default=b"")


class Supervisor:
    """Runs commands until it is told to stop. Must be used from the main thread.

    `each_second` is called about once a second while all is running; it must be quick.
    """

    def __init__(
        self,
        commands: Sequence[Command],
        *,
        out: TextIO = sys.stdout,
        each_second: Callable[[], None] = lambda: None,
        stop_seconds: float = STOP_SECONDS_MAX,
    ) -> None:
        self._children = [_Child(command) for command in commands]
        self._out = out
        self._each_second = each_second
        self._stop_seconds = stop_seconds
        self._selector = selectors.DefaultSelector()
        self._stop_requests = 0
        self._next_tick = 0.0
        self._width = max([len(c.name) for c in commands], default=0)

    def add(self, command: Command) -> None:
        """Run one more from the next turn on."""
        self._children.append(_Child(command))
        self._width = max(self._width, len(command.name))

    def stop(self) -> None:
        """End the run at its next turn; said twice, without waiting for anybody."""
        self._stop_requests += 1

    def run(self) -> None:
        """Until SIGTERM, SIGINT, SIGHUP or `stop`. When it returns, every child is gone."""
        with self._signals():
            try:
                while not self._stop_requests:
                    self._turn()
            finally:
                self._take_down()
                self._selector.close()

    def pids(self) -> dict[str, int]:
        """Who runs now, by name."""
        return {c.command.name: c.process.pid for c in self._children if c.process is not None}

    def _turn(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.process is None and now >= child.start_at:
                self._start(child, now)
        self._copy_output(TURN_SECONDS)
        self._reap()
        if now >= self._next_tick:
            self._next_tick = now + TICK_SECONDS
            self._each_second()

    def _start(self, child: _Child, now: float) -> None:
        child.started_at = now
        try:
            process = subprocess.Popen(
                child.command.arguments,
                env=dict(child.command.environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_DieWithParent(),  # noqa: PLW1509  # this program has one thread
            )
        except OSError as problem:
            self._say(child, f"cannot start: {problem}")
            self._plan_next_start(child, now)
            return
        assert process.stdout is not None, "asked for just above"
        os.set_blocking(process.stdout.fileno(), False)
        self._selector.register(process.stdout, selectors.EVENT_READ, child)
        child.process = process

    def _reap(self) -> None:
        for child in list(self._children):
            if child.process is not None and child.process.poll() is not None:
                self._bury(child, child.process)
                if child.command.once:
                    self._children.remove(child)

    def _bury(self, child: _Child, process: subprocess.Popen[bytes]) -> None:
        _signal_group(process, signal.SIGKILL)  # what it left behind
        for _ in range(READS_AFTER_DEATH):
            self._read(child)
        self._forget_output(process)
        child.process = None
        if self._stop_requests or (child.command.once and not process.returncode):
            return
        now = time.monotonic()
        again = "" if child.command.once else ", starting it again"
        self._say(child, f"ended with {process.returncode}{again}")
        if now - child.started_at > ALIVE_SECONDS:
            child.delay = DELAY_SECONDS_MIN
        self._plan_next_start(child, now)

    def _plan_next_start(self, child: _Child, now: float) -> None:
        child.start_at = now + child.delay
        child.delay = min(child.delay * 2, DELAY_SECONDS_MAX)

    def _take_down(self) -> None:
        for child in self._children:
            if child.process is not None:
                with suppress(ProcessLookupError):
                    child.process.terminate()
        deadline = time.monotonic() + self._stop_seconds
        while self.pids() and time.monotonic() < deadline and self._stop_requests < 2:
            self._copy_output(TURN_SECONDS / 4)
            self._reap()
        for child in self._children:
            if child.process is not None:
                _signal_group(child.process, signal.SIGKILL)
                child.process.wait()
                self._bury(child, child.process)

    def _copy_output(self, wait_seconds: float) -> None:
        if not self._selector.get_map():
            time.sleep(wait_seconds)
            return
        for key, _ in self._selector.select(wait_seconds):
            self._read(key.data)

    def _read(self, child: _Child) -> None:
        assert child.process is not None, "output comes from a process"
        assert child.process.stdout is not None, "it has a pipe"
        if child.process.stdout.closed:
            return
        try:
            chunk = os.read(child.process.stdout.fileno(), READ_BYTES_MAX)
        except BlockingIOError:
            return
        if not chunk:
            self._forget_output(child.process)
        *lines, rest = (child.pending + chunk).split(b"\n")
        if rest and (not chunk or len(rest) > LINE_BYTES_MAX):
            lines, rest = [*lines, rest], b""
        child.pending = rest
        for line in lines:
            self._say(child, line.decode(errors="replace"))

    def _forget_output(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdout is not None and not process.stdout.closed:
            self._selector.unregister(process.stdout)
            process.stdout.close()

    def _say(self, child: _Child, line: str) -> None:
        # The terminal may be gone (SIGHUP, a closed pipe); the work is not for it alone.
        with suppress(OSError):
            self._out.write(f"{child.command.name:<{self._width}} | {line}\n")
            self._out.flush()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def note(number: int, frame: FrameType | None) -> None:
            del number, frame
            self._stop_requests += 1

        before = {number: signal.signal(number, note) for number in STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class _DieWithParent:
    """Run in the child before its command: our death becomes its SIGTERM."""

    def __init__(self) -> None:
        self._parent = os.getpid()
        self._libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def __call__(self) -> None:
        if self._libc is not None:
            self._libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM.value)
        if os.getppid() != self._parent:
            os._exit(1)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
