"""Where the form for a refund was opened from, what it begins with, and where it opens again."""

from collections.abc import Mapping

from flask import request, url_for

from reconciler.reads.refunds import RefundRow
from reconciler.web import forms
from reconciler.web.admin.sign_in import inside

_BEGINS_WITH = ("reason", "method", "note")


def came_from() -> str:
    """The page to go back to; empty where none was said."""
    asked = request.values.get("back", "")
    return inside(asked) if asked else ""


def filled_in() -> dict[str, str]:
    """What the address fills in."""
    given = {name: request.args.get(name, "") for name in _BEGINS_WITH}
    return {name: text[: forms.NOTE_CHARS_MAX] for name, text in given.items() if text}


def here(kind: str, target: str, typed: Mapping[str, str], changes: RefundRow | None) -> str:
    """Where the form opens again with what leads to it, after a look at an account."""
    if changes:
        return url_for("admin.show_refund", refund_id=changes.id)
    kept = {name: typed[name] for name in (*_BEGINS_WITH, "again") if typed.get(name)}
    asked = {name: request.values[name] for name in ("question", "back") if name in request.values}
    return url_for("admin.ask_refund", **{kind: target} | kept | asked)  # type: ignore[arg-type]
