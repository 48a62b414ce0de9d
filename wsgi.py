"""Joins the HTTP surfaces: what rails call, what programs call, what people open."""

import functools
from wsgiref.types import WSGIApplication

from werkzeug.middleware.dispatcher import DispatcherMiddleware

from reconciler.logs import set_up_logs
from reconciler.runtime import Runtime
from reconciler.settings import from_environment
from reconciler.web.admin.blueprint import admin_blueprint
from reconciler.web.app import create_web_app
from webhooks.app import create_webhook_app

THREADS = 8  # each holds at most one connection to the database; see cli/up.py


def create_app(runtime: Runtime | None = None) -> WSGIApplication:
    """Everything that is served over HTTP. Raises SettingsError without a fit environment."""
    if runtime is None:
        set_up_logs()
        runtime = Runtime.from_settings(from_environment().checked_for_work(), pool_size=THREADS)
        runtime.bell.tell_of_what_is_counted()
    web = create_web_app(runtime, more=[admin_blueprint(runtime)])
    return DispatcherMiddleware(web, {"/webhooks": create_webhook_app(runtime)})


@functools.cache
def _served() -> WSGIApplication:
    return create_app()


def __getattr__(name: str) -> WSGIApplication:
    """`wsgi:app`, made when a server asks for it and not when this file is read."""
    if name != "app":
        raise AttributeError(name)
    return _served()
