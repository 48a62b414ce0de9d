"""The routes under /refunds."""

from http import HTTPStatus
from typing import Annotated

from pydantic import Field

from reconciler.books.people import Scope
from reconciler.books.refund_routes import Keep, Method
from reconciler.books.refunds import RefundReason, RefundStatus
from reconciler.flows import another_route
from reconciler.reads import refunds as reads
from reconciler.reads.pages import Page
from reconciler.reads.refunds import RefundRow
from reconciler.services import refund_routes, refunds
from reconciler.services.refund_limits import policy_of
from reconciler.services.refund_routes import Looks
from reconciler.services.refunds import RefundAsk
from reconciler.web.api.fields import (
    Amount,
    Body,
    Changes,
    Day,
    Line128,
    Line255,
    Line500,
    Paged,
    RefundMethod,
    RefundTreatment,
    Rev,
    Words2000,
)
from reconciler.web.api.routes import Call, Look, Resource
from reconciler.work import Work

resource = Resource("refunds")


class RefundBody(Body):
    """Money to give back, of exactly one payment, invoice or deposit."""

    payment_id: Line128 | None = None
    invoice_id: Line128 | None = None
    deposit_id: Line128 | None = None
    amount: Annotated[
        Amount | None, Field(description="All that can be refunded there, if left out.")
    ] = None
    reason: RefundReason
    note: Words2000 | None = None
    treatment: Annotated[
        RefundTreatment | None,
        Field(description="`credit` lowers what is owed, `reopen` makes it owed again."),
    ] = None
    method: Annotated[
        RefundMethod,
        Field(
            description="`rail` goes back the way it was paid. `hand` is paid by bank transfer by a"
            " person, other than who asked; nothing is sent to the rail."
        ),
    ] = "rail"


class RefundChanges(Changes):
    """What is to be asked for instead: what is left out stays. Name at most one new target."""

    payment_id: Line128 = ""
    invoice_id: Line128 = ""
    deposit_id: Line128 = ""
    amount: Amount = 0
    reason: RefundReason = RefundReason.OTHER
    note: Words2000 | None = None
    treatment: RefundTreatment = "credit"
    method: RefundMethod = "rail"
    rev: Rev


class RefundMoment(Body):
    """Nothing needs to be said, but the revision can be."""

    rev: Rev


class RejectBody(Body):
    """Why a refund is declined."""

    why: Line500 | None = None
    rev: Rev


class PaidBackBody(Body):
    """How money received by hand was given back by hand."""

    reference: Annotated[Line255, Field(max_length=200)]
    paid_on: Annotated[
        Day | None, Field(description="The day on which the money left; today, if left out.")
    ] = None
    rev: Rev


class AnotherRouteBody(Body):
    """How people pay back what the rail could not."""

    method: Method
    rev: Rev


class KeepBody(Body):
    """The money stays here: as what, and how the customer agreed to that."""

    kept_as: Keep
    consent: Annotated[Line255, Field(max_length=200)]
    rev: Rev


class RefundQuery(Paged):
    """Which refunds."""

    status: RefundStatus | None = None
    payment_id: Line128 | None = None
    invoice_id: Line128 | None = None
    deposit_id: Line128 | None = None
    customer_id: Line128 | None = None
    reason: RefundReason | None = None
    requested_by: Line128 | None = None
    rail_refund_id: Line255 | None = None


@resource.post("/refunds", scope=Scope.REFUND, status=HTTPStatus.CREATED)
def create(work: Work, body: RefundBody, call: Call) -> RefundRow:
    """Ask for a refund. It is approved at once where the house's limits let it."""
    ask = RefundAsk(
        reason=body.reason.value,
        payment_id=body.payment_id,
        invoice_id=body.invoice_id,
        deposit_id=body.deposit_id,
        amount=body.amount,
        note=body.note,
        treatment=body.treatment,
        method=body.method,
    )
    refund_id = refunds.request(work, ask, policy_of(call.runtime.settings))
    work.session.flush()
    return reads.one(work.session, refund_id)


@resource.get("/refunds")
def listed(look: Look, query: RefundQuery) -> Page[RefundRow]:
    """List refunds, the newest first."""
    return reads.page(look.session, query.filters, query.wanted)


@resource.get("/refunds/{refund_id}")
def one(look: Look, refund_id: str) -> RefundRow:
    """Read one refund."""
    return reads.one(look.session, refund_id)


@resource.patch("/refunds/{refund_id}", scope=Scope.REFUND)
def update(work: Work, refund_id: str, body: RefundChanges, call: Call) -> RefundRow:
    """Change what a refund asks for, while nothing of it was sent. Its approval is void then."""
    policy = policy_of(call.runtime.settings)
    refunds.change(work, refund_id, body.given(), policy, rev=body.rev)
    return _now(work, refund_id)


@resource.post("/refunds/{refund_id}/approve", scope=Scope.REFUND)
def approve(work: Work, refund_id: str, body: RefundMoment, call: Call) -> RefundRow:
    """Let a requested refund go. Who asked for it cannot."""
    policy = policy_of(call.runtime.settings)
    refunds.approve(work, refund_id, policy=policy, rev=body.rev)
    return _now(work, refund_id)


@resource.post("/refunds/{refund_id}/reject", scope=Scope.REFUND)
def reject(work: Work, refund_id: str, body: RejectBody) -> RefundRow:
    """Decline a requested refund."""
    refunds.reject(work, refund_id, why=body.why, rev=body.rev)
    return _now(work, refund_id)


@resource.post("/refunds/{refund_id}/cancel", scope=Scope.REFUND)
def cancel(work: Work, refund_id: str, body: RefundMoment) -> RefundRow:
    """Call a refund off that is not on its way."""
    refunds.cancel(work, refund_id, rev=body.rev)
    return _now(work, refund_id)


@resource.post("/refunds/{refund_id}/retry", scope=Scope.REFUND)
def retry(work: Work, refund_id: str, body: RefundMoment) -> RefundRow:
    """Try a failed refund again; what may have been sent is looked for first."""
    refunds.retry(work, refund_id, rev=body.rev)
    return _now(work, refund_id)


@resource.post("/refunds/{refund_id}/paid-back", scope=Scope.REFUND)
def paid_back(work: Work, refund_id: str, body: PaidBackBody) -> RefundRow:
    """Say that it was given back by hand. What a rail brought is for a person at the screens."""
    refunds.settle_by_hand(
        work, refund_id, reference=body.reference, paid_on=body.paid_on, rev=body.rev
    )
    return _now(work, refund_id)


@resource.post("/refunds/{refund_id}/another-route", scope=Scope.REFUND, looks=another_route.look)
def pay_another_way(work: Work, refund_id: str, body: AnotherRouteBody, looked: Looks) -> RefundRow:
    """Give what the rail could not pay to people, once the rail never can. A second one pays it."""
    refund_routes.pay_another_way(work, refund_id, looked, method=body.method.value, rev=body.rev)
    return _now(work, refund_id)


@resource.post("/refunds/{refund_id}/keep", scope=Scope.REFUND, looks=another_route.look)
def keep(work: Work, refund_id: str, body: KeepBody, looked: Looks) -> RefundRow:
    """Keep what the rail could not pay as credit or deposit of the customer, who agreed to it."""
    refund_routes.keep(
        work,
        refund_id,
        looked,
        kept_as=body.kept_as.value,
        consent=body.consent,
        rev=body.rev,
    )
    return _now(work, refund_id)


def _now(work: Work, refund_id: str) -> RefundRow:
    work.session.flush()
    return reads.one(work.session, refund_id)
