"""Money is off because the database was restored: how far the rail was read, and who lets it go."""

from flask import Response

from reconciler.books.people import Role
from reconciler.errors import Forbidden, Refused
from reconciler.reads import restore as reads, screens_people
from reconciler.services import restores
from reconciler.web.admin import errors
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.routes import Screens

screens = Screens()


@screens.get("/restore")
def show_restore(desk: Desk) -> Response:
    """What was noticed, how far the rail was read again, and what is left to do."""
    return _show(desk)


@screens.post("/restore/accept", Role.ADMIN, deed="say that the books are right")
def accept_restore(desk: Desk) -> Response:
    """Say that the books are right; the second person lets money move."""
    try:
        desk.do(restores.accept)
    except Refused as error:
        status = 403 if isinstance(error, Forbidden) else 409
        return _show(desk, status=status, error=errors.sentence(error))
    return go("show_restore")


def _show(desk: Desk, *, status: int = 200, error: str = "") -> Response:
    with desk.runtime.read() as session:
        held = reads.held(session)
        who = held.accepted_by if held else None
        names = screens_people.names(session, [who] if who else [])
    return desk.page("restore.html", status=status, held=held, names=names, error=error)
