"""Bank lines, and what each is the bank's side of: a payout, or what people booked by hand.

Tying a line to something is evidence and moves no money: the payout is in the books by the rail's
word, what people booked by theirs. So a tie may be made and undone freely, and what is not certain
is left to a person.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

TEXT_CHARS_MAX = 1_000
LINES_MAX = 50_000  # of a statement: a year of a busy account
# A bank books what arrives on a Friday by Tuesday at the latest; some date it the day before.
EARLY, LATE = timedelta(days=2), timedelta(days=5)
# Within these a line is shown as a suggestion, though nobody would call it certain.
NEAR = timedelta(days=21)
_NAME_CHARS_MIN = 5  # shorter words stand in a text by chance
_BROKEN_CHARS_MIN = 10  # and these where the gaps of a text are left out
_APART = re.compile(r"[^0-9a-z]+")


class TargetKind(StrEnum):
    """What a bank line can be the bank's side of."""

    PAYOUT = "payout"
    RECEIPT = "receipt"
    BILL_PAYMENT = "bill_payment"
    PREPAYMENT = "prepayment"
    VENDOR_REFUND = "vendor_refund"
    REFUND = "refund"  # that people paid


class LineState(StrEnum):
    """Where a line stands: nobody knows yet, tied, no business of these books, or taken back."""

    OPEN = "open"
    TIED = "tied"
    SET_ASIDE = "set_aside"
    WITHDRAWN = "withdrawn"  # by the bank; its place may have another line


class DayOrder(StrEnum):
    """How a file writes `03/04/2026`, where it does not tell by itself."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


@dataclass(frozen=True, slots=True, kw_only=True)
class BankLine:
    """One line of a statement. `amount` in minor units: into the account above zero, out below."""

    number: int  # in its file, from 1
    booked_on: date
    amount: int
    currency: str
    text: str = ""
    reference: str = ""
    counterparty: str = ""
    bank_reference: str = ""  # the bank's own name of it, where it gives one


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row of a file that was not taken: where, which field, and why."""

    number: int
    field: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Something whose money passes through the bank. `amount` in minor units, as a line has it."""

    kind: TargetKind
    id: str
    amount: int
    currency: str
    day: date
    names: tuple[str, ...]  # by any of which a bank's text may name it
    title: str = ""  # what people call it


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A line beside a target: what speaks for the two being one, and what against."""

    line_id: str
    target: Target
    is_named: bool
    has_amount: bool
    days_apart: int  # the line's day less the target's

    @property
    def is_timely(self) -> bool:
        """Whether the line came when the bank would show it."""
        return -EARLY.days <= self.days_apart <= LATE.days

    @property
    def agreeing(self) -> list[str]:
        """In words, what is the same."""
        said = [("The bank's text names it", self.is_named), ("Same amount", self.has_amount)]
        return [text for text, holds in [*said, (self._days(), self.is_timely)] if holds]

    @property
    def disagreeing(self) -> list[str]:
        """In words, what is not."""
        said = [("Another amount", self.has_amount), (self._days(), self.is_timely)]
        return [text for text, holds in said if not holds]

    def _days(self) -> str:
        if not self.days_apart:
            return "Same day"
        way = "after" if self.days_apart > 0 else "before"
        count = abs(self.days_apart)
        return f"{count} day{'' if count == 1 else 's'} {way}"


