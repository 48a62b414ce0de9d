"""Long work, shown: a bar on a terminal, now and then a line where nobody watches.

All of it goes to the error stream, so that what a command prints can be piped on.
"""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import IO, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

LINE_SECONDS = 5.0
SILENCE_SECONDS = 60.0
SHOW_EVERY = 200  # rows; more often would cost more than the rows

T = TypeVar("T")


def say(text: str) -> None:
    """A line about what is going on."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def shown(title: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Gives a function that is told how many are done; with no total the bar only moves."""
    if not sys.stderr.isatty():
        yield _Lines(title, total)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.update(task, completed=done)


def counted(rows: Iterable[T], title: str, total: int | None) -> Iterator[T]:
    """The same rows, shown while they pass."""
    with shown(title, total) as show:
        for number, row in enumerate(rows, 1):
            yield row
            if not number % SHOW_EVERY:
                show(number)


class CountedFile:
    """A file of bytes that says how far it was read. `show` is told the bytes, now and then."""

    def __init__(self, file: IO[bytes], show: Callable[[int], None]) -> None:
        self._file, self._show, self._asked = file, show, 0

    def read(self, size: int = -1, /) -> bytes:
        """Some bytes, or all."""
        return self._told(self._file.read(size))

    def readline(self, size: int = -1, /) -> bytes:
        """One line, at most so long."""
        return self._told(self._file.readline(size))

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go there."""
        return self._file.seek(offset, whence)

    def _told(self, piece: bytes) -> bytes:
        self._asked += 1
        if not self._asked % SHOW_EVERY or not piece:
            self._show(self._file.tell())
        return piece


class _Lines:
    """A line when there is news, but not each time; and one from time to time if there is none."""

    def __init__(self, title: str, total: int | None) -> None:
        self._title = title
        self._of = "" if total is None else f" of {total}"
        self._said, self._said_at = 0, time.monotonic()

    def __call__(self, done: int) -> None:
        wait = LINE_SECONDS if done != self._said else SILENCE_SECONDS
        if time.monotonic() - self._said_at >= wait:
            self._said, self._said_at = done, time.monotonic()
            say(f"{self._title}: {done}{self._of}")
