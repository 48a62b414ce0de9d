"""The routes under /invoices."""

from datetime import date
from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import override

from reconciler.books import invoice_lines as rules
from reconciler.books.invoice_lines import Line
from reconciler.books.invoices import InvoiceStatus
from reconciler.books.people import Scope, grants
from reconciler.errors import Forbidden, NotFound
from reconciler.money import MINOR_MAX
from reconciler.reads import invoices as reads
from reconciler.reads.invoices import InvoiceRow
from reconciler.reads.pages import Page
from reconciler.services import credits_taken_back, invoices, receipts, short_payments
from reconciler.services.invoices import NewInvoice as Draft
from reconciler.services.refund_limits import policy_of
from reconciler.web.api.fields import (
    Amount,
    Body,
    Changes,
    Currency,
    Day,
    Line40,
    Line64,
    Line128,
    Line255,
    Line500,
    Paged,
    PartPayments,
    Rev,
    TakingBack,
    Words2000,
)
from reconciler.web.api.receipts import ReceiptBody
from reconciler.web.api.routes import Call, Look, Resource
from reconciler.work import Work

resource = Resource("invoices")

_RailPayments = Annotated[
    list[Line255],
    Field(
        max_length=50,
        description="Payment intents or checkout sessions made for this invoice.",
        examples=[["pi_123"]],
    ),
]


_Total = Annotated[
    Amount | None,
    Field(description="What is owed, tax included. Left out where lines say it."),
]


class LineBody(Body):
    """One line of an invoice. Its tax is added to it."""

    description: Line500
    quantity: Annotated[
        str,
        Field(max_length=18, description="An exact decimal above 0.", examples=["2.5"]),
    ] = "1"
    unit_price: Annotated[
        int,
        Field(
            strict=True,
            ge=-MINOR_MAX,
            le=MINOR_MAX,
            description="Whole minor units without tax; below 0 for a discount.",
        ),
    ]
    tax_rate: Annotated[
        str, Field(max_length=9, description="Percent, an exact decimal.", examples=["7.7"])
    ] = "0"
    tax_name: Annotated[Line40 | None, Field(examples=["VAT"])] = None

    def line(self) -> Line:
        """The same for the service."""
        return Line(**self.model_dump())


_Lines = Annotated[
    list[LineBody],
    Field(max_length=rules.LINES_MAX, description="What is invoiced, instead of only a total."),
]


Unsigned = Annotated[
    Line500 | None,
    Field(description="Why a milestone's invoice goes out before the milestone is signed off."),
]


class InvoiceBody(Body):
    """What an invoice is made of: lines, or only a total."""

    customer_id: Line128
    currency: Currency
    total: _Total = None
    lines: _Lines = Field(default_factory=list)
    number: Annotated[
        Line64 | None, Field(description="The next free one if left out.", examples=["INV-1001"])
    ] = None
    due_on: Day | None = None
    issued_on: Annotated[Day | None, Field(description="The day it is sent, if left out.")] = None
    project_id: Line128 | None = None
    milestone_id: Line128 | None = None
    description: Words2000 | None = None
    part_payments: Annotated[
        PartPayments | None, Field(description="As its customer's, if left out.")
    ] = None
    rail: Line64 = "stripe"
    rail_payment_ids: _RailPayments = Field(default_factory=list)
    rail_invoice_id: Annotated[
        Line255 | None, Field(description="The rail's own invoice that stands for this one.")
    ] = None
    send: Annotated[bool, Field(description="Send it at once.")] = False
    without_sign_off: Unsigned = None


class InvoiceChanges(Changes):
    """What is to be changed on a draft; what is left out stays."""

    customer_id: Line128 = ""
    currency: Currency = ""
    total: Amount = 0
    lines: _Lines = Field(default_factory=list)
    number: Line64 = ""
    due_on: Day | None = None
    issued_on: Day | None = None
    project_id: Line128 | None = None
    milestone_id: Line128 | None = None
    description: Words2000 | None = None
    part_payments: PartPayments | None = None
    rev: Rev

    @override
    def given(self) -> dict[str, Any]:
        """What was given, the lines as the service takes them."""
        given = super().given()
        return given | ({"lines": [one.line() for one in self.lines]} if "lines" in given else {})


