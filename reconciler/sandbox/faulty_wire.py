"""The network between a program and the sandbox: where the accidents of `faults` happen."""

import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from reconciler.sandbox.faults import Fault, Faults
from reconciler.sandbox.json_types import Json

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

FAULT_KEY = "reconciler.sandbox.fault"
_INSIDE = ("slow", "saved_500")  # the app itself lets these happen, with the key in its hand
_REASONS = {
    409: "Conflict",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
_ANY_ERROR: Json = {"message": "An unknown error occurred.", "type": "api_error"}
_ERRORS: dict[int, Json] = {
    409: {"code": "lock_timeout", "message": "The object is in use.", "type": "api_error"},
    429: {
        "code": "rate_limit",
        "message": "Request rate limit exceeded.",
        "type": "invalid_request_error",
    },
}
_SHUT_BOTH_WAYS = 2


@dataclass(frozen=True, slots=True)
class _Exchange:
    """One request on its way, and what is to befall it."""

    app: "WSGIApplication"
    faults: Faults
    fault: Fault
    environ: "WSGIEnvironment"
    start: "StartResponse"

    def body(self) -> bytes:
        """The request's body, read."""
        size = int(self.environ.get("CONTENT_LENGTH") or 0)
        read: bytes = self.environ["wsgi.input"].read(size) if size else b""
        return read

    def hang_up(self) -> NoReturn:
        """Close the connection without a word.

        The server hands its socket over where it can (werkzeug and gunicorn do); elsewhere the
        exception alone has to do, and some servers make a 500 of it.
        """
        connection = self.environ.get("werkzeug.socket") or self.environ.get("gunicorn.socket")
        if connection is not None:
            connection.shutdown(_SHUT_BOTH_WAYS)
        raise ConnectionAbortedError("the sandbox hung up, as it was told to")


class FaultyWire:
    """Stands before the app, as the network does."""

    def __init__(self, app: "WSGIApplication", faults: Faults) -> None:
        self._app = app
        self._faults = faults

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Serve a request, or let its accident happen."""
        fault = self._faults.take(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        if fault is None:
            return self._app(environ, start_response)
        if fault.kind in _INSIDE:
            environ[FAULT_KEY] = fault
            return self._app(environ, start_response)
        exchange = _Exchange(self._app, self._faults, fault, environ, start_response)
        return _ACCIDENTS[fault.kind](exchange)


def saved_500() -> Json:
    """The body of a 500 that is kept under the idempotency key."""
    return {"error": dict(_ANY_ERROR)}


def _delay(exchange: _Exchange) -> Iterable[bytes]:
    exchange.faults.pause(exchange.fault.seconds)
    return exchange.app(exchange.environ, exchange.start)


def _drop_before(exchange: _Exchange) -> NoReturn:
    exchange.body()
    exchange.hang_up()


def _drop_after(exchange: _Exchange) -> NoReturn:
    _run(exchange.app, exchange.environ)
    exchange.hang_up()


def _late_effect(exchange: _Exchange) -> NoReturn:
    copied = dict(exchange.environ) | {"wsgi.input": io.BytesIO(exchange.body())}
    exchange.faults.later(exchange.fault.seconds, lambda: _run_late(exchange.app, copied))
    exchange.hang_up()


def _half_body(exchange: _Exchange) -> Iterable[bytes]:
    status, headers, body = _run(exchange.app, exchange.environ)
    kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
    exchange.start(status, [*kept, ("Content-Length", str(len(body)))])
    return _broken(exchange, body)


def _broken(exchange: _Exchange, body: bytes) -> Iterator[bytes]:
    yield body[: len(body) // 2]
    exchange.hang_up()


def _answer(exchange: _Exchange) -> Iterable[bytes]:
    exchange.body()
    status = exchange.fault.status
    body = json.dumps({"error": _ERRORS.get(status, _ANY_ERROR)}, indent=2).encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Request-Id", "req_fault"),
    ]
    if exchange.fault.should_retry is not None:
        headers.append(("Stripe-Should-Retry", exchange.fault.should_retry))
    exchange.start(f"{status} {_REASONS.get(status, 'Error')}", headers)
    return [body]


def _redirect(exchange: _Exchange) -> Iterable[bytes]:
    exchange.body()
    place = str(exchange.environ["PATH_INFO"])
    exchange.start("302 Found", [("Location", place), ("Content-Length", "0")])
    return [b""]


def _run(
    app: "WSGIApplication", environ: "WSGIEnvironment"
) -> tuple[str, list[tuple[str, str]], bytes]:
    """Carry a request out and keep its answer."""
    said: list[tuple[str, list[tuple[str, str]]]] = []

    def start(status: str, headers: list[tuple[str, str]], *_: object) -> Callable[[bytes], object]:
        said.append((status, headers))
        return len

    chunks = app(environ, start)
    try:
        body = b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    status, headers = said[-1]
    return status, headers, body


def _run_late(app: "WSGIApplication", environ: "WSGIEnvironment") -> None:
    _run(app, environ)


_ACCIDENTS: dict[str, Callable[[_Exchange], Iterable[bytes]]] = {
    "answer": _answer,
    "delay": _delay,
    "drop_after": _drop_after,
    "drop_before": _drop_before,
    "half_body": _half_body,
    "late_effect": _late_effect,
    "redirect": _redirect,
}
