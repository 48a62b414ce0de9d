"""The routes under /bills."""

from datetime import date
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import override

from reconciler.books import invoice_lines as rules
from reconciler.books.bills import BillStatus, CostLine
from reconciler.reads import bills as reads
from reconciler.reads.bills import BillRow
from reconciler.reads.pages import Page
from reconciler.services import bill_payments, bills, review_desk
from reconciler.services.bill_payments import Paid
from reconciler.services.bills import NewBill
from reconciler.web import question_notes
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
    Words2000,
)
from reconciler.web.api.invoices import LineBody, Moment
from reconciler.web.api.routes import Look, Resource
from reconciler.web.question_notes import WHY_CHARS_MAX
from reconciler.work import Work

resource = Resource("bills")

_Total = Annotated[
    Amount | None,
    Field(description="What stands on the bill: refused where the lines come to something else."),
]


class CostLineBody(LineBody):
    """One line of a bill, and what it is a cost of. Its tax is added to it."""

    category: Annotated[
        Line64, Field(description="A few words, kept as one name.", examples=["office_supplies"])
    ]

    @override
    def line(self) -> CostLine:
        """The same for the service."""
        return CostLine(**self.model_dump())


_Lines = Annotated[list[CostLineBody], Field(min_length=1, max_length=rules.LINES_MAX)]


class BillBody(Body):
    """What stands on a vendor's bill."""

    vendor_id: Line128
    number: Annotated[Line64, Field(description="The vendor's own.", examples=["2026-118"])]
    currency: Currency
    lines: _Lines
    total: _Total = None
    issued_on: Annotated[Day | None, Field(description="The day it is opened, if left out.")] = None
    due_on: Day | None = None
    description: Words2000 | None = None
    open: Annotated[bool, Field(description="Open it at once: from here on we owe it.")] = False


class BillChanges(Changes):
    """What is to be changed on a draft; what is left out stays."""

    vendor_id: Line128 = ""
    number: Line64 = ""
    currency: Currency = ""
    lines: _Lines = Field(default_factory=list)
    total: _Total = None
    issued_on: Day | None = None
    due_on: Day | None = None
    description: Words2000 | None = None
    rev: Rev

    @override
    def given(self) -> dict[str, Any]:
        """What was given, the lines as the service takes them."""
        given = super().given()
        return given | ({"lines": [one.line() for one in self.lines]} if "lines" in given else {})


class BillQuery(Paged):
    """Which bills."""

    vendor_id: Line128 | None = None
    number: Line64 | None = None
    currency: Currency | None = None
    status: BillStatus | None = None
    is_open: Annotated[bool | None, Field(description="Open, with something outstanding.")] = None
    due_before: date | None = None
    category: Line64 | None = None


class PaidBody(Body):
    """Money that left the bank for a bill."""

    amount: Annotated[Amount | None, Field(description="All that is owed, if left out.")] = None
    paid_on: Day
    reference: Annotated[Line255 | None, Field(max_length=bill_payments.REFERENCE_CHARS_MAX)] = None
    rev: Rev


@resource.post("/bills", status=HTTPStatus.CREATED)
def create(work: Work, body: BillBody) -> BillRow:
    """Draft a bill, and open it if `open` says so."""
    given = body.model_dump(exclude={"open", "lines"})
    new = NewBill(**given, lines=tuple(one.line() for one in body.lines))
    bill_id = bills.create(work, new)
    if body.open:
        bills.open_(work, bill_id)
    return _one(work, bill_id)


@resource.get("/bills")
def listed(look: Look, query: BillQuery) -> Page[BillRow]:
    """List bills, the newest first."""
    return reads.page(look.session, query.filters, query.wanted, today=look.today)


@resource.get("/bills/{bill_id}")
def one(look: Look, bill_id: str) -> BillRow:
    """Read one bill."""
    return reads.one(look.session, bill_id, today=look.today)


@resource.patch("/bills/{bill_id}")
def patch(work: Work, bill_id: str, body: BillChanges) -> BillRow:
    """Change a draft."""
    bills.patch(work, bill_id, body.given(), rev=body.rev)
    return _one(work, bill_id)


class SnoozeBillBody(Body):
    """Until which day a bill that is to be paid is out of sight; null brings it back."""

    until: Day | None
    reason: Annotated[
        Words2000 | None,
        Field(max_length=WHY_CHARS_MAX, description="Kept as a note on the bill."),
    ] = None


@resource.post("/bills/{bill_id}/snooze")
def snooze(work: Work, bill_id: str, body: SnoozeBillBody) -> BillRow:
    """Put a bill that is to be paid out of sight until a day begins. It is owed as ever."""
    review_desk.snooze_bill(work, bill_id, body.until)
    question_notes.keep_on_bill(work, bill_id, body.reason or "", until=body.until)
    return _one(work, bill_id)


@resource.post("/bills/{bill_id}/open")
def open_(work: Work, bill_id: str, body: Moment) -> BillRow:
    """Open a draft: from here on we owe it."""
    bills.open_(work, bill_id, rev=body.rev)
    return _one(work, bill_id)


@resource.post("/bills/{bill_id}/void")
def void(work: Work, bill_id: str, body: Moment) -> BillRow:
    """Void a bill that nothing is paid on, by a reversing entry."""
    bills.void(work, bill_id, rev=body.rev)
    return _one(work, bill_id)


@resource.post("/bills/{bill_id}/payments", status=HTTPStatus.CREATED)
def pay(work: Work, bill_id: str, body: PaidBody) -> BillRow:
    """Record money that left the bank for a bill."""
    paid = Paid(on=body.paid_on, amount=body.amount, reference=body.reference)
    bill_payments.pay(work, bill_id, paid, rev=body.rev)
    return _one(work, bill_id)


@resource.delete("/bills/{bill_id}/payments/{payment_id}")
def take_back(work: Work, bill_id: str, payment_id: str) -> BillRow:
    """Take a payment of a bill back, by a reversing entry."""
    bill_payments.take_back(work, bill_id, payment_id)
    return _one(work, bill_id)


def _one(work: Work, bill_id: str) -> BillRow:
    return reads.one(work.session, bill_id, today=work.now.date())
