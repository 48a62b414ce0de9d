"""Careful readers of a Stripe object's fields.

Whatever stands there, they give a value of the right type or raise Invalid with the field's name
and never its content: a signed message is still a stranger's text.
"""

from collections.abc import Mapping
from typing import Any

from reconciler import currencies
from reconciler.errors import Invalid
from reconciler.money import MINOR_MAX

Obj = Mapping[str, Any]

ID_CHARS_MAX = 255  # Stripe's own bound
TEXT_CHARS_MAX = 500  # a metadata value's bound, and more than any statement text
SECONDS_MAX = 1 << 40  # some 35 000 years; keeps dates inside a 64-bit column


def identifier(value: object, field: str) -> str:
    """An id or another plain word. Raises Invalid. Prefixes are not checked: they change."""
    if (
        not isinstance(value, str)
        or not 0 < len(value) <= ID_CHARS_MAX
        or not value.isascii()
        or not value.isprintable()
        or " " in value
    ):
        raise Invalid(f"`{field}` is missing or malformed", field=field)
    return value


def link(obj: Obj, field: str) -> str | None:
    """The id in a field that holds an id, or, where it was expanded, the whole object."""
    value = obj.get(field)
    if isinstance(value, dict):
        value = value.get("id")
    return None if value is None else identifier(value, field)


def expanded(obj: Obj, field: str) -> Obj | None:
    """The object in a link field, if it was expanded."""
    value = obj.get(field)
    return value if isinstance(value, dict) else None


def mapping(obj: Obj, field: str) -> Obj:
    """A nested object; empty where there is none."""
    value = obj.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Invalid(f"`{field}` is not an object", field=field)
    return value


def rows(obj: Obj, field: str) -> list[Obj]:
    """The objects of a list field, whether bare or in Stripe's list object; ids are left out."""
    value = obj.get(field)
    if isinstance(value, dict):
        value = value.get("data")
    if value is None:
        return []
    if not isinstance(value, list):
        raise Invalid(f"`{field}` is not a list", field=field)
    return [row for row in value if isinstance(row, dict)]


def text(obj: Obj, field: str) -> str:
    """A trimmed text; empty where there is none. Without what Postgres cannot keep."""
    value = obj.get(field)
    if not isinstance(value, str):
        return ""
    kept = value.replace("\0", "").encode("utf-8", "ignore").decode()  # half a surrogate pair
    return kept.strip()[:TEXT_CHARS_MAX]


def word(obj: Obj, field: str) -> str | None:
    """An enum's value. Every enum of Stripe's is open: new words come without notice."""
    return text(obj, field)[:40] or None


def amount(obj: Obj, field: str) -> int:
    """Minor units, zero where there are none."""
    minor = signed_amount(obj, field)
    if minor < 0:
        raise Invalid(f"`{field}` is negative", field=field)
    return minor


def signed_amount(obj: Obj, field: str) -> int:
    """Minor units that may be negative, as in balance rows; zero where there are none."""
    value = obj.get(field)
    if value is None:
        return 0
    if type(value) is not int or abs(value) > MINOR_MAX:
        raise Invalid(f"`{field}` is not an amount", field=field)
    return value


def seconds(obj: Obj, field: str) -> int:
    """An instant in whole seconds since 1970, zero where there is none."""
    value = obj.get(field)
    if value is None:
        return 0
    if type(value) is not int or not 0 <= value <= SECONDS_MAX:
        raise Invalid(f"`{field}` is not an instant", field=field)
    return value


def currency(obj: Obj) -> str | None:
    """The currency in upper case (Stripe's are lower), if there is one."""
    value = obj.get("currency")
    return None if value is None else currencies.code(value)
