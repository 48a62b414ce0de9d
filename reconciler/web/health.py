"""/healthz: the process is up. /readyz: it can do its work."""

import msgspec
from flask import Blueprint, Response

from reconciler.errors import Unavailable
from reconciler.migrations_runner import newest
from reconciler.reads import readiness
from reconciler.runtime import Runtime


def health_blueprint(runtime: Runtime) -> Blueprint:
    """Both probes. They need no key and tell nothing but how it is."""
    blueprint = Blueprint("health", __name__)
    wanted = newest()

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return _answer({"status": "ok"}, 200)

    @blueprint.get("/readyz")
    def readyz() -> Response:
        found = {"database": "ok", "redis": "ok", "migrations": "ok"}
        try:
            with runtime.read() as session:
                at = readiness.revision(session)
        except Unavailable as error:
            found["database"], found["migrations"] = str(error), "not known"
        else:
            if at != wanted:
                found["migrations"] = f"at {at or 'nothing'}, wanted {wanted}: run `migrate`"
        if not runtime.queue.is_reachable():
            found["redis"] = "Redis is out of reach"
        is_ready = all(state == "ok" for state in found.values())
        return _answer(
            {"status": "ok" if is_ready else "not ready", **found}, 200 if is_ready else 503
        )

    return blueprint


def _answer(found: dict[str, str], status: int) -> Response:
    response = Response(msgspec.json.encode(found), status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
