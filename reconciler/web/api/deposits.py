"""The routes under /deposits."""

from http import HTTPStatus
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import override

from reconciler.books import plans
from reconciler.books.deposit_terms import DAYS_MAX, DepositTerms
from reconciler.books.deposits import AppliedStatus, PaymentStatus
from reconciler.reads import attachments as attachment_reads, deposits as reads
from reconciler.reads.attachments import AttachmentRow
from reconciler.reads.deposits import DepositRow
from reconciler.reads.pages import Page
from reconciler.services import (
    applications,
    attachments,
    deposit_requests,
    deposits,
    forfeits,
    receipts,
)
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
from reconciler.web.api.invoices import Moment, RailReferencesBody
from reconciler.web.api.receipts import ReceiptBody
from reconciler.web.api.routes import Look, Resource
from reconciler.work import Work

resource = Resource("deposits")


class TermsBody(Body):
    """On what terms a deposit is given back."""

    once_work_has_begun: Annotated[
        bool, Field(description="It is forfeited once the work has begun.")
    ] = False
    refundable_within_days: Annotated[
        int | None,
        Field(ge=0, le=DAYS_MAX, description="It is forfeited so many days after it was paid."),
    ] = None
    kept_percent: Annotated[
        str, Field(max_length=6, description="What is kept then.", examples=["20"])
    ] = "100"

    def terms(self) -> DepositTerms:
        """The same for the service."""
        return DepositTerms(
            once_begun=self.once_work_has_begun,
            within_days=self.refundable_within_days,
            kept=plans.share(self.kept_percent, field="terms.kept_percent"),
        )


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
    due_on: Date | None = None
    expires_on: Annotated[
        Date | None,
        Field(description="The last day on which it is asked for, if nothing of it has come."),
    ] = None
    terms: Annotated[
        TermsBody | None, Field(description="All that remains is given back, if left out.")
    ] = None
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
    due_on: Date | None = None
    expires_on: Date | None = None
    terms: TermsBody | None = None
    rev: Rev

    @override
    def given(self) -> dict[str, Any]:
        """What was given, the terms as the service takes them."""
        given = super().given()
        return given | ({"terms": self.terms and self.terms.terms()} if "terms" in given else {})


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


class ForfeitBody(Body):
    """What of a deposit is kept as income."""

    amount: Annotated[
        Amount | None, Field(description="As much as its terms keep, if left out.")
    ] = None
    on: Annotated[
        Date | None,
        Field(description="The day on which it counts: an open one; today if left out."),
    ] = None


class WorkBegan(Body):
    """The day on which work began."""

    on: Annotated[Date | None, Field(description="Null: it has not begun.")]
    rev: Rev


class EndBody(Body):
    """Why it is asked for no more."""

    why: Annotated[Line255, Field(examples=["The client went elsewhere"])]
    rev: Rev


@resource.post("/deposits", status=HTTPStatus.CREATED)
def create(work: Work, body: DepositBody) -> DepositRow:
    """Expect a deposit."""
    given = body.model_dump(exclude={"rail_payment_ids", "terms"})
    terms = body.terms.terms() if body.terms else None
    new = NewDeposit(**given, terms=terms, rail_payment_ids=tuple(body.rail_payment_ids))
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


@resource.post("/deposits/{deposit_id}/forfeits", status=HTTPStatus.CREATED)
def keep(work: Work, deposit_id: str, body: ForfeitBody) -> DepositRow:
    """Keep of a deposit as income what its terms keep, or less."""
    forfeits.keep(work, deposit_id, body.amount, on=body.on)
    return reads.one(work.session, deposit_id)


@resource.delete("/deposits/{deposit_id}/forfeits/{forfeit_id}")
def hold_again(work: Work, deposit_id: str, forfeit_id: str) -> DepositRow:
    """Hold again for the customer what was kept of a deposit, by a reversing entry."""
    forfeits.take_back(work, deposit_id, forfeit_id)
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


@resource.post("/deposits/{deposit_id}/work-began")
def begin_work(work: Work, deposit_id: str, body: WorkBegan) -> DepositRow:
    """Say when the work began that a deposit was paid for: its terms may keep it from then on."""
    deposit_requests.begin_work(work, deposit_id, body.on, rev=body.rev)
    return reads.one(work.session, deposit_id)


@resource.post("/deposits/{deposit_id}/end")
def end(work: Work, deposit_id: str, body: EndBody) -> DepositRow:
    """Ask for a deposit no more. Money that comes for it all the same is taken."""
    deposit_requests.end(work, deposit_id, why=body.why, rev=body.rev)
    return reads.one(work.session, deposit_id)


@resource.post("/deposits/{deposit_id}/ask-again")
def ask_again(work: Work, deposit_id: str, body: Moment) -> DepositRow:
    """Ask again for what of a deposit has not come."""
    deposit_requests.ask_again(work, deposit_id, rev=body.rev)
    return reads.one(work.session, deposit_id)


@resource.post("/deposits/{deposit_id}/rail-references")
def refer(work: Work, deposit_id: str, body: RailReferencesBody) -> DepositRow:
    """Say which payment intents or sessions stand for this deposit."""
    deposits.add_references(work, deposit_id, body.rail, body.object_ids)
    return reads.one(work.session, deposit_id)
