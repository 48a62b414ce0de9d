"""The OpenAPI 3.1 document, made from the routes and the very types that they check and answer."""

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from pydantic import TypeAdapter

from reconciler.books.file_kinds import MediaType
from reconciler.books.people import Scope
from reconciler.web.api.routes import Route
from reconciler.web.downloads import Spooled
from reconciler.web.problems import MEDIA_TYPE

VERSION = "1.0.0"
_REF = "#/components/schemas/{model}"
_PROBLEM_REF = {"$ref": "#/components/schemas/Problem"}
_ABOUT = """Payments, and what they were for.

Amounts are whole minor units of the currency; currencies are ISO 4217, in any case when sent, upper
case when answered. Instants are RFC 3339 in UTC. Ids are opaque.

Send a key as `Authorization: Bearer …`. A key has one scope: `read` reads; `write` also changes
documents and matches payments; `refund` also asks for, approves and settles refunds, and changes
no document; `admin` may do everything.

Lists are `{data, next_cursor}`: send `next_cursor` back as `cursor` for the next page.

Every change takes an `Idempotency-Key` of up to 255 visible characters: the same key with the same
body gets the same answer for 30 days, with another body 422, while the first still runs 409.
Answers to what was out of reach (503) or a fault of ours (500) are not kept."""
_SCOPES = {
    Scope.READ: "Any key.",
    Scope.WRITE: "A key of scope `write` or `admin`.",
    Scope.REFUND: "A key of scope `refund` or `admin`.",
    Scope.ADMIN: "A key of scope `admin`.",
}
_PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail", "errors"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Makes asking twice the same as asking once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}

Json = dict[str, Any]


def document(routes: Sequence[Route], prefix: str, base_url: str) -> Json:
    """The whole document."""
    inputs: list[tuple[str, Any, TypeAdapter[Any]]] = []
    for route in routes:
        inputs.append((route.name, "serialization", route.answers))
        if route.body and not route.takes_file:
            inputs.append((route.name, "validation", TypeAdapter(route.body)))
    schemas, shared = TypeAdapter.json_schemas(inputs, ref_template=_REF)
    paths: Json = {}
    for route in routes:
        answer = schemas[route.name, "serialization"]
        body = schemas.get((route.name, "validation"))
        described = _operation(route, answer, body)
        paths.setdefault(prefix + route.path, {})[route.method.lower()] = described
    named: Json = _named({**shared["$defs"], "Problem": _PROBLEM})
    return {
        "openapi": "3.1.0",
        "info": {"title": "Reconciler", "version": VERSION, "description": _ABOUT},
        "servers": [{"url": base_url}],
        "security": [{"key": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
        "paths": _renamed(paths),
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": named,
        },
    }


def as_json(found: Json) -> bytes:
    """The document as it is served."""
    return msgspec.json.encode(found)


def _operation(route: Route, answer: Json, body: Json | None) -> Json:
    summary, _, rest = (route.handler.__doc__ or "").strip().partition("\n")
    described: Json = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": summary,
        "description": f"{rest.strip()} {_SCOPES[route.scope]}".strip(),
        "parameters": list(_parameters(route)),
        "responses": {
            str(int(route.status)): {
                "description": route.status.phrase,
                "content": _content(route, answer),
            },
            **{str(status): _problem(status) for status in _statuses(route)},
        },
    }
    if route.takes_file:
        described["requestBody"] = {
            "required": True,
            "content": {"multipart/form-data": {"schema": _form(route)}},
        }
    if body is not None:
        is_needed = bool(
            route.body and any(f.is_required() for f in route.body.model_fields.values())
        )
        described["requestBody"] = {
            "required": is_needed,
            "content": {"application/json": {"schema": body}},
        }
    return described


def _content(route: Route, answer: Json) -> Json:
    """What a good answer is: JSON, or a file of one of the kinds that are kept."""
    if not route.hands_out_a_file:
        return {"application/json": {"schema": answer}}
    if route.returns is Spooled:
        return {
            "text/csv": {"schema": {"type": "string"}},
            "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
        }
    return {kind.value: {"schema": {"type": "string", "format": "binary"}} for kind in MediaType}


def _form(route: Route) -> Json:
    """The fields of a form with a file."""
    fields: Json = {"file": {"type": "string", "format": "binary"}}
    needed = ["file"]
    if route.body:
        schema = route.body.model_json_schema()
        fields |= {name: _asked(name, one, schema)["schema"] for name, one in
                   schema["properties"].items()}  # fmt: skip
        needed += schema.get("required", [])
    return {"type": "object", "required": needed, "properties": fields}


def _parameters(route: Route) -> Iterator[Json]:
    for name in route.in_path:
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    if route.query:
        schema = route.query.model_json_schema(ref_template=_REF)
        for name, described in schema["properties"].items():
            yield _asked(name, described, schema)
    if route.method != "GET":
        yield _IDEMPOTENCY_KEY


def _asked(name: str, described: Json, schema: Json) -> Json:
    """A parameter after the question mark. What may be left out is not null but not there."""
    some: list[Json] = [one for one in described.get("anyOf", ()) if one != {"type": "null"}]
    kind = {**described, **some[0]} if len(some) == 1 else dict(described)
    kind.pop("anyOf" if len(some) == 1 else "", None)
    if "$ref" in kind:
        kind |= schema["$defs"][kind.pop("$ref").rpartition("/")[2]]
    if kind.get("default", 0) is None:
        del kind["default"]
    text = described.get("description") or kind.get("description")
    kind.pop("description", None)
    return {
        "name": name,
        "in": "query",
        "required": name in schema.get("required", ()),
        "schema": kind,
        **({"description": text} if text else {}),
    }


def _statuses(route: Route) -> list[int]:
    found = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE}
    if route.in_path:
        found.add(HTTPStatus.NOT_FOUND)
    if route.query:
        found.add(HTTPStatus.UNPROCESSABLE_ENTITY)
    if route.method != "GET":
        found |= {
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.CONFLICT,
            HTTPStatus.NOT_FOUND,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNPROCESSABLE_ENTITY,
        }
    return sorted(int(status) for status in found)


def _problem(status: int) -> Json:
    return {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": _PROBLEM_REF}},
    }


def _named(schemas: Json) -> Json:
    named = {_public(name): _renamed(schema) for name, schema in schemas.items()}
    return dict(sorted(named.items()))


def _renamed(described: object) -> object:
    """The same, with the names that outsiders see."""
    if isinstance(described, list):
        return [_renamed(one) for one in described]
    if not isinstance(described, dict):
        return described
    renamed = {name: _renamed(one) for name, one in described.items()}
    if isinstance(described.get("$ref"), str):
        place, _, name = described["$ref"].rpartition("/")
        renamed["$ref"] = f"{place}/{_public(name)}"
    return renamed


def _public(name: str) -> str:
    """`Page_InvoiceRow_` as `InvoiceList`, `InvoiceRow` as `Invoice`.

    Of two types with one name each takes the last part of its module's before it.
    """
    if name.startswith("Page_") and name.endswith("_"):
        return _public(name[5:-1]) + "List"
    place, _, plain = name.rpartition("__")
    return place.rpartition("__")[2].removesuffix("s").title() + plain.removesuffix("Row")
