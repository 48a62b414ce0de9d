"""Templates of the client's page: everything escaped, a missing value is an error."""

import functools
from datetime import date
from pathlib import Path
from typing import Any

from flask import url_for
from jinja2 import Environment

from reconciler.web import templating
from reconciler.web.admin import words
from reconciler.web.admin.pages import share

HERE = Path(__file__).parent
STATIC = HERE / "static"
asset = templating.assets("portal.static", STATIC)

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
    "on_hold": "Under discussion",
}
# While a dispute of what paid an invoice is undecided.
IN_DISPUTE = "What you paid is under discussion with your bank: there is nothing to pay now."
OFFERS = {
    "sent": "Waits for your answer",
    "expired": "No longer valid",
    "accepted": "Accepted",
    "declined": "Declined",
    "withdrawn": "Withdrawn",
    "draft": "Replaced",
}
METHODS = {"manual": "Received by hand"}


def render(template: str, **values: object) -> str:
    """The page, as HTML."""
    return _environment().get_template(template).render(**values)


@functools.cache
def _environment() -> Environment:
    environment = templating.environment(HERE / "templates")
    environment.globals |= {
        "asset": asset,
        "STATES": STATES,
        "IN_DISPUTE": IN_DISPUTE,
        "METHODS": METHODS,
        "OFFERS": OFFERS,
        "at": _at,
    }
    environment.filters |= {
        "money": words.shown,
        "typed": words.typed,
        "day": words.day,
        "iso_day": lambda written: words.day(date.fromisoformat(written)),
        "share": share,
        "with_signs": words.with_signs,
    }
    return environment


def _at(endpoint: str, token: str, **values: str) -> str:
    given: dict[str, Any] = {"token": token, **values}
    return url_for(f"portal.{endpoint}", **given)
