"""The routes under /disputes."""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from reconciler.books.disputes import Decision, Kind, Stage
from reconciler.reads import disputes as reads
from reconciler.reads.disputes import DisputeRow
from reconciler.reads.pages import Page
from reconciler.services import disputes
from reconciler.web import rail_pages
from reconciler.web.api.fields import Body, Line128, Line255, Paged, Rev, Words2000
from reconciler.web.api.routes import Call, Look, Resource
from reconciler.work import Work

resource = Resource("disputes")


class DisputeQuery(Paged):
    """Which disputes."""

    payment_id: Line128 | None = None
    customer_id: Line128 | None = None
    rail_dispute_id: Annotated[
        Line255 | None, Field(description="The rail's id; of a return that of its charge.")
    ] = None
    kind: Kind | None = None
    stage: Stage | None = None
    decision: Decision | None = None
    on_hold: Annotated[bool | None, Field(description="Open, or lost and nobody has decided.")] = (
        None
    )


class DecideBody(Body):
    """What becomes of a loss; `undecided` takes back what was said."""

    decision: Annotated[
        Literal["chase", "write_off", "credit", "undecided"],
        Field(
            description="`chase`: it stays owed. `write_off`: we bear it. `credit`: nobody owes."
        ),
    ]
    note: Words2000 = ""
    rev: Rev


@resource.get("/disputes")
def listed(look: Look, query: DisputeQuery, call: Call) -> Page[DisputeRow]:
    """List disputes and returns, the last opened first."""
    page = reads.page(look.session, query.filters, query.wanted, now=look.now)
    return Page([_linked(row, call) for row in page.data], page.next_cursor)


@resource.get("/disputes/{dispute_id}")
def one(look: Look, dispute_id: str, call: Call) -> DisputeRow:
    """Read one dispute: its history, its movements and what the books hold of it."""
    return _linked(reads.one(look.session, dispute_id, now=look.now), call)


@resource.post("/disputes/{dispute_id}/decide")
def decide(work: Work, dispute_id: str, body: DecideBody, call: Call) -> DisputeRow:
    """Say what becomes of a loss, or take it back; the books follow by new entries."""
    decision = Decision(body.decision)
    disputes.decide(work, dispute_id, decision, note=body.note, rev=body.rev)
    work.session.flush()
    return _linked(reads.one(work.session, dispute_id, now=work.now), call)


def _linked(row: DisputeRow, call: Call) -> DisputeRow:
    return replace(row, url=rail_pages.of_dispute(row, call.runtime.settings))
