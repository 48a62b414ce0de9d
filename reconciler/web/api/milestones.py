"""The routes under /milestones."""

from http import HTTPStatus
from typing import Annotated

from pydantic import Field

from reconciler.books.milestones import MilestoneKind
from reconciler.reads import (
    deposits as deposit_reads,
    invoices as invoice_reads,
    milestones as reads,
)
from reconciler.reads.deposits import DepositRow
from reconciler.reads.invoices import InvoiceRow
from reconciler.reads.milestones import MilestoneRow
from reconciler.reads.pages import Page
from reconciler.services import billing, milestones, sign_offs
from reconciler.services.attachments import StoredFile
from reconciler.services.billing import Wanted
from reconciler.web.api.fields import (
    Amount,
    Body,
    Changes,
    Day,
    Line64,
    Line128,
    Line255,
    Paged,
    Rev,
    Words2000,
)
from reconciler.web.api.routes import Look, Resource
from reconciler.web.api.stages import Kind
from reconciler.work import Work

resource = Resource("milestones")


class MilestoneChanges(Changes):
    """What is to be changed; what is left out stays."""

    kind: Kind = MilestoneKind.NAMED
    name: Annotated[Line255, Field(max_length=milestones.NAME_CHARS_MAX)] = ""
    description: Annotated[Words2000 | None, Field(max_length=milestones.DESCRIPTION_CHARS_MAX)] = (
        None
    )
    amount: Amount = 0
    due_on: Day | None = None
    rev: Rev


class MilestoneQuery(Paged):
    """Which milestones."""

    project_id: Line128 | None = None
    customer_id: Line128 | None = None
    kind: MilestoneKind | None = None


class MilestoneInvoice(Body):
    """What may be said of the invoice; the rest follows from the milestone."""

    number: Annotated[Line64 | None, Field(description="The next free one if left out.")] = None
    due_on: Annotated[Day | None, Field(description="As the milestone, if left out.")] = None
    rev: Rev


class SignOffForm(Body):
    """Who signed the document, if that is to be shown."""

    signed_by_name: Annotated[Line255 | None, Field(max_length=sign_offs.SIGNER_CHARS_MAX)] = None


class Moment(Body):
    """Nothing needs to be said, but the revision can be."""

    rev: Rev


def _one(work: Work, milestone_id: str) -> MilestoneRow:
    return reads.one(work.session, milestone_id, today=work.now.date())


@resource.get("/milestones")
def listed(look: Look, query: MilestoneQuery) -> Page[MilestoneRow]:
    """List milestones, the newest first."""
    return reads.page(look.session, query.filters, query.wanted, today=look.today)


@resource.get("/milestones/{milestone_id}")
def one(look: Look, milestone_id: str) -> MilestoneRow:
    """Read one milestone."""
    return reads.one(look.session, milestone_id, today=look.today)


@resource.patch("/milestones/{milestone_id}")
def patch(work: Work, milestone_id: str, body: MilestoneChanges) -> MilestoneRow:
    """Change a milestone; its amount and kind only while no document asks for it."""
    milestones.patch(work, milestone_id, body.given(), rev=body.rev)
    return _one(work, milestone_id)


@resource.delete("/milestones/{milestone_id}")
def drop(work: Work, milestone_id: str) -> MilestoneRow:
    """Give a milestone up that no document asks for; answers with how it stood."""
    before = _one(work, milestone_id)
    milestones.drop(work, milestone_id)
    return before


@resource.post("/milestones/{milestone_id}/invoice", status=HTTPStatus.CREATED)
def bill(work: Work, milestone_id: str, body: MilestoneInvoice) -> InvoiceRow:
    """Draft the milestone's invoice."""
    wanted = Wanted(number=body.number, due_on=body.due_on)
    invoice_id = billing.invoice(work, milestone_id, wanted, rev=body.rev)
    return invoice_reads.one(work.session, invoice_id, today=work.now.date())


@resource.post("/milestones/{milestone_id}/deposit", status=HTTPStatus.CREATED)
def ask_for_deposit(work: Work, milestone_id: str, body: Moment) -> DepositRow:
    """Ask for a deposit milestone's money ahead: held for the client until an invoice uses it."""
    deposit_id = billing.deposit(work, milestone_id, rev=body.rev)
    return deposit_reads.one(work.session, deposit_id)


@resource.post("/milestones/{milestone_id}/sign-offs", status=HTTPStatus.CREATED)
def sign_off(
    work: Work, milestone_id: str, body: SignOffForm, file: StoredFile, file_name: str
) -> MilestoneRow:
    """Attach the document by which the client signed off: a PDF, PNG, JPEG or EML."""
    sign_offs.sign_off_by_file(
        work, milestone_id, file_name, file, signed_by=body.signed_by_name or None
    )
    return _one(work, milestone_id)
