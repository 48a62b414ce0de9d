"""The routes under /reconciliation-runs."""

from http import HTTPStatus
from typing import Annotated, Literal

from pydantic import Field

from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.reconciliation import LAG, Window
from reconciler.errors import Invalid
from reconciler.reads import reconciliation as reads
from reconciler.reads.pages import Page
from reconciler.reads.reconciliation import RunRow
from reconciler.services import reconciliation
from reconciler.web.api.fields import Body, End, Line64, Paged, Start
from reconciler.web.api.routes import Call, Look, Resource
from reconciler.work import Work

resource = Resource("reconciliation-runs")


class RunQuery(Paged):
    """Which runs."""

    rail: Line64 | None = None
    status: Literal["running", "done", "failed"] | None = None


class RunBody(Body):
    """The rail, and the window by when the rail made things."""

    rail: Line64
    since: Start
    until: Annotated[
        End | None, Field(description="Two minutes ago if left out: a rail's lists may lag.")
    ] = None


@resource.post("/reconciliation-runs", status=HTTPStatus.CREATED)
def start(work: Work, body: RunBody, call: Call) -> RunRow:
    """Begin a comparison of everything with the rail. A worker carries it out."""
    if body.rail not in call.runtime.rails or body.rail == MANUAL_RAIL:
        raise Invalid(f"rail {body.rail} lists nothing that could be compared", field="rail")
    window = Window(body.since, body.until or work.now - LAG)
    run_id = reconciliation.start(work, body.rail, reconciliation.OWN, window)
    return reads.one(work.session, run_id)


@resource.get("/reconciliation-runs")
def listed(look: Look, query: RunQuery) -> Page[RunRow]:
    """List runs, the last begun first."""
    return reads.page(look.session, query.filters, query.wanted)


@resource.get("/reconciliation-runs/{run_id}")
def one(look: Look, run_id: str) -> RunRow:
    """Read one run: how far it has come, and what it found."""
    return reads.one(look.session, run_id)
