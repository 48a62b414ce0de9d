"""The routes of pages to pay on: made for an invoice or a deposit, listed, revoked."""

from http import HTTPStatus
from typing import Annotated

from pydantic import Field

from reconciler.books.pay_links import PayLinkState
from reconciler.flows import pay_links as flows
from reconciler.reads import pay_links as reads
from reconciler.reads.pages import Page
from reconciler.reads.pay_links import PayLinkRow
from reconciler.services.pay_links import PayAsk
from reconciler.web.api.fields import Amount, Body, Line128, Nothing, Paged
from reconciler.web.api.routes import Call, Look, Resource
from reconciler.work import Work

resource = Resource("pay-links")


class PayLinkBody(Body):
    """How much is to be paid."""

    amount: Annotated[
        Amount | None, Field(description="All that is left and not on its way, if left out.")
    ] = None


class PayLinkQuery(Paged):
    """Which pay links."""

    invoice_id: Line128 | None = None
    deposit_id: Line128 | None = None
    state: PayLinkState | None = None


def _for_invoice(call: Call, body: PayLinkBody, invoice_id: str) -> str:
    return _opened(call, PayAsk(noun="invoice", target_id=invoice_id, amount=body.amount))


def _for_deposit(call: Call, body: PayLinkBody, deposit_id: str) -> str:
    return _opened(call, PayAsk(noun="deposit", target_id=deposit_id, amount=body.amount))


def _opened(call: Call, ask: PayAsk) -> str:
    return flows.open_page(call.runtime, call.do, ask).id


def _revoked(call: Call, body: Nothing, pay_link_id: str) -> str:
    del body
    flows.revoke(call.runtime, call.do, pay_link_id)
    return pay_link_id


@resource.post("/invoices/{invoice_id}/pay-links", status=HTTPStatus.CREATED, begins=_for_invoice)
def of_invoice(work: Work, body: PayLinkBody, invoice_id: str, begun: str) -> PayLinkRow:
    """Make a page on which an invoice is paid: the one that is open, if it asks for the same."""
    del body, invoice_id
    return _done(work, begun)


@resource.post("/deposits/{deposit_id}/pay-links", status=HTTPStatus.CREATED, begins=_for_deposit)
def of_deposit(work: Work, body: PayLinkBody, deposit_id: str, begun: str) -> PayLinkRow:
    """Make a page on which a deposit is paid: the one that is open, if it asks for the same."""
    del body, deposit_id
    return _done(work, begun)


@resource.get("/pay-links")
def listed(look: Look, query: PayLinkQuery) -> Page[PayLinkRow]:
    """List pages to pay on, the newest first."""
    return reads.page(look.session, query.filters, query.wanted)


@resource.get("/pay-links/{pay_link_id}")
def one(look: Look, pay_link_id: str) -> PayLinkRow:
    """Read one page to pay on."""
    return reads.one(look.session, pay_link_id)


@resource.post("/pay-links/{pay_link_id}/revoke", begins=_revoked)
def revoke(work: Work, body: Nothing, pay_link_id: str, begun: str) -> PayLinkRow:
    """End a page to pay on: nobody pays through it any more once the rail has heard of it."""
    del body, pay_link_id
    return _done(work, begun)


def _done(work: Work, link_id: str) -> PayLinkRow:
    work.has_only_looked = True  # it was made, or ended, and noted in steps of its own
    return reads.one(work.session, link_id)
