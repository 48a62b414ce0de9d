"""The API's document as a page: our own markup, no script, nothing fetched from elsewhere."""

from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

from flask import Response

Json = dict[str, Any]

_POLICY = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'"

STYLE = """
:root { color-scheme: light dark; --line: #d5d9e0; --soft: #f5f6f8; --text: #1b1f27;
  --dim: #596273; --get: #0b6e4f; --post: #1d4fb8; --patch: #8a5a00; --delete: #a8232c; }
@media (prefers-color-scheme: dark) {
  :root { --line: #323845; --soft: #1b1f27; --text: #e8eaf0; --dim: #9aa3b5; --get: #5fd0a5;
    --post: #8fb2ff; --patch: #e6b450; --delete: #ff8b8b; }
  body { background: #12151b; }
}
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.55 system-ui, sans-serif; color: var(--text); }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1.25rem 6rem; }
h1 { font-size: 1.75rem; margin: 0 0 .5rem; letter-spacing: -.01em; }
h2 { font-size: 1.2rem; margin: 3rem 0 .75rem; padding-bottom: .35rem;
  border-bottom: 1px solid var(--line); }
h4 { margin: 1rem 0 .3rem; font-size: .85rem; color: var(--dim); }
p { margin: .5rem 0; }
nav { display: flex; flex-wrap: wrap; gap: .4rem 1rem; margin: 1.25rem 0; }
a { color: inherit; text-underline-offset: .2em; }
code, .path { font: .9em/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
details { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0; }
summary { cursor: pointer; padding: .55rem .8rem; display: flex; gap: .75rem; flex-wrap: wrap;
  align-items: baseline; }
details[open] > summary { border-bottom: 1px solid var(--line); background: var(--soft);
  border-radius: .5rem .5rem 0 0; }
.inside { padding: .4rem .9rem .9rem; }
.dim { color: var(--dim); }
.method { font: 600 .78rem/1 ui-monospace, monospace; min-width: 3.6rem; }
.get { color: var(--get); } .post { color: var(--post); } .delete { color: var(--delete); }
.patch, .put { color: var(--patch); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
td { vertical-align: top; padding: .3rem .75rem .3rem 0; border-top: 1px solid var(--line); }
:focus-visible { outline: 2px solid var(--post); outline-offset: 2px; }
""".lstrip()
_ERRORS = (
    (400, "bad-request", "The request cannot be read."),
    (401, "unauthorized", "There is no valid key on it."),
    (403, "forbidden", "The key may not do that."),
    (404, "not-found", "There is no such thing."),
    (409, "conflict", "Somebody else was first, or the same request still runs."),
    (413, "request-entity-too-large", "More bytes than are taken."),
    (422, "unprocessable-entity", "A rule or a field is in the way; `errors` names it."),
    (500, "internal-server-error", "A fault of ours; tell us the `request_id`."),
    (503, "service-unavailable", "Out of reach; nothing happened; ask again later."),
)


def page(document: Json) -> str:
    """The page."""
    return "\n".join(_page(document))


def answer(text: str) -> Response:
    """The page as it goes out."""
    response = Response(text, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _POLICY
    return response


def _page(document: Json) -> Iterator[str]:
    tags = [tag["name"] for tag in document["tags"]]
    yield from _head(document["info"], [*tags, "types", "errors"])
    for tag in tags:
        yield f'<h2 id="{tag}">{tag}</h2>'
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if tag in operation["tags"]:
                    yield from _operation(path, method, operation)
    yield '<h2 id="types">Types</h2>'
    for name, schema in document["components"]["schemas"].items():
        yield from _type(name, schema)
    yield '<h2 id="errors">Errors</h2>'
    yield _table(
        (f'<span id="{anchor}">{status}</span>', why, "") for status, anchor, why in _ERRORS
    )
    yield "</main></body></html>"


def _head(info: Json, places: list[str]) -> Iterator[str]:
    title, version = escape(info["title"]), escape(info["version"])
    yield (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title} API</title>"
        '<link rel="stylesheet" href="docs.css"></head><body><main>'
    )
    yield f"<h1>{title} API</h1>"
    yield f'<p class="dim">Version {version}, <a href="openapi.json">OpenAPI 3.1</a></p>'
    yield from (f"<p>{_inline(part)}</p>" for part in info["description"].split("\n\n"))
    links = " ".join(f'<a href="#{place}">{place}</a>' for place in places)
    yield f"<nav>{links}</nav>"


