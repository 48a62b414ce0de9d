"""The routes under /proposals."""

from http import HTTPStatus
from typing import Annotated

from pydantic import Field

from reconciler.books import invoice_lines, plans
from reconciler.books.invoice_lines import Line
from reconciler.books.people import Scope
from reconciler.books.proposals import ProposalState
from reconciler.reads import projects as project_reads, proposals as reads
from reconciler.reads.pages import Page
from reconciler.reads.projects import ProjectRow
from reconciler.reads.proposals import ProposalRow, ProposalVersionRow
from reconciler.services import proposals
from reconciler.services.proposals import NewProposal
from reconciler.web.api.fields import (
    Body,
    Currency,
    Day,
    Line128,
    Line255,
    Line500,
    Paged,
    Rev,
    Words4000,
    Words20000,
)
from reconciler.web.api.invoices import LineBody
from reconciler.web.api.routes import Look, Resource
from reconciler.web.api.stages import StageBody
from reconciler.work import Work

resource = Resource("proposals")

_Name = Annotated[Line255, Field(max_length=proposals.NAME_CHARS_MAX)]


class ProposalBody(Body):
    """What is offered: the lines make the price, and the milestones come to it."""

    customer_id: Line128
    name: _Name
    currency: Currency
    lines: Annotated[list[LineBody], Field(min_length=1, max_length=invoice_lines.LINES_MAX)]
    milestones: Annotated[list[StageBody], Field(min_length=1, max_length=plans.STAGES_MAX)]
    introduction: Words4000 | None = None
    conditions: Words20000 | None = None
    valid_until: Annotated[Day | None, Field(description="The last day it can be accepted.")] = None

    def proposal(self) -> NewProposal:
        """As the services take it. Raises Invalid for a stage that is none."""
        return NewProposal(
            customer_id=self.customer_id,
            name=self.name,
            currency=self.currency,
            lines=[Line(**one.model_dump()) for one in self.lines],
            stages=[one.stage() for one in self.milestones],
            introduction=self.introduction,
            conditions=self.conditions,
            valid_until=self.valid_until,
        )


class RewrittenBody(ProposalBody):
    """All of a draft, anew."""

    rev: Rev


class ProposalQuery(Paged):
    """Which proposals."""

    customer_id: Line128 | None = None
    state: ProposalState | None = None


class Moment(Body):
    """Nothing needs to be said, but the revision can be."""

    rev: Rev


class WithdrawalBody(Body):
    """Why it is not offered any more."""

    reason: Line500
    rev: Rev


class AcceptanceBody(Body):
    """Who accepts, at the client's, and the hash of the text that they accept."""

    name: _Name
    sha256: Annotated[str, Field(min_length=64, max_length=64, pattern="^[0-9a-f]{64}$")]


class RefusalBody(Body):
    """Who declines, at the client's, and why if they said so."""

    name: _Name
    reason: Line500 | None = None


def _one(work: Work, proposal_id: str) -> ProposalRow:
    return reads.one(work.session, proposal_id, today=work.now.date())


@resource.post("/proposals", status=HTTPStatus.CREATED)
def create(work: Work, body: ProposalBody) -> ProposalRow:
    """Draft a proposal."""
    return _one(work, proposals.create(work, body.proposal()))


@resource.get("/proposals")
def listed(look: Look, query: ProposalQuery) -> Page[ProposalRow]:
    """List proposals, the newest first."""
    return reads.page(look.session, query.filters, query.wanted, today=look.today)


@resource.get("/proposals/{proposal_id}")
def one(look: Look, proposal_id: str) -> ProposalRow:
    """Read one proposal."""
    return reads.one(look.session, proposal_id, today=look.today)


@resource.get("/proposals/{proposal_id}/versions")
def versions(look: Look, proposal_id: str) -> list[ProposalVersionRow]:
    """List the versions that were sent, to the letter, the newest first."""
    reads.one(look.session, proposal_id, today=look.today)
    return reads.versions(look.session, proposal_id)


@resource.put("/proposals/{proposal_id}", scope=Scope.WRITE)
def rewrite(work: Work, proposal_id: str, body: RewrittenBody) -> ProposalRow:
    """Say all of a draft anew."""
    proposals.rewrite(work, proposal_id, body.proposal(), rev=body.rev)
    return _one(work, proposal_id)


@resource.post("/proposals/{proposal_id}/send")
def send(work: Work, proposal_id: str, body: Moment) -> ProposalRow:
    """Offer a draft: from here on it can be accepted."""
    proposals.send(work, proposal_id, rev=body.rev)
    return _one(work, proposal_id)


@resource.post("/proposals/{proposal_id}/withdraw")
def withdraw(work: Work, proposal_id: str, body: WithdrawalBody) -> ProposalRow:
    """Offer it no longer."""
    proposals.withdraw(work, proposal_id, reason=body.reason, rev=body.rev)
    return _one(work, proposal_id)


@resource.post("/proposals/{proposal_id}/revise")
def revise(work: Work, proposal_id: str, body: Moment) -> ProposalRow:
    """Make a draft of it again, as its next version."""
    proposals.revise(work, proposal_id, rev=body.rev)
    return _one(work, proposal_id)


@resource.post("/proposals/{proposal_id}/decline")
def decline(work: Work, proposal_id: str, body: RefusalBody) -> ProposalRow:
    """Record that the client does not want it."""
    proposals.decline(work, proposal_id, name=body.name, reason=body.reason)
    return _one(work, proposal_id)


@resource.post("/proposals/{proposal_id}/accept", status=HTTPStatus.CREATED)
def accept(work: Work, proposal_id: str, body: AcceptanceBody) -> ProjectRow:
    """Record that the client accepted it: its project, milestones and deposit are made."""
    project_id = proposals.accept(work, proposal_id, name=body.name, seen=body.sha256)
    return project_reads.one(work.session, project_id, today=work.now.date())
