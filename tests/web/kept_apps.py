"""One application of each kind for all tests of a worker: to make one takes as long as ten calls.

It stands before whatever runtime the test has. A test that gives its runtime other settings, or
wants two applications at once, makes one of its own.
"""

from typing import Any

from flask import Flask

from reconciler.runtime import Runtime
from reconciler.web.admin import admin_blueprint
from reconciler.web.app import create_web_app


class _Turning:
    """A runtime that is another one for each test."""

    def __init__(self) -> None:
        self.now_of: Runtime | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.now_of, name)


_kept: dict[bool, tuple[_Turning, Flask]] = {}


def kept_app(runtime: Runtime, *, with_screens: bool) -> Flask:
    """The application of this worker, from now on of this runtime."""
    if with_screens not in _kept:
        turning = _Turning()
        turning.now_of = runtime
        more = [admin_blueprint(turning)] if with_screens else []
        _kept[with_screens] = (turning, create_web_app(turning, more=more))
    turning, app = _kept[with_screens]
    turning.now_of = runtime
    app.testing = with_screens
    return app