class InvoiceQuery(Paged):
    """Which invoices."""

    customer_id: Line128 | None = None
    project_id: Line128 | None = None
    number: Line64 | None = None
    currency: Currency | None = None
    status: InvoiceStatus | None = None
    is_open: Annotated[bool | None, Field(description="Sent, with something outstanding.")] = None
    on_hold: Annotated[
        bool | None, Field(description="A dispute of what paid it is open or undecided.")
    ] = None
    due_before: date | None = None
    rail_reference: Line255 | None = None


class Moment(Body):
    """Nothing needs to be said, but the revision can be."""

    rev: Rev


class VoidBody(Moment):
    """What becomes of money that is on the invoice."""

    release_to: Annotated[
        Literal["credit", "deposit"] | None,
        Field(description="Without it, an invoice with money on it is not voided."),
    ] = None


class PartsBody(Moment):
    """What part may be paid at a time."""

    part_payments: Annotated[PartPayments | None, Field(description="As its customer's, if null.")]


class CreditNoteBody(Body):
    """By how much less an invoice is owed, and why."""

    amount: Amount
    reason: Line500
    freed_to: Annotated[
        Literal["credit", "deposit", "refund"] | None,
        Field(
            description="What becomes of money that paid what is credited."
            " Without it, no more than is outstanding is credited."
        ),
    ] = None


class BankFeeBody(Body):
    """What a bank took off on the way to us; we bear it."""

    amount: Annotated[Amount | None, Field(description="All that is missing, if left out.")] = None
    reason: Annotated[Line500, Field(max_length=short_payments.WHY_CHARS_MAX)]
    payment_id: Annotated[Line128 | None, Field(description="The payment that came short.")] = None


class RailReferencesBody(Body):
    """Objects of a rail that were made for this document."""

    rail: Line64 = "stripe"
    object_ids: Annotated[list[Line255], Field(min_length=1, max_length=50)]


def _one(work: Work, invoice_id: str) -> InvoiceRow:
    return reads.one(work.session, invoice_id, today=work.now.date())


class Sending(Moment):
    """The revision can be said, and why there is no sign-off."""

    without_sign_off: Unsigned = None


@resource.post("/invoices", status=HTTPStatus.CREATED)
def create(work: Work, body: InvoiceBody) -> InvoiceRow:
    """Draft an invoice, and send it if `send` says so."""
    given = body.model_dump(exclude={"send", "without_sign_off", "rail_payment_ids", "lines"})
    draft = Draft(
        **given,
        lines=tuple(one.line() for one in body.lines),
        rail_payment_ids=tuple(body.rail_payment_ids),
    )
    invoice_id = invoices.create(work, draft)
    if body.send:
        invoices.send(work, invoice_id, without_sign_off=body.without_sign_off)
    return _one(work, invoice_id)


@resource.get("/invoices")
def listed(look: Look, query: InvoiceQuery) -> Page[InvoiceRow]:
    """List invoices, the newest first."""
    return reads.page(look.session, query.filters, query.wanted, today=look.today)


@resource.get("/invoices/{invoice_id}")
def one(look: Look, invoice_id: str) -> InvoiceRow:
    """Read one invoice."""
    return reads.one(look.session, invoice_id, today=look.today)


@resource.patch("/invoices/{invoice_id}")
def patch(work: Work, invoice_id: str, body: InvoiceChanges) -> InvoiceRow:
    """Change a draft."""
    invoices.patch(work, invoice_id, body.given(), rev=body.rev)
    return _one(work, invoice_id)


