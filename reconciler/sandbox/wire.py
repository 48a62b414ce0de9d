"""How Stripe's API is spoken: nested form keys, whole numbers, metadata, ranges."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.sandbox.core import NOBODY, Cause
from reconciler.sandbox.json_types import Json
from reconciler.sandbox.problems import invalid

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_METADATA_KEYS_MAX = 50
_METADATA_KEY_CHARS_MAX = 40
_METADATA_VALUE_CHARS_MAX = 500
_RANGE = {
    "gt": int.__gt__,
    "gte": int.__ge__,
    "lt": int.__lt__,
    "lte": int.__le__,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer that is always JSON."""

    status: int
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One API request, its parameters already nested."""

    method: str
    path: str
    params: Json
    version: str | None = None
    base_url: str = ""
    cause: Cause = NOBODY


def nested(pairs: Iterable[tuple[str, str]]) -> Json:
    """`a[b]=1&c[]=2&d[0]=3` as `{"a": {"b": "1"}, "c": ["2"], "d": {"0": "3"}}`."""
    params: Json = {}
    for key, value in pairs:
        match = _KEY.fullmatch(key)
        if match is None:
            raise invalid(f"Invalid parameter name: {key}", param=key)
        _put(params, [match[1], *_PART.findall(match[2])], value, key)
    return params


def _put(params: Json, path: list[str], value: str, key: str) -> None:
    node = params
    for part in path[:-1]:
        # `c[]`: the list is kept as an object whose keys count up, like `c[0]`.
        child = node.setdefault(part or str(len(node)), {})
        if not isinstance(child, dict):
            raise invalid(f"Invalid parameter: {key}", param=key)
        node = child
    node[path[-1] or str(len(node))] = value


def items(params: Json, name: str) -> list[object]:
    """A list parameter, however its indexes were written."""
    given = params.get(name, {})
    return list(given.values()) if isinstance(given, dict) else [given]


def texts(params: Json, name: str) -> list[str]:
    """A list parameter of plain texts."""
    return [str(item) for item in items(params, name)]


def only(params: Json, allowed: Iterable[str]) -> None:
    """Refuse a parameter that the endpoint does not know."""
    for name in params.keys() - set(allowed):
        words = f"Received unknown parameter: {name}"
        raise invalid(words, param=name, code="parameter_unknown")


def text(params: Json, name: str) -> str | None:
    """A parameter that is one text; an empty one counts as not given."""
    value = params.get(name)
    if isinstance(value, dict):
        raise invalid(f"Invalid string: {name}", param=name)
    return value or None


def integer(params: Json, name: str, *, least: int = 1) -> int | None:
    """A parameter that is a whole number of at least `least`."""
    value = params.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not _INTEGER.fullmatch(value):
        words = f"Invalid integer: {value}"
        raise invalid(words, param=name, code="parameter_invalid_integer")
    if int(value) < least:
        words = f"This value must be greater than or equal to {least}."
        raise invalid(words, param=name, code="parameter_invalid_integer")
    return int(value)


def metadata(params: Json, name: str = "metadata") -> dict[str, str]:
    """Metadata within Stripe's limits: 50 keys of 40 characters, values of 500."""
    given = params.get(name) or {}
    if not isinstance(given, dict) or any(isinstance(v, dict) for v in given.values()):
        raise invalid("Invalid object", param=name)
    if len(given) > _METADATA_KEYS_MAX:
        raise invalid(f"You can have up to {_METADATA_KEYS_MAX} metadata keys.", param=name)
    for key, value in given.items():
        if len(key) > _METADATA_KEY_CHARS_MAX or len(value) > _METADATA_VALUE_CHARS_MAX:
            raise invalid("Metadata keys may have 40 characters and values 500.", param=name)
    return {key: value for key, value in given.items() if value}


def in_range(second: int, wanted: object) -> bool:
    """Whether a second is the one wanted, or within `[gte]`, `[gt]`, `[lte]`, `[lt]`."""
    if not isinstance(wanted, dict):
        wanted = {"gte": wanted, "lte": wanted}
    only(wanted, _RANGE)
    bounds = ((_RANGE[name], integer(wanted, name, least=0)) for name in wanted)
    return all(compare(second, bound) for compare, bound in bounds if bound is not None)
