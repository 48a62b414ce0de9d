"""The routes under /deposits."""

from http import HTTPStatus
from typing import Annotated

from pydantic import Field

from reconciler.books.deposits import AppliedStatus, PaymentStatus
from reconciler.reads import attachments as attachment_reads, deposits as reads
from reconciler.reads.attachments import AttachmentRow
from reconciler.reads.deposits import DepositRow
from reconciler.reads.pages import Page
from reconciler.services import applications, attachments, deposits, receipts
from reconciler.services.attachments import StoredFile
from reconciler.services.deposits import NewDeposit
from reconciler.web.api.attachments import AttachmentForm
from reconciler.web.api.fields import (
    Amount,
    Body,
    Changes,
    Currency,
    Day as Date,
    Line64,
    Line128,
    Line255,
    Paged,
    Rev,
    Words4000,
)
from reconciler.web.api.invoices import RailReferencesBody
from reconciler.web.api.receipts import ReceiptBody
from reconciler.web.api.routes import Look, Resource
from reconciler.work import Work

resource = Resource("deposits")


class DepositBody(Body):
    """Money asked for ahead of an invoice."""

    customer_id: Line128
    currency: Currency
    amount: Amount
    code: Annotated[
        Line64 | None, Field(description="The next free one if left out.", examples=["DEP-1001"])
    ] = None
    date: Annotated[Date | None, Field(description="Today, if left out.")] = None
    project_id: Line128 | None = None
    milestone_id: Line128 | None = None
    received_into: Line128 | None = None
    notes: Words4000 | None = None
    rail: Line64 = "stripe"
    rail_payment_ids: Annotated[list[Line255], Field(max_length=50, default_factory=list)]


class DepositChanges(Changes):
    """What is to be changed; what is left out stays. Once money came in, only the words."""

    customer_id: Line128 = ""
    currency: Currency = ""
    amount: Amount = 0
    code: Line64 = ""
    date: Date | None = None
    project_id: Line128 | None = None
    milestone_id: Line128 | None = None
    received_into: Line128 | None = None
    notes: Words4000 | None = None
    rev: Rev


class DepositQuery(Paged):
    """Which deposits."""

    customer_id: Line128 | None = None
    project_id: Line128 | None = None
    code: Line64 | None = None
    currency: Currency | None = None
    payment_status: PaymentStatus | None = None
    applied_status: AppliedStatus | None = None
    has_remaining: bool | None = None


class ApplicationBody(Body):
    """What of a deposit is to be used on which invoice."""

    invoice_id: Line128
    amount: Annotated[
        Amount | None,
        Field(description="As much as the deposit has and the invoice owes, if left out."),
    ] = None
    applied_on: Annotated[
        Date | None,
        Field(description="The day on which it counts: an open one; today if left out."),
    ] = None


@resource.post("/deposits", status=HTTPStatus.CREATED)
def create(work: Work, body: DepositBody) -> DepositRow:
    """Expect a deposit."""
    given = body.model_dump(exclude={"rail_payment_ids"})
    new = NewDeposit(**given, rail_payment_ids=tuple(body.rail_payment_ids))
    return reads.one(work.session, deposits.create(work, new))


@resource.get("/deposits")
def listed(look: Look, query: DepositQuery) -> Page[DepositRow]:
    """List deposits, the newest first."""
    return reads.page(look.session, query.filters, query.wanted)


@resource.get("/deposits/{deposit_id}")
def one(look: Look, deposit_id: str) -> DepositRow:
    """Read one deposit."""
    return reads.one(look.session, deposit_id)


@resource.patch("/deposits/{deposit_id}")
def patch(work: Work, deposit_id: str, body: DepositChanges) -> DepositRow:
    """Change a deposit."""
    deposits.patch(work, deposit_id, body.given(), rev=body.rev)
    return reads.one(work.session, deposit_id)


@resource.post("/deposits/{deposit_id}/applications", status=HTTPStatus.CREATED)
def apply(work: Work, deposit_id: str, body: ApplicationBody) -> DepositRow:
    """Use a deposit on an invoice."""
    applications.apply(work, deposit_id, body.invoice_id, body.amount, on=body.applied_on)
    return reads.one(work.session, deposit_id)


@resource.delete("/deposits/{deposit_id}/applications/{application_id}")
def unapply(work: Work, deposit_id: str, application_id: str) -> DepositRow:
    """Take a deposit off an invoice again, by a reversing entry."""
    applications.unapply(work, deposit_id, application_id)
    return reads.one(work.session, deposit_id)


@resource.post("/deposits/{deposit_id}/attachments", status=HTTPStatus.CREATED)
def attach(
    work: Work, deposit_id: str, body: AttachmentForm, file: StoredFile, file_name: str
) -> AttachmentRow:
    """Attach a PDF, PNG, JPEG or EML to a deposit."""
    made = attachments.keep_on_deposit(
        work, deposit_id, file_name, file, replaces=body.replaces or None
    )
    return attachment_reads.one(work.session, made)


@resource.post("/deposits/{deposit_id}/receipts", status=HTTPStatus.CREATED)
def receive(work: Work, deposit_id: str, body: ReceiptBody) -> DepositRow:
    """Book money received by hand for a deposit."""
    reads.one(work.session, deposit_id)
    receipts.receive(work, deposit_id, body.receipt())
    return reads.one(work.session, deposit_id)


@resource.post("/deposits/{deposit_id}/rail-references")
def refer(work: Work, deposit_id: str, body: RailReferencesBody) -> DepositRow:
    """Say which payment intents or sessions stand for this deposit."""
    deposits.add_references(work, deposit_id, body.rail, body.object_ids)
    return reads.one(work.session, deposit_id)
