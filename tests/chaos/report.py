"""What a standing run found: its figures, and whatever of it must not be."""

import subprocess
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from tests.chaos.rig import ROOT

SHOWN_MAX = 20  # of one kind of breach: the rest is counted


def _commit() -> str:
    asked = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()


@dataclass
class Report:
    """Figures in the order in which they were found, and breaches; none means that it holds."""

    run: str
    seed: int
    size: int
    figures: dict[str, object] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)
    commit: str = field(default_factory=_commit)
    began: float = field(default_factory=time.monotonic)

    def none(self, name: str, found: Collection[object]) -> None:
        """There must be none of these; how many there were is a figure."""
        self.figures[name] = len(found)
        for shown in _few(found):
            self.breaches.append(f"{name}: {shown}")

    def same(self, name: str, found: object, wanted: object) -> None:
        """This figure must be that."""
        self.figures[name] = found
        if found != wanted:
            self.breaches.append(f"{name}: {found}, and not {wanted}")

    def at_most(self, name: str, found: float, limit: float) -> None:
        """This figure must not be more."""
        self.figures[name] = found
        if found > limit:
            self.breaches.append(f"{name}: {found:g}, more than {limit:g}")

    def at_least(self, name: str, found: float, limit: float) -> None:
        """This figure must not be less."""
        self.figures[name] = found
        if found < limit:
            self.breaches.append(f"{name}: {found:g}, less than {limit:g}")

    def lines(self) -> Iterable[str]:
        """The report as it is printed."""
        yield f"{self.run} size={self.size} seed={self.seed} commit={self.commit}"
        figures = {**self.figures, "seconds": round(time.monotonic() - self.began)}
        width = max(map(len, figures))
        for name, value in figures.items():
            yield f"  {name:<{width}}  {_said(value)}"
        yield from (f"  BREACH  {breach}" for breach in self.breaches)
        yield f"  {'it does not hold' if self.breaches else 'it holds'}"


def _few(found: Collection[object]) -> Iterable[str]:
    for number, one in enumerate(found):
        if number == SHOWN_MAX:
            yield f"and {len(found) - SHOWN_MAX} more"
            return
        yield str(one)


def _said(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}".rstrip("0").rstrip(".")
    return f"{value:,}" if isinstance(value, int) else str(value)
