"""Templates of the client's page: everything escaped, a missing value is an error."""

import functools
import hashlib
from pathlib import Path
from typing import Any

from flask import url_for
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reconciler.web.admin import words
from reconciler.web.admin.pages import share

HERE = Path(__file__).parent
STATIC = HERE / "static"

# A milestone or invoice in words for whoever pays it.
STATES = {
    "draft": "Planned",
    "sent": "To pay",
    "partially_paid": "Partly paid",
    "paid": "Paid",
    "overdue": "Overdue",
    "void": "Not owed",
    "refunded": "Refunded",
    "written_off": "Closed",
}
METHODS = {"manual": "Received by hand"}


def render(template: str, **values: object) -> str:
    """The page, as HTML."""
    return _environment().get_template(template).render(**values)


def asset(name: str) -> str:
    """Where a static file is; its address changes with its content."""
    return url_for("portal.static", filename=name, v=_digest(name))


@functools.cache
def _digest(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"asset": asset, "STATES": STATES, "METHODS": METHODS, "at": _at}
    environment.filters |= {
        "money": words.shown,
        "typed": words.typed,
        "day": words.day,
        "share": share,
        "with_signs": words.with_signs,
    }
    return environment


def _at(endpoint: str, token: str, **values: str) -> str:
    given: dict[str, Any] = {"token": token, **values}
    return url_for(f"portal.{endpoint}", **given)
