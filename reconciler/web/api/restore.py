"""The routes under /restore."""

from dataclasses import dataclass

from reconciler.books.people import Scope
from reconciler.flows import release_books
from reconciler.reads import restore as reads
from reconciler.reads.restore import Held
from reconciler.web.api.fields import Body, Line255
from reconciler.web.api.routes import Call, Look, Resource
from reconciler.work import Work

resource = Resource("restore")


class AcceptBody(Body):
    """Which admin says that the books are right: a key is not a person, so they prove who it is."""

    email: Line255
    password: Line255
    code: Line255 | None = None


@dataclass(frozen=True, slots=True)
class RestoreState:
    """Whether money is held because the database was restored, and how far the rail was read."""

    is_held: bool
    held: Held | None


@resource.get("/restore")
def state(look: Look) -> RestoreState:
    """Read whether restored books hold all refunds, and what is still to be looked at."""
    held = reads.held(look.session)
    return RestoreState(held is not None, held)


@resource.post("/restore/accept", scope=Scope.ADMIN)
def accept(work: Work, body: AcceptBody, call: Call) -> RestoreState:
    """Say as an admin that restored books are right; the second one lets money move again."""
    work.has_only_looked = True  # it is done, and noted, in that person's name
    release_books.accept_as(
        call.runtime,
        work.cause,
        email=body.email,
        password=body.password,
        address=f"key/{call.principal.id}",
        code=body.code or "",
    )
    held = reads.held(work.session)
    return RestoreState(held is not None, held)
