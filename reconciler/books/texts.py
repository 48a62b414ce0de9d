"""Words that come from outside, judged before they are kept or shown."""

import json
import re
import unicodedata
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import msgspec

from reconciler.errors import Invalid

# A NUL is refused by the database; the rest would let one line pass for two in a log or a file.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029]")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+")
MAIL_CHARS_MAX = 254
_DAYS = (date(1970, 1, 1), date(2200, 1, 1))  # outside it is a typing error


def line(text: str, *, field: str, chars_max: int) -> str:
    """`text` without the space around it, if it is one line of words. Raises Invalid."""
    cleaned = words(text, field=field, chars_max=chars_max)
    if not cleaned:
        raise Invalid(f"{field} must not be empty", field=field)
    if "\n" in cleaned or "\t" in cleaned:
        raise Invalid(f"{field} must be a single line", field=field)
    return cleaned


def words(text: str, *, field: str, chars_max: int) -> str:
    """`text` without the space around it; it may have lines and may be empty. Raises Invalid."""
    cleaned = unicodedata.normalize("NFC", text.strip().replace("\r\n", "\n"))
    if _CONTROL.search(cleaned):
        raise Invalid(f"{field} holds a control character", field=field)
    if not _is_writable(cleaned):
        raise Invalid(f"{field} holds a character that cannot be kept", field=field)
    if len(cleaned) > chars_max:
        raise Invalid(f"{field} is longer than {chars_max} characters", field=field)
    return cleaned


def mail(text: str, *, field: str = "email") -> str:
    """A mail address, as it is written. Raises Invalid."""
    cleaned = line(text, field=field, chars_max=MAIL_CHARS_MAX)
    if not _MAIL.fullmatch(cleaned):
        raise Invalid(f"{field} is not a mail address such as ann@example.com", field=field)
    return cleaned


def day(value: object, *, field: str) -> date | None:
    """A day within living memory, or none. Raises Invalid."""
    if value is None:
        return None
    if not isinstance(value, date) or not _DAYS[0] <= value < _DAYS[1]:
        raise Invalid(f"{field} is a day such as 2026-11-22", field=field)
    return value


def day_come(value: object, *, field: str, today: date) -> date:
    """A day on which money moved or something was issued: none that is to come. Raises Invalid.

    Tomorrow is taken: days here are of UTC, and east of it the next one has begun.
    """
    found = day(value, field=field)
    if found is None:
        raise Invalid(f"{field} is a day such as 2026-11-22", field=field)
    if found > today + timedelta(days=1):
        raise Invalid(f"{field} is a day that is to come: {found}", field=field)
    return found


def message(body: bytes) -> Any:  # noqa: ANN401  any JSON
    """What a kept message says, fit to be written again. Any bytes give something.

    Half of a character, which a text cut short leaves behind, becomes a question mark. What no
    reader can read is given as the text that it is.
    """
    with suppress(ValueError, RecursionError):
        return msgspec.json.decode(body)
    text = body.decode(errors="replace")
    with suppress(ValueError, RecursionError):
        whole = json.dumps(json.loads(text), ensure_ascii=False)
        return msgspec.json.decode(whole.encode(errors="replace"))
    return text


def holds(said: Any, part: Any) -> bool:  # noqa: ANN401  any JSON
    """Whether a message holds `part` somewhere: at its top, or anywhere inside.

    An object holds another one that has no other members, a list one that has no other items.
    """
    if _contains(said, part):
        return True
    inner = said.values() if isinstance(said, dict) else said if isinstance(said, list) else ()
    return any(holds(one, part) for one in inner)


def _contains(said: Any, part: Any) -> bool:  # noqa: ANN401  any JSON
    if isinstance(part, dict):
        return isinstance(said, dict) and all(
            name in said and _contains(said[name], value) for name, value in part.items()
        )
    if isinstance(part, list):
        return isinstance(said, list) and all(
            any(_contains(one, item) for one in said) for item in part
        )
    return type(said) is type(part) and bool(said == part)


def _is_writable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone half of a pair
        return False
    return True
