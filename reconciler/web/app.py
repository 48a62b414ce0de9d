"""All but /webhooks: API, probes, metrics, the client's page, and what is joined to it."""

from collections.abc import Iterable

from flask import Blueprint, Flask, Response
from werkzeug.exceptions import HTTPException

from reconciler.runtime import Runtime
from reconciler.web import http, problems
from reconciler.web.api.blueprint import PREFIX, api_blueprint
from reconciler.web.health import health_blueprint
from reconciler.web.metrics import metrics_blueprint
from reconciler.web.portal import portal_blueprint


def create_web_app(runtime: Runtime, more: Iterable[Blueprint] = ()) -> Flask:
    """The application, with `more` blueprints (the screens) joined to it."""
    app = Flask("reconciler", static_folder=None)
    app.url_map.strict_slashes = False
    app.before_request(http.name_request)
    app.after_request(http.add_headers)
    if runtime.settings.base_url.startswith("https://"):
        app.after_request(http.only_encrypted)
    for blueprint in (
        api_blueprint(runtime), health_blueprint(runtime), metrics_blueprint(runtime),
        portal_blueprint(runtime), *more,
    ):  # fmt: skip
        app.register_blueprint(blueprint)
    app.register_error_handler(HTTPException, _of_nobody)
    app.add_url_rule("/", endpoint="home", view_func=_home)
    return app


def _home() -> Response:
    return Response("", 302, {"Location": "/admin/", "Cache-Control": "no-store"})


def _of_nobody(error: HTTPException) -> Response:
    """No blueprint has such a path, or not with this method."""
    return problems.of_werkzeug(error)


__all__ = ["PREFIX", "create_web_app"]
