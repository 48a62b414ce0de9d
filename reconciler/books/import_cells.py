"""A cell of a file for import, read as a word, a day or an amount; Invalid names its column."""

import re
from collections.abc import Mapping
from datetime import date

from reconciler import currencies, money
from reconciler.books import texts
from reconciler.errors import Invalid

KEY_CHARS_MAX = 64
NAME_CHARS_MAX = 200
WORDS_CHARS_MAX = 2_000
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WHOLE = re.compile(rf"-?[0-9]{{1,{len(str(money.MINOR_MAX))}}}", re.ASCII)

Cells = Mapping[str, str]


def external(said: Cells) -> str:
    """By what a thing is known again: its id elsewhere."""
    name = "external_id" if "external_id" in said else "id"
    return line(said, name, KEY_CHARS_MAX)


def line(said: Cells, name: str, chars_max: int = NAME_CHARS_MAX) -> str:
    """A few words that have to be there."""
    return texts.line(said.get(name, ""), field=name, chars_max=chars_max)


def line_or_none(said: Cells, name: str, chars_max: int = KEY_CHARS_MAX) -> str | None:
    """The same where the row says it."""
    return line(said, name, chars_max) if name in said else None


def words(said: Cells, name: str) -> str | None:
    """Some lines of words."""
    return texts.words(said.get(name, ""), field=name, chars_max=WORDS_CHARS_MAX) or None


def day(said: Cells, name: str) -> date | None:
    """A day such as 2026-11-22."""
    typed = said.get(name, "").strip()
    try:
        found = date.fromisoformat(typed) if _DAY.fullmatch(typed) else typed or None
    except ValueError:
        found = typed
    return texts.day(found, field=name)


def day_that_is_there(said: Cells, name: str) -> date:
    """The same where it has to be there."""
    found = day(said, name)
    if found is None:
        raise Invalid(f"{name} is a day such as 2026-11-22", field=name)
    return found


def currency(said: Cells) -> str:
    """A currency's code."""
    return currencies.code(said.get("currency", ""))


def amount(said: Cells, name: str, of: str) -> int:
    """More than nothing, in minor units of the currency `of`."""
    found = signed(said, name, of)
    if not found or not 0 < found <= money.MINOR_MAX:
        raise Invalid("must be more than nothing", field=name)
    return found


def amount_or_none(said: Cells, name: str, of: str) -> int | None:
    """The same, or None where the row says nothing or 0."""
    return amount(said, name, of) if signed(said, name, of) else None


def signed(said: Cells, name: str, of: str) -> int | None:
    """Whole minor units under the plain name, as people write it under the other; or both."""
    found = set()
    if name in said:
        typed = said[name].strip()
        if not _WHOLE.fullmatch(typed):
            raise Invalid(
                f"is whole minor units; write 1234.50 into a column {name}_decimal", field=name
            )
        found.add(int(typed))
    if f"{name}_decimal" in said:
        field = f"{name}_decimal"
        found.add(money.parse(said[field], of, field=field).minor)
    if len(found) > 1:
        raise Invalid(f"{name} and {name}_decimal say different amounts", field=name)
    return found.pop() if found else None
