"""How much memory the processes of a rig hold, watched from a thread while they work."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.rig import Rig, children_of

EVERY_SECONDS = 0.25
MEGABYTE = 1 << 20
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Watched:
    """The most that each process, and any one child of it, held at a time; bytes, by name."""

    most: dict[str, int] = field(default_factory=dict)
    most_of_children: dict[str, int] = field(default_factory=dict)

    @property
    def megabytes(self) -> dict[str, int]:
        """The largest of each name, to be read by people."""
        names = sorted(self.most)
        return {n: max(self.most[n], self.most_of_children.get(n, 0)) // MEGABYTE for n in names}

    def growth(self, name: str) -> float:
        """By how many megabytes a child outgrew the process that it was forked from."""
        return (self.most_of_children.get(name, 0) - self.most.get(name, 0)) / MEGABYTE

    def look(self, there: Rig) -> None:
        """Look once at all of them."""
        for name, process in list(there.running.items()):
            self.most[name] = max(self.most.get(name, 0), resident(process.pid))
            children = map(resident, children_of(process.pid))
            found = self.most_of_children.get(name, 0)
            self.most_of_children[name] = max(found, *children, 0)


@contextmanager
def watched(there: Rig) -> Iterator[Watched]:
    """Looks again and again while the block lasts."""
    seen, is_over = Watched(), threading.Event()

    def watch() -> None:
        while not is_over.wait(EVERY_SECONDS):
            seen.look(there)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        thread.join()


def resident(pid: int) -> int:
    """The resident set of a process, pages that it shares included; 0 if it is gone. Bytes."""
    with suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    return 0