@resource.post("/invoices/{invoice_id}/send")
def send(work: Work, invoice_id: str, body: Sending) -> InvoiceRow:
    """Send a draft: from here on it is owed."""
    invoices.send(work, invoice_id, rev=body.rev, without_sign_off=body.without_sign_off)
    return _one(work, invoice_id)


@resource.post("/invoices/{invoice_id}/void")
def void(work: Work, invoice_id: str, body: VoidBody) -> InvoiceRow:
    """Void an invoice. With money on it, `release_to` says what becomes of that."""
    invoices.void(work, invoice_id, rev=body.rev, release_to=body.release_to)
    return _one(work, invoice_id)


@resource.post("/invoices/{invoice_id}/credit-notes", status=HTTPStatus.CREATED)
def credit(work: Work, invoice_id: str, body: CreditNoteBody, call: Call) -> InvoiceRow:
    """Lower what an invoice is owed. To refund what that frees needs a key that may refund."""
    if body.freed_to == "refund" and not grants(call.principal.scope, Scope.REFUND):
        raise Forbidden("a refund of what is freed needs a key of scope admin")
    policy = policy_of(call.runtime.settings)
    invoices.credit_note(work, invoice_id, **body.model_dump(), policy=policy)
    return _one(work, invoice_id)


@resource.post("/invoices/{invoice_id}/credit-notes/{note_id}/take-back")
def take_credit_back(work: Work, invoice_id: str, note_id: str, body: TakingBack) -> InvoiceRow:
    """Reverse a credit note that was wrong: what it lowered is owed again."""
    if note_id not in {note.id for note in _one(work, invoice_id).credit_notes}:
        raise NotFound(f"invoice {invoice_id} has no credit note {note_id}")
    credits_taken_back.take_back(work, note_id, reason=body.reason)
    return _one(work, invoice_id)


@resource.post("/invoices/{invoice_id}/bank-fees", status=HTTPStatus.CREATED)
def bear_bank_fee(work: Work, invoice_id: str, body: BankFeeBody, call: Call) -> InvoiceRow:
    """Say that what is missing on an invoice is a bank's fee, as far as BANK_FEE_MAX allows it."""
    bounds = call.runtime.settings.bank_fee_max
    short_payments.bear(
        work, invoice_id, why=body.reason, bounds=bounds, amount=body.amount,
        payment_id=body.payment_id,
    )  # fmt: skip
    return _one(work, invoice_id)


@resource.post("/invoices/{invoice_id}/bank-fees/{fee_id}/take-back")
def take_bank_fee_back(work: Work, invoice_id: str, fee_id: str, body: TakingBack) -> InvoiceRow:
    """Reverse a bank's fee that was none: what it lowered is owed again."""
    if fee_id not in {fee.id for fee in _one(work, invoice_id).bank_fees}:
        raise NotFound(f"invoice {invoice_id} has no bank fee {fee_id}")
    short_payments.take_back(work, fee_id, reason=body.reason)
    return _one(work, invoice_id)


@resource.post("/invoices/{invoice_id}/payments", status=HTTPStatus.CREATED)
def receive(work: Work, invoice_id: str, body: ReceiptBody) -> InvoiceRow:
    """Book money received by hand for an invoice."""
    _one(work, invoice_id)
    receipts.receive(work, invoice_id, body.receipt())
    return _one(work, invoice_id)


@resource.post("/invoices/{invoice_id}/part-payments")
def take_parts(work: Work, invoice_id: str, body: PartsBody) -> InvoiceRow:
    """Say what part of an invoice may be paid at a time, also once it was sent."""
    invoices.take_parts(work, invoice_id, body.part_payments, rev=body.rev)
    return _one(work, invoice_id)


@resource.post("/invoices/{invoice_id}/rail-references")
def refer(work: Work, invoice_id: str, body: RailReferencesBody) -> InvoiceRow:
    """Say which payment intents, sessions or rail invoices stand for this invoice."""
    invoices.add_references(work, invoice_id, body.rail, body.object_ids)
    return _one(work, invoice_id)
