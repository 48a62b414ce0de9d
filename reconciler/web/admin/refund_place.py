"""Where the form for a refund was opened from, what it begins with, and where it opens again."""

from collections.abc import Mapping

from flask import Response, request, url_for

from reconciler.reads.refunds import RefundRow
from reconciler.web import forms
from reconciler.web.admin.desk import go
from reconciler.web.admin.sign_in import inside

_BEGINS_WITH = ("amount", "of", "reason", "note", "terms_override", "treatment", "method")


def came_from() -> str:
    """The page to go back to; empty where none was said."""
    asked = request.values.get("back", "")
    return inside(asked) if asked else ""


def filled_in() -> dict[str, str]:
    """What the address fills in."""
    given = {name: request.args.get(name, "") for name in _BEGINS_WITH}
    return {name: text[: forms.NOTE_CHARS_MAX] for name, text in given.items() if text}


def is_about_account() -> bool:
    """Whether the form was sent for a look at the account that the money goes to."""
    return request.form.get("do") == "account"


def to_account(owner_id: str, kind: str, target: str, changes: RefundRow | None = None) -> Response:
    """The page of that account, which leads back to the form with all that was typed into it."""
    return go("show_payee", owner_id=owner_id, back=_here(kind, target, request.form, changes))


def _here(kind: str, target: str, typed: Mapping[str, str], changes: RefundRow | None) -> str:
    kept = {name: typed[name] for name in (*_BEGINS_WITH, "again") if typed.get(name)}
    if changes:
        return url_for("admin.ask_change", refund_id=changes.id, **kept)  # type: ignore[arg-type]
    asked = {name: request.values[name] for name in ("question", "back") if name in request.values}
    return url_for("admin.ask_refund", **{kind: target} | kept | asked)  # type: ignore[arg-type]
