"""What is missing on an invoice said to be a bank's fee: on its own page, or as money is placed."""

from collections.abc import Collection, Iterable

from flask import Response, request

from reconciler.books.people import Role
from reconciler.errors import Refused
from reconciler.reads import screens_documents, short_payments as reads
from reconciler.reads.pages import Session
from reconciler.reads.screens_documents import InvoiceLine
from reconciler.reads.screens_unmatched import Suggested
from reconciler.services import short_payments
from reconciler.services.short_payments import WHY_CHARS_MAX
from reconciler.web import forms
from reconciler.web.admin import consequences, errors
from reconciler.web.admin.consequences import Foreseen
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.routes import Screens
from reconciler.work import Work

screens = Screens()

REST_IS_FEE = "rest_is_fee"  # a box in a form that places money
WHY = "Fee of the bank on the way"


@screens.get("/invoices/<name>/bank-fee", Role.RECONCILER)
def bank_fee_form(desk: Desk, name: str) -> Response:
    """What is missing, with what becomes of it."""
    return _ask(desk, _invoice(desk, name))


@screens.post("/invoices/<name>/bank-fee", Role.RECONCILER)
def bear_bank_fee(desk: Desk, name: str) -> Response:
    """Book it as an expense; or look what that would do."""
    invoice = _invoice(desk, name)

    def deed() -> Response:
        amount = forms.amount(request.form, "amount", invoice.currency).minor
        why = forms.text(request.form, "reason", chars_max=WHY_CHARS_MAX)
        if request.form.get("do") == "look":
            return _ask(desk, invoice, amount=amount)
        desk.once(lambda work: _bear(desk, work, invoice, amount, why))
        return go("show_invoice", name=invoice.id, bank_fee=1)

    return errors.or_again(deed, lambda refusal: _ask(desk, invoice, refusal=refusal))


def bear_rest(desk: Desk, work: Work, invoice_ids: Iterable[str], payment_id: str) -> None:
    """Where the form says so: what the payment left open on its invoice is the bank's fee."""
    if REST_IS_FEE not in request.form:
        return
    named = list(invoice_ids)
    if len(named) != 1:
        raise Refused("one invoice can come short by a bank's fee at a time", field=REST_IS_FEE)
    bear_what_is_missing(desk, work, named[0], payment_id)


def bear_what_is_missing(desk: Desk, work: Work, invoice_id: str, payment_id: str) -> None:
    """What the payment left open on the invoice is the bank's fee."""
    short_payments.bear(work, invoice_id, why=WHY, bounds=_bounds(desk), payment_id=payment_id)


def of_suggestions(desk: Desk, session: Session, suggested: Collection[Suggested]) -> set[str]:
    """The invoices of which a suggestion would leave so little that it may be a bank's fee."""
    left = {
        one.ways[0].target.id: one.ways[0].left
        for one in suggested
        if len(one.ways) == 1 and not one.ways[0].target.is_deposit and one.ways[0].left > 0
    }
    most = reads.most(session, left, _bounds(desk), paying=True)
    return {name for name, rest in left.items() if rest <= most.get(name, 0)}


def most_of(desk: Desk, session: Session, invoice_id: str, *, paying: bool = False) -> int:
    """The most that may be a bank's fee of an invoice still, in minor units."""
    return reads.most(session, [invoice_id], _bounds(desk), paying=paying).get(invoice_id, 0)


def _bear(desk: Desk, work: Work, invoice: InvoiceLine, amount: int | None, why: str) -> str:
    return short_payments.bear(work, invoice.id, why=why, bounds=_bounds(desk), amount=amount)


def _bounds(desk: Desk) -> dict[str, int]:
    return dict(desk.runtime.settings.bank_fee_max)


def _foreseen(desk: Desk, invoice: InvoiceLine, amount: int | None) -> Foreseen:
    return consequences.of_invoice(
        desk, invoice.id, lambda work: _bear(desk, work, invoice, amount, WHY)
    )


def _ask(
    desk: Desk,
    invoice: InvoiceLine,
    *,
    amount: int | None = None,
    refusal: Refused | None = None,
) -> Response:
    with desk.runtime.read() as session:
        most = most_of(desk, session, invoice.id)
    return desk.page(
        "invoice_bank_fee.html",
        invoice=invoice,
        most=most,
        foreseen=Foreseen() if refusal else _foreseen(desk, invoice, amount),
        typed=request.form,
        **errors.told(refusal),
    )


def _invoice(desk: Desk, name: str) -> InvoiceLine:
    with desk.runtime.read() as session:
        return screens_documents.the_invoice(session, name)