def _operation(path: str, method: str, operation: Json) -> Iterator[str]:
    yield (
        f'<details id="{escape(operation["operationId"])}"><summary>'
        f'<span class="method {method}">{method.upper()}</span>'
        f'<span class="path">{escape(path)}</span>'
        f'<span class="dim">{_inline(operation["summary"])}</span></summary><div class="inside">'
    )
    yield f"<p>{_inline(operation['description'])}</p>"
    if operation["parameters"]:
        yield "<h4>Parameters</h4>"
        yield _table(
            (escape(p["name"]), f"{_kind(p['schema'])}, in {p['in']}", p.get("description", ""))
            for p in operation["parameters"]
        )
    body = operation.get("requestBody")
    if body and "multipart/form-data" in body["content"]:
        yield "<h4>Form, multipart/form-data</h4>"
        form = body["content"]["multipart/form-data"]["schema"]
        yield _table(
            (escape(name), _kind(kind), _said(kind, is_needed=name in form["required"]))
            for name, kind in form["properties"].items()
        )
    elif body:
        yield f"<h4>Body</h4><p>{_kind(body['content']['application/json']['schema'])}</p>"
    yield "<h4>Answers</h4>"
    yield _table(
        (status, _kind(next(iter(found["content"].values()))["schema"]), found["description"])
        for status, found in operation["responses"].items()
    )
    yield "</div></details>"


def _type(name: str, schema: Json) -> Iterator[str]:
    yield (
        f'<details id="type-{escape(name)}"><summary><span class="path">{escape(name)}</span>'
        '</summary><div class="inside">'
    )
    yield f"<p>{_inline(schema.get('description', ''))}</p>"
    needed = set(schema.get("required", ()))
    yield _table(
        (escape(field), _kind(kind), _said(kind, is_needed=field in needed))
        for field, kind in schema.get("properties", {}).items()
    )
    if "enum" in schema:
        yield f"<p>{_words(schema)}</p>"
    yield "</div></details>"


def _said(kind: Json, *, is_needed: bool) -> str:
    text = str(kind.get("description", ""))
    return text if is_needed else f"Optional. {text}"


def _table(rows: Iterable[tuple[str, str, str]]) -> str:
    lines = (
        f"<tr><td><code>{name}</code></td><td>{kind}</td><td>{_inline(text)}</td></tr>"
        for name, kind, text in rows
    )
    return f'<div class="wide"><table>{"".join(lines)}</table></div>'


def _kind(schema: Json) -> str:
    """A schema in a few words; named types lead to where they are described."""
    several = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if several:
        return " or ".join(_kind(one) for one in several)
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#type-{name}">{name}</a>'
    if "enum" in schema or "const" in schema:
        return _words(schema)
    return _plain(schema)


def _plain(schema: Json) -> str:
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"map to {_kind(schema['additionalProperties'])}"
    return escape(f"{kind} ({schema['format']})" if "format" in schema else str(kind))


def _words(schema: Json) -> str:
    words = schema.get("enum", [schema.get("const")])
    return " or ".join(f"<code>{escape(str(word))}</code>" for word in words)


def _inline(text: str) -> str:
    """Words with `code` in them."""
    parts = escape(text).split("`")
    return "".join(f"<code>{p}</code>" if n % 2 else p for n, p in enumerate(parts))
