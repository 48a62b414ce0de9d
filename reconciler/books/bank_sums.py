"""A bank line that is several things at once: payouts sent together, transfers banked in one sum.

Only what comes to the line exactly is looked at, and nothing is guessed: by itself a line is tied
to all that its text names, or to all that came on one day. Some few that happen to come to it are
shown to a person, and only where no other few do.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from reconciler.books.bank_lines import EARLY, LATE, BankLine, Target, is_named

PARTS_MAX = 6  # of some few; more come to any amount by chance
CANDIDATES_MAX = 14  # among which some few are looked for: about six thousand sums
TOGETHER_MAX = 200  # that are named, or came on one day


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """A line, and the targets of one kind that come to it exactly."""

    line_id: str
    targets: tuple[Target, ...]
    is_named: bool = False
    is_whole_day: bool = False

    @property
    def is_certain(self) -> bool:
        """Whether more speaks for it than the amount."""
        return self.is_named or self.is_whole_day

    @property
    def agreeing(self) -> list[str]:
        """In words, what speaks for it."""
        said = [
            (f"{len(self.targets)} of them come to it exactly", True),
            ("The bank's text names each", self.is_named),
            ("All that came that day", self.is_whole_day),
            ("No other few come to it", not self.is_certain),
        ]
        return [text for text, holds in said if holds]


def sums(line_id: str, line: BankLine, near: Iterable[Target]) -> list[Sum]:
    """What of these comes to the line for certain, or as the only few that do; the surest first."""
    given = list(near)
    found = list(certain_of(line_id, line, given))
    known = {frozenset(target.id for target in one.targets) for one in found}
    few = [
        one
        for group in _groups(line, given)
        for one in _some_few(line_id, line, group)
        if frozenset(target.id for target in one.targets) not in known
    ]
    return found + (few if len(few) == 1 else [])


def certain_of(line_id: str, line: BankLine, near: Iterable[Target]) -> Iterator[Sum]:
    """All that the line names, or all of a day, where that comes to it."""
    for group in _groups(line, near):
        named = [target for target in group if is_named(line, target)]
        if _comes_to(line, named):
            yield Sum(line_id=line_id, targets=tuple(named), is_named=True)
            continue
        for day in sorted({target.day for target in group}):
            together = [target for target in group if target.day == day]
            if _comes_to(line, together):
                yield Sum(line_id=line_id, targets=tuple(together), is_whole_day=True)


def certain(found: Iterable[Sum], taken: Collection[str] = ()) -> list[Sum]:
    """Those that tie themselves: the line's only one, of targets that nothing else claims."""
    strong = [one for one in found if one.is_certain]
    lines = Counter(one.line_id for one in strong)
    claimed = Counter(target.id for one in strong for target in one.targets)
    return [
        one
        for one in strong
        if lines[one.line_id] == 1
        and all(claimed[t.id] == 1 and t.id not in taken for t in one.targets)
    ]


def by_line(near: Iterable[tuple[str, Target]]) -> Mapping[str, list[Target]]:
    """Targets by the line that they lie near."""
    sorted_out: dict[str, list[Target]] = {}
    for line_id, target in near:
        sorted_out.setdefault(line_id, []).append(target)
    return sorted_out


def _groups(line: BankLine, near: Iterable[Target]) -> list[list[Target]]:
    """Those of each kind that may be part of the line, in order."""
    kinds: dict[str, list[Target]] = {}
    for target in near:
        is_timely = -EARLY <= line.booked_on - target.day <= LATE
        same_way = (target.amount > 0) == (line.amount > 0)
        if is_timely and same_way and target.currency == line.currency:
            kinds.setdefault(target.kind, []).append(target)
    return [
        sorted(group, key=lambda one: (one.day, one.id))
        for _, group in sorted(kinds.items())
        if len(group) <= TOGETHER_MAX
    ]


def _comes_to(line: BankLine, targets: Sequence[Target]) -> bool:
    return len(targets) > 1 and sum(target.amount for target in targets) == line.amount


def _some_few(line_id: str, line: BankLine, group: Sequence[Target]) -> Iterator[Sum]:
    if len(group) <= CANDIDATES_MAX:
        for size in range(2, PARTS_MAX + 1):
            for few in combinations(group, size):
                if _comes_to(line, few):
                    yield Sum(line_id=line_id, targets=few)
