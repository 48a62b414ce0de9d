"""The application that rails call: apart from the screens, because it has to be quick.

It has no sessions, no cookies and no templates, and it answers 200, 400, 405, 413 or 503 only:
a rail repeats whatever gets a 5xx, so a message that we can never take must not get one.
"""

import msgspec
import structlog
from flask import Flask, Response
from typing_extensions import override
from werkzeug.exceptions import HTTPException

from reconciler.errors import Refused, TooLarge, Unavailable
from reconciler.runtime import Runtime
from webhooks.stripe import stripe_blueprint

_log = structlog.get_logger()
_RETRY_SECONDS = "5"


def create_webhook_app(runtime: Runtime) -> Flask:
    """The lean application behind /webhooks."""
    app = _Lean("webhooks", static_folder=None)
    app.url_map.strict_slashes = False  # a redirect would count as a failed delivery
    app.register_blueprint(stripe_blueprint(runtime))
    app.register_error_handler(TooLarge, lambda error: _problem(413, error))
    app.register_error_handler(Refused, lambda error: _problem(400, error))
    app.register_error_handler(Unavailable, lambda error: _problem(503, error))
    app.register_error_handler(HTTPException, _refused_by_werkzeug)
    return app


class _Lean(Flask):
    """Flask without what none of its routes uses: signals, hooks around a request, sessions.

    They take as long as proving and storing an event does.
    """

    @override
    def full_dispatch_request(self) -> Response:
        """Route, or say why not. Every route and every error handler gives a Response."""
        try:
            answer = self.dispatch_request()
        except Exception as error:  # noqa: BLE001  Flask raises again what nobody handles
            answer = self.handle_user_exception(error)
        assert isinstance(answer, Response)
        return answer


def _refused_by_werkzeug(error: HTTPException) -> Response:
    return _problem(error.code or 400, error.description or "not possible")


def _problem(status: int, error: object) -> Response:
    _log.warning("webhook.refused", status=status, why=str(error))
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
