"""The routes under /payments."""

from http import HTTPStatus
from typing import Annotated, Self

from pydantic import Field, model_validator

from reconciler.books.payments import PaymentStatus
from reconciler.reads import payments as reads
from reconciler.reads.pages import Page
from reconciler.reads.payments import PaymentRow
from reconciler.services import allocations, matches, receipts_taken_back
from reconciler.services.allocations import Part
from reconciler.web.api.fields import (
    Amount,
    Body,
    Currency,
    End,
    Line64,
    Line128,
    Line255,
    Paged,
    Start,
    TakingBack,
)
from reconciler.web.api.routes import Look, Resource
from reconciler.work import Work

resource = Resource("payments")

PARTS_MAX = 100  # nobody pays more at once, and each is a row to lock


class PartBody(Body):
    """Money for one invoice or one deposit."""

    invoice_id: Line128 | None = None
    deposit_id: Line128 | None = None
    amount: Annotated[
        Amount | None, Field(description="As much as is open and left, if left out.")
    ] = None

    @model_validator(mode="after")
    def _has_one_target(self) -> Self:
        if (self.invoice_id is None) == (self.deposit_id is None):
            raise ValueError("name either invoice_id or deposit_id")
        return self

    def part(self) -> Part:
        """The same for the service."""
        return Part(self.invoice_id, self.deposit_id, self.amount)


class AllocationsBody(Body):
    """Where a payment's money belongs."""

    allocations: Annotated[list[PartBody], Field(min_length=1, max_length=PARTS_MAX)]


class PaymentQuery(Paged):
    """Which payments."""

    customer_id: Line128 | None = None
    rail: Line64 | None = None
    rail_payment_id: Annotated[
        Line255 | None, Field(description="The rail's id, or that of its charge or session.")
    ] = None
    currency: Currency | None = None
    status: PaymentStatus | None = None
    is_held: Annotated[
        bool | None, Field(description="Has money that waits for a person to match it.")
    ] = None
    has_unapplied: bool | None = None
    invoice_id: Line128 | None = None
    deposit_id: Line128 | None = None
    since: Start | None = None
    until: End | None = None


@resource.get("/payments")
def listed(look: Look, query: PaymentQuery) -> Page[PaymentRow]:
    """List payments, the newest first."""
    return reads.page(look.session, query.filters, query.wanted)


@resource.get("/payments/{payment_id}")
def one(look: Look, payment_id: str) -> PaymentRow:
    """Read one payment."""
    return reads.one(look.session, payment_id)


@resource.post("/payments/{payment_id}/allocations", status=HTTPStatus.CREATED)
def allocate(work: Work, payment_id: str, body: AllocationsBody) -> PaymentRow:
    """Set a payment's unapplied money against invoices and deposits. All of it or none."""
    allocations.allocate(work, payment_id, [part.part() for part in body.allocations])
    return reads.one(work.session, payment_id)


@resource.delete("/payments/{payment_id}/allocations/{allocation_id}")
def unallocate(work: Work, payment_id: str, allocation_id: str) -> PaymentRow:
    """Undo an allocation, by a reversing entry. The money is unapplied again.

    A deposit that was made only to hold it is asked for no more.
    """
    matches.take_back(work, payment_id, allocation_id)
    return reads.one(work.session, payment_id)


@resource.post("/payments/{payment_id}/take-back")
def take_back(work: Work, payment_id: str, body: TakingBack) -> PaymentRow:
    """Reverse what was noted as received by hand and never came. It stays, with nothing in it."""
    receipts_taken_back.take_back(work, payment_id, reason=body.reason)
    return reads.one(work.session, payment_id)
