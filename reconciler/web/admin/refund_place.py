"""Where the form for a refund was opened from, what it begins with, and where it opens again."""

import json
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus

from flask import Response, request, url_for

from reconciler.ids import new_token
from reconciler.reads.refunds import RefundRow
from reconciler.services import idempotency
from reconciler.services.idempotency import Answer
from reconciler.web import forms
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.sign_in import inside
from reconciler.work import Work

_BEGINS_WITH = ("amount", "of", "reason", "note", "terms_override", "treatment", "method")
_REV = "rev"
_LED_HERE = ("again", "question")
_TYPED = "typed"  # what names, in the address, what was typed
_KEPT_AS = "typed/"  # among the answers kept for a person
_TYPED_LASTS = timedelta(days=1)  # words about people, which no erasing would find there


def came_from() -> str:
    """The page to go back to; empty where none was said."""
    asked = request.values.get("back", "")
    return inside(asked) if asked else ""


def filled_in(desk: Desk) -> dict[str, str]:
    """What the address fills in, and over it what was typed before a look at an account."""
    given = {name: request.args.get(name, "") for name in _BEGINS_WITH}
    filled = {name: text[: forms.NOTE_CHARS_MAX] for name, text in given.items() if text}
    return filled | _typed_before(desk)  # what was emptied too: it is not filled in again


def as_seen(refund: RefundRow, typed: dict[str, str]) -> RefundRow:
    """The refund at the rev that what was typed was typed over: newer words are not lost to it."""
    rev = typed.pop(_REV, "")
    return replace(refund, rev=int(rev)) if rev.isdecimal() else refund


def is_about_account() -> bool:
    """Whether the form was sent for a look at the account that the money goes to."""
    return request.form.get("do") == "account"


def to_account(
    desk: Desk, owner_id: str, kind: str, target: str, changes: RefundRow | None = None
) -> Response:
    """The page of that account, which leads back to the form with all that was typed into it."""
    kept = {_TYPED: _keep_typed(desk)}
    if changes:
        back = url_for("admin.ask_change", refund_id=changes.id, **kept)  # type: ignore[arg-type]
    else:
        asked = {n: request.values[n] for n in (*_LED_HERE, "back") if request.values.get(n)}
        back = url_for("admin.ask_refund", **{kind: target} | asked | kept)  # type: ignore[arg-type]
    return go("show_payee", owner_id=owner_id, back=back)


def _keep_typed(desk: Desk) -> str:
    """Keep what was typed for whoever typed it, and give the name that it is kept under.

    That name alone stands in the address, which proxies write down: not what somebody wrote.
    """
    name = new_token()
    given = {one: request.form[one] for one in (*_BEGINS_WITH, _REV) if one in request.form}
    typed = {one: text[: forms.NOTE_CHARS_MAX] for one, text in given.items()}
    asked = idempotency.Request(desk.person.id, _KEPT_AS + name, forms.digest(request))

    def step(work: Work) -> None:
        work.has_only_looked = True  # nothing of the books, and nobody else sees it
        answer = Answer(HTTPStatus.SEE_OTHER, json.dumps(typed))
        idempotency.keep(work, asked, answer, lasts=_TYPED_LASTS)

    desk.do(step)
    return name


def _typed_before(desk: Desk) -> dict[str, str]:
    name = request.args.get(_TYPED, "")
    with desk.runtime.read() as session:
        kept = idempotency.kept_answer(session, desk.person.id, _KEPT_AS + name) if name else None
    return dict(json.loads(kept.body)) if kept else {}
