"""What people see when it does not go: in words, with what to do next. Never a trace."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from flask import Response, make_response, request

from reconciler.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    OutcomeUnknown,
    ReconcilerError,
    Refused,
    Unavailable,
)
from reconciler.services.guessing import TooManyAttempts
from reconciler.web.admin import pages, words
from reconciler.web.admin.desk import Desk
from reconciler.web.forms import Stale

# The first that fits wins, so a kind stands before the kind it is a kind of.
_KINDS: tuple[tuple[type[ReconcilerError], HTTPStatus, str], ...] = (
    (TooManyAttempts, HTTPStatus.TOO_MANY_REQUESTS, "Too many attempts"),
    (Stale, HTTPStatus.BAD_REQUEST, "This form could not be used"),
    (NotFound, HTTPStatus.NOT_FOUND, "There is no such thing"),
    (Forbidden, HTTPStatus.FORBIDDEN, "Your role does not do this"),
    (Conflict, HTTPStatus.CONFLICT, "Somebody else was first"),
    (Invalid, HTTPStatus.UNPROCESSABLE_ENTITY, "That could not be read"),
    (Refused, HTTPStatus.UNPROCESSABLE_ENTITY, "That is not possible"),
    (OutcomeUnknown, HTTPStatus.ACCEPTED, "It is not known yet how that came out"),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE, "The screens are out of reach"),
)
_DOWN = (
    "We are still taking in events. Only these screens are down, and nothing was changed. "
    "Try again in a minute."
)


def sentence(error: ReconcilerError) -> str:
    """What went wrong, beginning with a capital and ending in a full stop."""
    return words.sentence(str(error) or "That is not possible")


def or_again(deed: Callable[[], Response], again: Callable[[Refused], Response]) -> Response:
    """Where a form leads; refused, what `again` shows. What is not there has a page of its own."""
    try:
        return deed()
    except NotFound:
        raise
    except Refused as refusal:
        return again(refusal)


def status_of(refusal: Refused | None) -> int:
    """The status of a page that shows a form again, or for the first time."""
    if refusal is None:
        return HTTPStatus.OK
    if isinstance(refusal, Conflict):
        return HTTPStatus.CONFLICT
    return HTTPStatus.UNPROCESSABLE_ENTITY


def told(refusal: Refused | None) -> dict[str, Any]:
    """The same, with the sentence and the field that the form shows; of none, empty ones."""
    return {
        "status": status_of(refusal),
        "error": sentence(refusal) if refusal else "",
        "field": (refusal.field or "") if refusal else "",
    }


def page(desk: Desk | None, error: ReconcilerError) -> Response:
    """The page of an error that nobody nearer knew what to do about."""
    _, status, title = next(row for row in _KINDS if isinstance(error, row[0]))
    text = _DOWN if isinstance(error, Unavailable) else sentence(error)
    answer = _show(desk, status.value, title, text)
    if isinstance(error, Unavailable):
        answer.headers["Retry-After"] = "30"
    return answer


def missing(desk: Desk | None) -> Response:
    """Nothing is at this address."""
    text = "Nothing is at this address. Look for it by its id."
    return _show(desk, 404, "There is no such page", text)


def misused(desk: Desk | None, status: int) -> Response:
    """The browser asked for something that the screens do not have."""
    if status == HTTPStatus.NOT_FOUND:
        return missing(desk)
    text = "The page was not asked for in a way that it answers."
    return _show(desk, status, "That did not work", text)


def broken(desk: Desk | None, request_id: str) -> Response:
    """A fault of ours: nothing of it is shown but a number to ask by."""
    text = f"The fault is ours. Nothing was changed. When you report it, name {request_id}."
    return _show(desk, 500, "Something broke", text)


def _show(desk: Desk | None, status: int, title: str, text: str) -> Response:
    try:
        if desk is not None:
            return desk.page("error.html", status=status, title=title, text=text)
    except ReconcilerError:
        pass  # the frame needs the database; the words do not
    html = pages.render("error_bare.html", title=title, text=text, path=request.path)
    return make_response(html, status)
