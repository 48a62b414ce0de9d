"""The application that rails call: apart from the screens, because it has to be quick.

It has no sessions, no cookies and no templates, and it answers 200, 400, 405, 413 or 503 only:
a rail repeats whatever gets a 5xx, so a message that we can never take must not get one.
"""

from collections.abc import Iterable
from functools import partial
from http import HTTPStatus
from wsgiref.types import StartResponse, WSGIEnvironment

import msgspec
import structlog
from flask import Flask, Response, request
from typing_extensions import override
from werkzeug.exceptions import HTTPException

from reconciler import tally
from reconciler.errors import Refused, TooLarge, Unavailable
from reconciler.runtime import Runtime
from webhooks.receive import BODY_BYTES_MAX, Door
from webhooks.stripe import stripe_door

_log = structlog.get_logger()
_RETRY_SECONDS = "5"
_LENGTH_DIGITS_MAX = len(str(BODY_BYTES_MAX)) - 1  # a number that is shorter is smaller
_JSON = ("Content-Type", "application/json")


def create_webhook_app(runtime: Runtime) -> Flask:
    """The lean application behind /webhooks."""
    return _Lean({"/stripe": stripe_door(runtime)})


class _Lean(Flask):
    """Flask, for whatever a rail does not do; and past it a short cut for what each of them does.

    To route a call, to give it a context and to build its answer takes Flask several times as long
    as it takes to prove and read an event.
    """

    def __init__(self, doors: dict[str, Door]) -> None:
        super().__init__("webhooks", static_folder=None)
        self._doors = doors
        self.url_map.strict_slashes = False  # a redirect would count as a failed delivery
        for path, door in doors.items():
            self.add_url_rule(path, path, partial(_taken, door), methods=["POST"])
        for kind in (Refused, Unavailable):
            self.register_error_handler(kind, _refused)
        self.register_error_handler(HTTPException, _refused_by_werkzeug)

    @override
    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        door = self._doors.get(environ["PATH_INFO"])
        if door is None or environ["REQUEST_METHOD"] != "POST" or not _names_its_length(environ):
            return super().wsgi_app(environ, start_response)
        try:
            answer = door(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])), environ)
        except (Refused, Unavailable) as error:
            return _refused(error)(environ, start_response)
        start_response("200 OK", [_JSON, ("Content-Length", str(len(answer)))])
        return [answer]


def _names_its_length(environ: WSGIEnvironment) -> bool:
    """Whether the body is as long as it says, and not too long to be an event."""
    length = environ.get("CONTENT_LENGTH", "")
    return length.isdecimal() and len(length) <= _LENGTH_DIGITS_MAX


def _taken(door: Door) -> Response:
    # Where no length is said, reading stops at the limit and says nothing: one byte more tells.
    request.max_content_length = BODY_BYTES_MAX + 1
    is_too_long = (request.content_length or 0) > BODY_BYTES_MAX
    body = b"" if is_too_long else request.get_data(cache=False)
    if is_too_long or len(body) > BODY_BYTES_MAX:
        raise TooLarge("an event is at most 1 MiB")
    return Response(door(body, request.environ), headers=[_JSON])


def _refused_by_werkzeug(error: HTTPException) -> Response:
    return _problem(error.code or 400, error.description or "not possible")


def _refused(error: Refused | Unavailable) -> Response:
    if isinstance(error, TooLarge):
        return _problem(413, error)
    return _problem(503 if isinstance(error, Unavailable) else 400, error)


def _problem(status: int, error: object) -> Response:
    _log.warning("webhook.refused", status=status, why=str(error))
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:  # it never came to a door, which counts
        tally.count("webhook_received_total", request.path.strip("/"), "too_large")
    response = Response(
        f'{{"type": "about:blank", "title": "{_TITLES.get(status, "Refused")}", '
        f'"status": {status}, "detail": {_quoted(str(error))}}}',
        status,
        content_type="application/problem+json",
    )
    if status == 503:
        response.headers["Retry-After"] = _RETRY_SECONDS
    return response


_TITLES = {400: "Bad request", 405: "Method not allowed", 413: "Too large", 503: "Unavailable"}


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()
