"""A bank that sends a statement again, with a line corrected or withdrawn.

What it sends is evidence, also where it contradicts what it sent before: both are kept, what would
change is shown, and a person says which holds. A file that merely shows other lines of the same
days corrects nothing.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from reconciler.books.bank_lines import BankLine


class CorrectionKind(StrEnum):
    """What the bank says of a line that it sent before."""

    CHANGED = "changed"
    WITHDRAWN = "withdrawn"


class CorrectionState(StrEnum):
    """Nobody has decided; the line is as the bank says now; or both lines stand."""

    OPEN = "open"
    TAKEN = "taken"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Known:
    """A line that an earlier file brought and that stands, and what makes it itself."""

    id: str
    statement_id: str
    identity: str
    line: BankLine


@dataclass(frozen=True, slots=True)
class _Days:
    first: date
    last: date

    def holds(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Correction:
    """A line that stands, and what a later file has in its place: None where it has none."""

    line_id: str
    place: int | None  # of the new line in the file, from 0

    @property
    def kind(self) -> CorrectionKind:
        """What the bank says of it."""
        return CorrectionKind.WITHDRAWN if self.place is None else CorrectionKind.CHANGED


def corrections(
    known: Iterable[Known], file: Sequence[BankLine], identities: Sequence[str]
) -> list[Correction]:
    """What this file says otherwise than the ones before it, in the order of the known lines.

    The same name by the bank with something else beside it is a correction, whatever else the file
    shows. Where the file is an earlier statement again, because at least half of that one's lines
    of its days stand in it, what is missing is corrected by the only new line of the same reference
    and day, or else withdrawn.
    """
    held = list(known)
    there = set(identities)
    stood = {one.identity for one in held}
    new = [place for place, identity in enumerate(identities) if identity not in stood]
    days = _days(file)
    missing = [one for one in held if one.identity not in there]
    found = _by_name(missing, file, new)
    gone = [
        one
        for one in missing
        if one.line.currency in days and days[one.line.currency].holds(one.line.booked_on)
    ]
    again = _sent_again(held, gone, there)
    left = [one for one in gone if one.id not in found and one.statement_id in again]
    found |= _by_reference(left, file, [p for p in new if p not in set(found.values())])
    for one in left:
        found.setdefault(one.id, None)
    return [Correction(one.id, found[one.id]) for one in missing if one.id in found]


def _by_name(
    gone: Sequence[Known], file: Sequence[BankLine], new: Sequence[int]
) -> dict[str, int | None]:
    names = Counter(file[place].bank_reference for place in new)
    places = {file[place].bank_reference: place for place in new}
    held = Counter(one.line.bank_reference for one in gone)
    return {
        one.id: places[name]
        for one in gone
        if (name := one.line.bank_reference) and names[name] == held[name] == 1
    }


def _by_reference(
    gone: Sequence[Known], file: Sequence[BankLine], new: Sequence[int]
) -> dict[str, int | None]:
    said = Counter(_reference(file[place]) for place in new)
    places = {_reference(file[place]): place for place in new}
    held = Counter(_reference(one.line) for one in gone)
    return {
        one.id: places[name]
        for one in gone
        if (name := _reference(one.line)) and said[name] == held[name] == 1
    }


def _sent_again(held: Sequence[Known], gone: Sequence[Known], there: set[str]) -> set[str]:
    kept = Counter(one.statement_id for one in held if one.identity in there)
    lost = Counter(one.statement_id for one in gone)
    return {name for name, count in kept.items() if count >= lost[name]}


def _reference(line: BankLine) -> tuple[str, ...]:
    """By what a line is known where the bank gives it no name; nothing where nothing is said."""
    said = line.reference or line.text
    return (line.booked_on.isoformat(), line.currency, said.casefold()) if said else ()


def _days(file: Sequence[BankLine]) -> dict[str, _Days]:
    """From which day to which a file goes, in each currency."""
    ends: dict[str, _Days] = {}
    for line in file:
        known = ends.get(line.currency, _Days(line.booked_on, line.booked_on))
        ends[line.currency] = _Days(
            min(known.first, line.booked_on), max(known.last, line.booked_on)
        )
    return ends
