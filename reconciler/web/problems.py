"""Every error as a problem document (RFC 9457), by what the caller can do about it.

One table, read along the error's own ancestry: a new kind of refusal needs no line here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from flask import Blueprint, Flask, Response, g, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from reconciler.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    OutcomeUnknown,
    ReconcilerError,
    Refused,
    TooLarge,
    Unavailable,
)

_log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 2
_ERRORS_MAX = 50  # a body can be wrong in more ways than anybody reads


class Malformed(ReconcilerError):
    """The request cannot be read at all."""


class Unauthorized(ReconcilerError):
    """Nobody we know is asking."""


class ManyInvalid(Invalid):
    """Several fields are wrong at once."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        first = errors[0]
        super().__init__(f"{first[0]}: {first[1]}", field=first[0])
        self.errors = errors


_STATUS: Mapping[type[BaseException], HTTPStatus] = {
    Malformed: HTTPStatus.BAD_REQUEST,
    Unauthorized: HTTPStatus.UNAUTHORIZED,
    Refused: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotFound: HTTPStatus.NOT_FOUND,
    Forbidden: HTTPStatus.FORBIDDEN,
    Conflict: HTTPStatus.CONFLICT,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    OutcomeUnknown: HTTPStatus.ACCEPTED,
}
_TITLES = {
    HTTPStatus.BAD_REQUEST: "The request cannot be read",
    HTTPStatus.UNAUTHORIZED: "No valid API key",
    HTTPStatus.FORBIDDEN: "Not allowed",
    HTTPStatus.NOT_FOUND: "Not found",
    HTTPStatus.METHOD_NOT_ALLOWED: "Not possible here",
    HTTPStatus.CONFLICT: "Somebody else was first",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Too large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Not possible as asked",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong here",
    HTTPStatus.SERVICE_UNAVAILABLE: "Out of reach; nothing happened",
    HTTPStatus.ACCEPTED: "Sent, the outcome is not known yet",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, as it is answered."""

    status: int
    detail: str
    errors: list[tuple[str, str]] = field(default_factory=list)
    request_id: str | None = None

    def body(self) -> str:
        """The problem document."""
        status = HTTPStatus(self.status)
        said: dict[str, Any] = {
            "type": f"/api/v1/docs#{status.phrase.lower().replace(' ', '-')}",
            "title": _TITLES.get(status, status.phrase),
            "status": self.status,
            "detail": self.detail,
            "errors": [{"field": name, "message": message} for name, message in self.errors],
        }
        if self.request_id:
            said["request_id"] = self.request_id
        return msgspec.json.encode(said).decode()

    def response(self) -> Response:
        """The problem document, with the headers that belong to its status."""
        answer = Response(self.body(), self.status, content_type=MEDIA_TYPE)
        if self.status == HTTPStatus.SERVICE_UNAVAILABLE:
            answer.headers["Retry-After"] = str(RETRY_SECONDS)
        if self.status == HTTPStatus.UNAUTHORIZED:
            answer.headers["WWW-Authenticate"] = 'Bearer realm="reconciler"'
        return answer


def problem_of(error: ReconcilerError) -> Problem:
    """What an error of ours is answered with."""
    status = next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
    errors: list[tuple[str, str]] = []
    if isinstance(error, ManyInvalid):
        errors = error.errors
    elif isinstance(error, Refused) and error.field:
        errors = [(error.field, str(error))]
    return Problem(status, str(error), errors)


def invalid(error: ValidationError) -> ManyInvalid:
    """Each wrong field by its name, in words, without repeating what was sent."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return ManyInvalid(
        [
            (".".join(str(part) for part in one["loc"]) or "body", _in_words(one["msg"]))
            for one in found[:_ERRORS_MAX]
        ]
    )


def answer_errors(place: Flask | Blueprint) -> None:
    """Answer every error raised in `place` with a problem document."""
    place.register_error_handler(ReconcilerError, lambda e: problem_of(e).response())
    place.register_error_handler(HTTPException, of_werkzeug)
    place.register_error_handler(Exception, _unexpected)


def of_werkzeug(error: HTTPException) -> Response:
    """A problem document for what was refused before any of our code ran."""
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    answer = Problem(status, error.description or "not possible").response()
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = dict(error.get_headers()).get("Allow", "")
        answer.headers["Allow"] = allowed
    return answer


def _unexpected(error: Exception) -> Response:
    request_id = g.get("request_id", "")
    _log.error(
        "request.failed",
        request_id=request_id,
        method=request.method,
        path=request.path,
        exc_info=error,
    )
    detail = "this is a fault of ours; tell us the request_id"
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail, [], request_id).response()


def _in_words(message: str) -> str:
    return message.removeprefix("Value error, ")