def identities(bank_account: str, lines: Sequence[BankLine]) -> list[str]:
    """What makes each line itself, so that a file read twice, or one that overlaps, adds nothing.

    The bank's own name of a line where it gives one. Else all that it says, and which one it is
    among those that say the same: two coffees of one price on one day are two lines.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    made = []
    for line in lines:
        said = _said(line)
        seen[said] += 1
        made.append(_identity(bank_account, said, seen[said]))
    return made


def is_itself(bank_account: str, line: BankLine, identity: str, *, most: int) -> bool:
    """Whether a line still says what made it itself; of those that say the same, up to `most`."""
    said = _said(line)
    return any(_identity(bank_account, said, which) == identity for which in range(1, most + 1))


def _said(line: BankLine) -> tuple[str, ...]:
    if line.bank_reference:
        return ("named", line.bank_reference, str(line.amount))
    return (
        "said",
        line.booked_on.isoformat(),
        str(line.amount),
        line.currency,
        *(_folded(part) for part in (line.text, line.reference, line.counterparty)),
    )


def _identity(bank_account: str, said: tuple[str, ...], which: int) -> str:
    return hashlib.sha256("\x1f".join((bank_account, *said, str(which))).encode()).hexdigest()


def fit(line_id: str, line: BankLine, target: Target) -> Fit | None:
    """The two side by side; None if nothing but chance would bring them together."""
    if line.currency != target.currency or (line.amount > 0) != (target.amount > 0):
        return None
    found = beside(line_id, line, target)
    if abs(found.days_apart) > NEAR.days or not (found.is_named or found.has_amount):
        return None
    return found


def beside(line_id: str, line: BankLine, target: Target) -> Fit:
    """The two side by side, whatever speaks for it."""
    return Fit(
        line_id=line_id,
        target=target,
        is_named=is_named(line, target),
        has_amount=(line.amount, line.currency) == (target.amount, target.currency),
        days_apart=(line.booked_on - target.day).days,
    )


def is_named(line: BankLine, target: Target) -> bool:
    """Whether what the bank wrote names the target."""
    words = _folded(f"{line.text} {line.reference} {line.bank_reference}")
    return any(_is_in(name, words) for name in target.names)


def fits(lines: Mapping[str, BankLine], near: Iterable[tuple[str, Target]]) -> Iterator[Fit]:
    """Each of these lines, by its id, beside the targets that lie near it."""
    for line_id, target in near:
        found = fit(line_id, lines[line_id], target)
        if found is not None:
            yield found


def certain(found: Iterable[Fit]) -> list[Fit]:
    """Those that tie themselves. Whatever their order, the same ones.

    First who is named, with the same amount; then who is the only one of that amount at that
    time, the line among targets and the target among lines. Anything less is for a person.
    """
    left = list(found)
    made: list[Fit] = []
    for is_enough in (_is_named, _is_alone_enough):
        strong = [one for one in left if is_enough(one)]
        lines = Counter(one.line_id for one in strong)
        targets = Counter(_key(one) for one in strong)
        chosen = [one for one in strong if lines[one.line_id] == targets[_key(one)] == 1]
        made += chosen
        taken_lines = {one.line_id for one in chosen}
        taken_targets = {_key(one) for one in chosen}
        # A line that names two, or is named twice, is not settled by its amount either.
        torn = (
            {one.line_id for one in strong if one not in chosen} if is_enough is _is_named else ()
        )
        left = [
            one
            for one in left
            if one.line_id not in taken_lines
            and _key(one) not in taken_targets
            and one.line_id not in torn
        ]
    return sorted(made, key=lambda one: one.line_id)


def ranked(found: Iterable[Fit]) -> list[Fit]:
    """Suggestions for one line, the likeliest first."""
    return sorted(
        found,
        key=lambda one: (
            not one.has_amount, not one.is_named, abs(one.days_apart), one.target.id,
        ),
    )  # fmt: skip


def by_line(found: Iterable[Fit]) -> Mapping[str, list[Fit]]:
    """Fits by the line that they are of."""
    sorted_out: dict[str, list[Fit]] = {}
    for one in found:
        sorted_out.setdefault(one.line_id, []).append(one)
    return sorted_out


def _is_named(one: Fit) -> bool:
    return one.is_named and one.has_amount


def _is_alone_enough(one: Fit) -> bool:
    return one.has_amount and one.is_timely


def _key(one: Fit) -> tuple[str, str]:
    return one.target.kind, one.target.id


def _folded(text: str) -> str:
    return _APART.sub(" ", text.casefold()).strip()


def _is_in(name: str, words: str) -> bool:
    folded = _folded(name)
    if len(folded) < _NAME_CHARS_MIN:
        return False
    if f" {folded} " in f" {words} ":
        return True
    # Banks break long words where their lines end.
    unbroken = folded.replace(" ", "")
    return len(unbroken) >= _BROKEN_CHARS_MIN and unbroken in words.replace(" ", "")
