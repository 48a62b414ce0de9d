"""The routes under /prepayments."""

from http import HTTPStatus
from typing import Annotated

from pydantic import Field

from reconciler.books.invoice_lines import LINES_MAX
from reconciler.books.prepayments import PrepaymentKind, PrepaymentStatus
from reconciler.reads import prepayments as reads
from reconciler.reads.pages import Page
from reconciler.reads.prepayments import PrepaymentRow
from reconciler.services import bill_payments, prepayments, vendor_credits
from reconciler.services.bill_payments import Paid
from reconciler.services.prepayments import NewPrepayment
from reconciler.services.vendor_credits import NewCredit
from reconciler.web.api.bills import CostLineBody
from reconciler.web.api.fields import (
    Amount,
    Body,
    Changes,
    Currency,
    Day,
    Line64,
    Line128,
    Line255,
    Paged,
    Rev,
    Words4000,
)
from reconciler.web.api.invoices import Moment
from reconciler.web.api.routes import Look, Resource
from reconciler.work import Work

resource = Resource("prepayments")

_Reference = Annotated[Line255 | None, Field(max_length=bill_payments.REFERENCE_CHARS_MAX)]


class PrepaymentBody(Body):
    """Money that left the bank for a vendor, ahead of their bill."""

    vendor_id: Line128
    currency: Currency
    amount: Amount
    paid_on: Day
    reference: _Reference = None
    code: Annotated[
        Line64 | None, Field(description="The next free one if left out.", examples=["PRE-1001"])
    ] = None
    notes: Words4000 | None = None


class PrepaymentChanges(Changes):
    """The words around it; what was paid stands."""

    reference: _Reference = None
    notes: Words4000 | None = None
    rev: Rev


class PrepaymentQuery(Paged):
    """Which prepayments."""

    vendor_id: Line128 | None = None
    kind: PrepaymentKind | None = None
    code: Line64 | None = None
    currency: Currency | None = None
    status: PrepaymentStatus | None = None
    has_remaining: bool | None = None


class VendorCreditBody(Body):
    """What stands on a vendor's credit note."""

    vendor_id: Line128
    number: Annotated[Line64, Field(description="The vendor's own.", examples=["CN-2026-7"])]
    currency: Currency
    lines: Annotated[
        list[CostLineBody],
        Field(min_length=1, max_length=LINES_MAX, description="What has cost less, above zero."),
    ]
    total: Annotated[
        Amount | None,
        Field(description="What stands on it: refused where the lines come to something else."),
    ] = None
    issued_on: Day
    bill_id: Annotated[
        Line128 | None,
        Field(description="A bill that it lowers at once, as far as that is owed; the rest stays."),
    ] = None
    notes: Words4000 | None = None


class PrepaymentApplicationBody(Body):
    """What of a prepayment is to be used on which bill."""

    bill_id: Line128
    amount: Annotated[
        Amount | None,
        Field(description="As much as the prepayment has and the bill is owed, if left out."),
    ] = None


class VendorRefundBody(Body):
    """What a vendor gave back."""

    amount: Annotated[Amount | None, Field(description="All that remains, if left out.")] = None
    received_on: Day
    reference: _Reference = None


@resource.post("/prepayments", status=HTTPStatus.CREATED)
def create(work: Work, body: PrepaymentBody) -> PrepaymentRow:
    """Record a prepayment."""
    made = prepayments.pay(work, NewPrepayment(**body.model_dump()))
    return reads.one(work.session, made)


@resource.post("/prepayments/credit-notes", status=HTTPStatus.CREATED)
def note_credit(work: Work, body: VendorCreditBody) -> PrepaymentRow:
    """Record a vendor's credit note: credit with them, to be used or paid out as a prepayment."""
    given = body.model_dump(exclude={"lines"})
    lines = tuple(line.line() for line in body.lines)
    made = vendor_credits.note(work, NewCredit(**given, lines=lines))
    return reads.one(work.session, made)


@resource.get("/prepayments")
def listed(look: Look, query: PrepaymentQuery) -> Page[PrepaymentRow]:
    """List prepayments and vendors' credit notes, the newest first."""
    return reads.page(look.session, query.filters, query.wanted)


@resource.get("/prepayments/{prepayment_id}")
def one(look: Look, prepayment_id: str) -> PrepaymentRow:
    """Read one prepayment."""
    return reads.one(look.session, prepayment_id)


@resource.patch("/prepayments/{prepayment_id}")
def patch(work: Work, prepayment_id: str, body: PrepaymentChanges) -> PrepaymentRow:
    """Change the words around a prepayment."""
    prepayments.patch(work, prepayment_id, body.given(), rev=body.rev)
    return reads.one(work.session, prepayment_id)


@resource.post("/prepayments/{prepayment_id}/void")
def void(work: Work, prepayment_id: str, body: Moment) -> PrepaymentRow:
    """Void a prepayment that nothing came of, by a reversing entry."""
    prepayments.void(work, prepayment_id, rev=body.rev)
    return reads.one(work.session, prepayment_id)


@resource.post("/prepayments/{prepayment_id}/applications", status=HTTPStatus.CREATED)
def apply(work: Work, prepayment_id: str, body: PrepaymentApplicationBody) -> PrepaymentRow:
    """Use a prepayment on a bill."""
    prepayments.apply(work, prepayment_id, body.bill_id, body.amount)
    return reads.one(work.session, prepayment_id)


@resource.delete("/prepayments/{prepayment_id}/applications/{application_id}")
def unapply(work: Work, prepayment_id: str, application_id: str) -> PrepaymentRow:
    """Take a prepayment off a bill again, by a reversing entry."""
    prepayments.unapply(work, prepayment_id, application_id)
    return reads.one(work.session, prepayment_id)


@resource.post("/prepayments/{prepayment_id}/refunds", status=HTTPStatus.CREATED)
def refund(work: Work, prepayment_id: str, body: VendorRefundBody) -> PrepaymentRow:
    """Record what the vendor gave back of a prepayment."""
    back = Paid(on=body.received_on, amount=body.amount, reference=body.reference)
    prepayments.refund(work, prepayment_id, back)
    return reads.one(work.session, prepayment_id)


@resource.delete("/prepayments/{prepayment_id}/refunds/{refund_id}")
def take_refund_back(work: Work, prepayment_id: str, refund_id: str) -> PrepaymentRow:
    """Take a refund of the vendor back, by a reversing entry."""
    prepayments.take_refund_back(work, prepayment_id, refund_id)
    return reads.one(work.session, prepayment_id)
