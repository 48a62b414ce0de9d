"""Who writes the books of a benchmark, and how many of each thing there are to be."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from benchmarks.stage import Bench
from reconciler.runtime import Runtime
from reconciler.work import Cause, Work

MILLION = 1_000_000
COMMAND = Cause("command", "benchmark")
PROGRAM = Cause("api_key", "key_benchmark")  # asks for refunds without a second person

T = TypeVar("T")
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Pen:
    """Writes through the services, some things in a transaction; `payments` are in the books."""

    bench: Bench
    runtime: Runtime
    payments: int

    def of(self, in_a_million: int, least: int = 4) -> int:
        """How many there are, if there are so many beside a million payments."""
        return max(least, in_a_million * self.payments // MILLION)

    def each(
        self,
        things: Iterable[T],
        step: Callable[[Work, T], Made],
        *,
        cause: Cause = COMMAND,
        at_once: int = 50,
    ) -> list[Made]:
        """Do `step` for each thing; what they gave, in that order."""
        wanted, made = list(things), []
        for begins in range(0, len(wanted), at_once):
            some = wanted[begins : begins + at_once]
            made += self.runtime.do(cause, lambda work: [step(work, one) for one in some])  # noqa: B023  run at once
        return made
