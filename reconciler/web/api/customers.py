"""The routes under /customers."""

from http import HTTPStatus
from typing import Annotated, Literal

from pydantic import Field

from reconciler.reads import customers as reads
from reconciler.reads.customers import CustomerRow
from reconciler.reads.pages import Page
from reconciler.services import customers
from reconciler.web.api.fields import Body, Changes, Line255, Paged, PartPayments, Rev
from reconciler.web.api.routes import Look, Resource
from reconciler.work import Work

resource = Resource("customers")

_Name = Annotated[Line255, Field(max_length=customers.NAME_CHARS_MAX)]
_Mail = Annotated[Line255, Field(max_length=254, examples=["ann@example.com"])]
_RailCustomers = Annotated[
    dict[Line255, Line255 | None],
    Field(
        max_length=20,
        description="What each rail calls the customer; null takes it away.",
        examples=[{"stripe": "cus_123"}],
    ),
]


_Policy = Annotated[
    Literal["hold", "next_invoice", "deposit", "refund"],
    Field(description="What becomes of money beyond what is owed, once it has come to rest."),
]


_Deposits = Annotated[
    Literal["automatic", "by_hand"],
    Field(description="Whether a deposit is used on its milestone's invoice by itself."),
]


class NewCustomer(Body):
    """One who is invoiced and pays."""

    name: _Name
    email: _Mail | None = None
    rail_customers: _RailCustomers = Field(default_factory=dict)
    overpayment_policy: _Policy = "hold"
    part_payments: PartPayments = "any"
    deposit_policy: _Deposits = "automatic"


class CustomerChanges(Changes):
    """What is to be changed; what is left out stays."""

    name: _Name = ""
    email: _Mail | None = None
    rail_customers: _RailCustomers = Field(default_factory=dict)
    overpayment_policy: _Policy = "hold"
    part_payments: PartPayments = "any"
    deposit_policy: _Deposits = "automatic"
    rev: Rev


class CustomerQuery(Paged):
    """Which customers."""

    email: Line255 | None = None
    name: Annotated[Line255 | None, Field(description="A part of the name.")] = None
    rail_customer_id: Line255 | None = None


@resource.post("/customers", status=HTTPStatus.CREATED)
def create(work: Work, body: NewCustomer) -> CustomerRow:
    """Add a customer."""
    customer_id = customers.create(
        work,
        name=body.name,
        email=body.email,
        rail_customers=body.rail_customers,
        overpayment_policy=body.overpayment_policy,
        part_payments=body.part_payments,
        deposit_policy=body.deposit_policy,
    )
    return reads.one(work.session, customer_id, today=work.now.date())


@resource.get("/customers")
def listed(look: Look, query: CustomerQuery) -> Page[CustomerRow]:
    """List customers, the newest first."""
    return reads.page(look.session, query.filters, query.wanted, today=look.today)


@resource.get("/customers/{customer_id}")
def one(look: Look, customer_id: str) -> CustomerRow:
    """Read one customer."""
    return reads.one(look.session, customer_id, today=look.today)


@resource.patch("/customers/{customer_id}")
def patch(work: Work, customer_id: str, body: CustomerChanges) -> CustomerRow:
    """Change a customer."""
    customers.patch(work, customer_id, body.given(), rev=body.rev)
    return reads.one(work.session, customer_id, today=work.now.date())
