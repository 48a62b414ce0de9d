"""What a line of the audit trail says was changed, value by value, in words.

A value that holds others is told in lines of its own: one for each of a list, one for each member.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.reads.audit import AuditRow
from reconciler.reads.subjects import Subject
from reconciler.web.admin import words
from reconciler.web.admin.masking import masked

LINES_SHOWN_MAX = 12  # of one list on a page of many deeds: the deed's own page has all
_NAMES = {"rail": "Payment provider", "legs": "Parts", "method": "Goes back"}
_METHODS = {"rail": "the way it was paid", "hand": "by bank transfer"}  # else: how it was paid
# What is in minor units wherever a currency stands beside or around it.
_MONEY = frozenset(
    {
        "amount", "approved_price", "discount", "lost", "net", "original_price", "price", "tax",
        "total", "unit_amount", "unit_price",
    }
)  # fmt: skip
# Inside of something, that is what a stage or a line is called, and nobody's name.
_CALLED = frozenset({"name"})


@dataclass(frozen=True, slots=True)
class Told:
    """One change of a line in words: of what, from what, to what."""

    name: str
    before: str
    after: str


def changes(line: AuditRow, *, currency: str = "", most: int | None = None) -> list[Told]:
    """What changed, name by name; of long lists the first `most`.

    `currency` is that of what the line is about, for lines that name none.
    """
    before, after = (dict(_told(said, currency, most)) for said in (line.before, line.after))
    names = dict.fromkeys([*before, *after])
    return [Told(name, before.get(name, ""), after.get(name, "")) for name in names]


def teller(
    things: Mapping[str, Subject], *, most: int | None = LINES_SHOWN_MAX
) -> Callable[[AuditRow], list[Told]]:
    """The same for a template, that knows what these things are counted in."""

    def told(line: AuditRow) -> list[Told]:
        about = things.get(line.subject)
        return changes(line, currency=(about.currency if about else None) or "", most=most)

    return told


def _told(said: Mapping[str, Any], known: str, most: int | None) -> Iterator[tuple[str, str]]:
    currency = str(said.get("currency") or known)
    for name, value in said.items():
        called = _NAMES.get(name) or name.replace("_", " ").capitalize()
        if name == "method":
            yield called, _METHODS.get(str(value), _text(name, value, ""))
        elif isinstance(value, dict | list):
            yield from _lines(name, called, masked(value, shown=_CALLED), currency, most)
        else:
            yield called, _text(name, value, currency)


def _lines(
    name: str,
    called: str,
    value: object,
    currency: str,
    most: int | None,
) -> Iterator[tuple[str, str]]:
    """What a value holds; nothing where it is empty."""
    if isinstance(value, dict):
        inside = str(value.get("currency") or currency)
        for inner, one in value.items():
            yield from _lines(inner, f"{called}, {inner.replace('_', ' ')}", one, inside, most)
    elif isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        for place, one in enumerate(value[:most], start=1):
            yield f"{called.removesuffix('s')} {place}", _text(name, one, currency)
        if most is not None and len(value) > most:
            yield f"{called}, further", f"{len(value) - most:,} more"
    elif text := _text(name, value, currency):
        yield called, text


def _text(name: str, value: object, currency: str) -> str:
    if isinstance(value, dict):
        inside = str(value.get("currency") or currency)
        told = ((inner, _text(inner, one, inside)) for inner, one in value.items())
        return "; ".join(f"{inner.replace('_', ' ')}: {text}" for inner, text in told if text)
    if isinstance(value, list):
        return "; ".join(_text(name, one, currency) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and name in _MONEY and currency:
        return words.shown(value, currency)
    if isinstance(value, int) and name == "amount":
        return f"{value:,} in the smallest unit"
    return "" if value is None else str(value)
