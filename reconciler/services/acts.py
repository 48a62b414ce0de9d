"""What somebody did in one transaction, as the lines that it left in the audit trail.

How a line is done again stands with its kind, in acts_of_documents.py and its neighbours;
doing_over.py knows all of them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import msgspec

from reconciler.errors import Refused
from reconciler.work import Work

SUBJECT = "the subject"  # of a line, where Again.makes would name a word of what was said after
_DAYS = frozenset((
    "due_on", "issued_on", "date", "received_on", "valid_until", "approved_on", "work_began_on",
    "expires_on", "applied_on",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Act:
    """A line of the audit trail, with all `lines` of its transaction."""

    action: str
    subject: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    why: str | None = None
    lines: tuple["Act", ...] = ()

    def beside(self, action: str) -> list["Act"]:
        """The lines of the same transaction that say this, in their order."""
        return [one for one in self.lines if one.action == action]


@dataclass(frozen=True, slots=True)
class Again:
    """How a line is done again: by the service that left it.

    `makes` names the ids that it hands out, by prefix: a word of what was said after, or SUBJECT.
    `brings` names other lines that it leaves in the same transaction: those are not done by
    themselves.
    """

    do: Callable[[Work, Act], object]
    makes: Mapping[str, str] = field(default_factory=dict)
    brings: frozenset[str] = frozenset()


def read(rows: list[tuple[str, str, str | None]]) -> tuple[Act, ...]:
    """The lines of one transaction: action, subject and words. Raises Refused for erased words."""
    lines = tuple(_read(*row) for row in rows)
    return tuple(replace(one, lines=lines) for one in lines)


def concerned(deed: Iterable[Act]) -> list[str]:
    """The ids of all that a deed is about."""
    found = []
    for act in deed:
        said = [act.subject, act.after.get("target"), *act.after.get("targets", ())]
        found += [one for one in said if isinstance(one, str)]
    return found


def _read(action: str, subject: str, words: str | None) -> Act:
    if words is None:
        raise Refused("what was said was erased")
    said = msgspec.json.decode(words, type=dict[str, Any])
    return Act(action, subject, said["before"], said["after"], said["why"])


def given(said: Mapping[str, Any]) -> dict[str, Any]:
    """What was said, with its days as days."""
    return {
        name: date.fromisoformat(value) if name in _DAYS and value is not None else value
        for name, value in said.items()
    }
