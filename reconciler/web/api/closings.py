"""The routes under /ledger/closings: up to which day the books are closed."""

from http import HTTPStatus
from typing import Annotated

from pydantic import Field

from reconciler.books.people import Scope
from reconciler.reads import closings as reads
from reconciler.reads.closings import ClosedBooks
from reconciler.services import closings
from reconciler.web.api.fields import Body, Day, Line255
from reconciler.web.api.routes import Look, Resource
from reconciler.work import Work

resource = Resource("ledger-closings")


class ClosingBody(Body):
    """Up to which day, and a word about it."""

    through: Annotated[Day, Field(description="The last closed day: one that is over.")]
    note: Line255 | None = None


class ReopeningBody(Body):
    """Up to which earlier day they stay closed, and why."""

    through: Annotated[
        Day | None, Field(description="An earlier day; all books are open if left out.")
    ] = None
    reason: Line255


@resource.get("/ledger/closings")
def closed(look: Look) -> ClosedBooks:
    """Read up to which day the books are closed, and who closed and opened them."""
    return reads.books(look.session)


@resource.post("/ledger/closings", scope=Scope.ADMIN, status=HTTPStatus.CREATED)
def close(work: Work, body: ClosingBody) -> ClosedBooks:
    """Close the books through a day: nothing is posted on it or before it any more."""
    closings.close(work, body.through, note=body.note)
    return reads.books(work.session)


@resource.post("/ledger/closings/reopen", scope=Scope.ADMIN)
def reopen(work: Work, body: ReopeningBody) -> ClosedBooks:
    """Open closed books again, from an earlier day on or all of them."""
    closings.reopen(work, body.through, reason=body.reason)
    return reads.books(work.session)
