"""Programs' keys: made once, shown once, taken back at once."""

from flask import Response, request

from reconciler.books.people import Role, Scope
from reconciler.errors import Refused
from reconciler.reads import screens_people
from reconciler.services import api_keys
from reconciler.web.admin import errors
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.routes import Screens

screens = Screens()

SCOPES = {
    Scope.READ: "Read everything, change nothing",
    Scope.WRITE: "Read, and change documents and matches; no refunds",
    Scope.REFUND: "Read, and ask for refunds",
    Scope.ADMIN: "Everything, switches and other keys included",
}


@screens.get("/keys", Role.ADMIN)
def list_keys(desk: Desk) -> Response:
    """Every key there is or was."""
    return _list(desk)


@screens.post("/keys", Role.ADMIN)
def make_key(desk: Desk) -> Response:
    """A new key, which this answer alone shows."""
    name, scope = request.form.get("name", ""), request.form.get("scope", "")
    try:
        _, key = desk.do(lambda work: api_keys.create(work, name=name, scope=scope))
    except Refused as error:
        return _list(desk, status=422, error=errors.sentence(error))
    return _list(desk, key=key)


@screens.post("/keys/<key_id>/revoke", Role.ADMIN)
def revoke_key(desk: Desk, key_id: str) -> Response:
    """It opens nothing from here on."""
    desk.do(lambda work: api_keys.revoke(work, key_id))
    return go("list_keys", revoked=1)


def _list(desk: Desk, *, status: int = 200, error: str = "", key: str = "") -> Response:
    with desk.runtime.read() as session:
        keys = screens_people.keys(session)
    return desk.page(
        "keys.html",
        status=status,
        keys=keys,
        scopes=SCOPES,
        made=key,
        typed={name: request.form.get(name, "") if error else "" for name in ("name", "scope")},
        error=error,
        notice="The key opens nothing any more." if "revoked" in request.args else "",
    )
