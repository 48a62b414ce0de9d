"""Holds every answer that any test gets against the document that integrators read.

A small reader of the schemas that our document uses. Objects are closed: an answer with a field
that the document does not know is as wrong as one that lacks a field.
"""

import re
from datetime import date, datetime
from functools import cache

import msgspec

from reconciler.books.file_kinds import MediaType
from reconciler.web.api import openapi
from reconciler.web.api.blueprint import PREFIX, ROUTES

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "object": dict,
    "array": list,
    "null": type(None),
}
_FORMATS = {"date-time": datetime.fromisoformat, "date": date.fromisoformat}


@cache
def document():
    return openapi.document(ROUTES, PREFIX, "http://localhost")


@cache
def operations():
    """(method, pattern of the path, operation), the plainer paths first."""
    found = [
        (method.upper(), re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + "$"), operation)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    ]
    return sorted(found, key=lambda one: one[1].pattern.count("[^/]+"))


def operation_of(method: str, path: str):
    """What the document says of this call, if it knows it."""
    return next((o for m, p, o in operations() if m == method and p.match(path)), None)


def check(method: str, path: str, answer) -> None:
    """Raises AssertionError where an answer is not what the document says."""
    path = path.partition("?")[0]
    operation = operation_of(method, path)
    if operation is None:
        assert answer.status_code in (404, 405), f"{method} {path} is in no document"
        return
    assert str(answer.status_code) in operation["responses"], (
        f"{method} {path} answers {answer.status_code}, which is in no document"
    )
    content = operation["responses"][str(answer.status_code)]["content"]
    assert answer.content_type in content, f"{method} {path} answers {answer.content_type}"
    if answer.content_type in set(MediaType):
        return  # a file is what it is
    body = msgspec.json.decode(answer.get_data())
    wrong = list(faults(body, content[answer.content_type]["schema"], ""))
    assert wrong == [], f"{method} {path} {answer.status_code}: {wrong}"


def faults(value, schema, at: str):
    """Where a value is not what a schema says."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from faults(value, document()["components"]["schemas"][name], at)
    elif "anyOf" in schema:
        if all(list(faults(value, one, at)) for one in schema["anyOf"]):
            yield f"{at}: {value!r} fits none of {schema['anyOf']}"
    elif "enum" in schema or "const" in schema:
        if value not in schema.get("enum", [schema.get("const")]):
            yield f"{at}: {value!r} is not among {schema}"
    elif "type" in schema:
        yield from _typed(value, schema, at)


def _typed(value, schema, at: str):
    kind = schema["type"]
    is_right = isinstance(value, _TYPES[kind]) and (
        kind == "boolean" or not isinstance(value, bool)
    )
    if not is_right:
        yield f"{at}: {value!r} is no {kind}"
    elif kind == "array":
        for n, one in enumerate(value):
            yield from faults(one, schema.get("items", {}), f"{at}[{n}]")
    elif kind == "object":
        yield from _fields(value, schema, at)
    elif "format" in schema:
        _FORMATS[schema["format"]](value)


def _fields(value, schema, at: str):
    known = schema.get("properties", {})
    yield from (
        f"{at}.{name} is missing" for name in schema.get("required", ()) if name not in value
    )
    others = schema.get("additionalProperties", not known)
    for name, one in value.items():
        if name in known:
            yield from faults(one, known[name], f"{at}.{name}")
        elif isinstance(others, dict):
            yield from faults(one, others, f"{at}.{name}")
        elif not others:
            yield f"{at}.{name} is in no document"
