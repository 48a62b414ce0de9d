"""What is done to an invoice that is owed: money by hand, a credit note, voiding it.

Each page says what will become of the money before it is done, by doing it in a transaction that is
given up.
"""

from dataclasses import dataclass

from flask import Response, request

from reconciler.books.people import Role
from reconciler.errors import Refused
from reconciler.reads import screens_documents
from reconciler.reads.screens_documents import InvoiceLine
from reconciler.services import invoices, mailings, receipts
from reconciler.services.freeing import OF_A_VOID, To
from reconciler.services.receipts import SOURCES, Receipt
from reconciler.services.refund_limits import policy_of
from reconciler.web import forms
from reconciler.web.admin import bank_fees, consequences, errors
from reconciler.web.admin.consequences import Foreseen
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.routes import Screens
from reconciler.work import Work

screens = Screens()


@dataclass(frozen=True, slots=True)
class Choice:
    """What may become of money, and what that does in words; `wrong` says why it cannot be."""

    to: str
    foreseen: Foreseen


@screens.get("/invoices/<name>/receive", Role.RECONCILER)
def receive_form(desk: Desk, name: str) -> Response:
    """Record money by hand: all that is left, unless another amount is typed."""
    return _receiving(desk, _invoice(desk, name))


@screens.post("/invoices/<name>/receive", Role.RECONCILER)
def receive_payment(desk: Desk, name: str) -> Response:
    """Book money received by hand; more than is owed only where that is meant."""
    invoice = _invoice(desk, name)

    def deed() -> Response:
        receipt = Receipt(
            source=forms.choice(request.form, "source", SOURCES, ask="Say how it came in"),
            received_on=forms.day(request.form, "received_on"),
            amount=forms.amount(request.form, "amount", invoice.currency).minor,
            reference=forms.words(request.form, "reference", chars_max=200) or None,
            may_overpay="allow_overpayment" in request.form,
        )

        def receive(work: Work) -> str:
            payment_id = receipts.receive(work, invoice.id, receipt)
            bank_fees.bear_rest(desk, work, [invoice.id], payment_id)
            return payment_id

        desk.once(receive)
        return go("show_invoice", name=invoice.id, received=1)

    return errors.or_again(deed, lambda refusal: _receiving(desk, invoice, refusal=refusal))


@screens.get("/invoices/<name>/credit", Role.RECONCILER)
def credit_form(desk: Desk, name: str) -> Response:
    """A credit note, with what it will do."""
    return _crediting(desk, _invoice(desk, name))


@screens.post("/invoices/<name>/credit", Role.RECONCILER)
def credit_invoice(desk: Desk, name: str) -> Response:
    """Write a credit note; or look what it would do."""
    invoice = _invoice(desk, name)
    policy = policy_of(desk.runtime.settings)

    def deed() -> Response:
        amount = forms.amount(request.form, "amount", invoice.currency).minor
        reason = forms.text(request.form, "reason", chars_max=500)
        to = request.form.get("freed_to") or None

        def write(work: Work) -> str:
            return invoices.credit_note(
                work, invoice.id, amount=amount, reason=reason, freed_to=to, policy=policy
            )

        if request.form.get("do") == "look":
            return _crediting(
                desk, invoice, foreseen=consequences.of_invoice(desk, invoice.id, write)
            )
        desk.once(write)
        return go("show_invoice", name=invoice.id, credited=1)

    return errors.or_again(deed, lambda refusal: _crediting(desk, invoice, refusal=refusal))


@screens.get("/invoices/<name>/void", Role.RECONCILER)
def void_form(desk: Desk, name: str) -> Response:
    """What voiding does, for each thing that may become of the money on it."""
    return _voiding(desk, _invoice(desk, name))


@screens.post("/invoices/<name>/void", Role.RECONCILER)
def void_invoice(desk: Desk, name: str) -> Response:
    """Void an invoice; what is on it becomes what was chosen."""
    invoice = _invoice(desk, name)
    to = request.form.get("release_to") or None

    def deed() -> Response:
        rev = forms.whole(request.form, "rev")
        desk.do(lambda work: invoices.void(work, invoice.id, rev=rev, release_to=to))
        return go("show_invoice", name=invoice.id, voided=1)

    return errors.or_again(
        deed, lambda refusal: _voiding(desk, _invoice(desk, name), refusal=refusal)
    )


@screens.post("/invoices/<name>/mail", Role.RECONCILER)
def mail_invoice(desk: Desk, name: str) -> Response:
    """Mail it to the customer, with a link on which it can be paid."""
    invoice = _invoice(desk, name)
    desk.once(lambda work: mailings.of_invoice(work, invoice.id))
    return go("show_invoice", name=invoice.id, mailed=1)


def _invoice(desk: Desk, name: str) -> InvoiceLine:
    with desk.runtime.read() as session:
        return screens_documents.the_invoice(session, name)


def _receiving(desk: Desk, invoice: InvoiceLine, *, refusal: Refused | None = None) -> Response:
    with desk.runtime.read() as session:
        most = bank_fees.most_of(desk, session, invoice.id, paying=True)
    return _page(desk, "invoice_receive.html", invoice, refusal, sources=SOURCES, fee_most=most)


def _crediting(
    desk: Desk,
    invoice: InvoiceLine,
    *,
    refusal: Refused | None = None,
    foreseen: Foreseen | None = None,
) -> Response:
    with desk.runtime.read() as session:
        notes = screens_documents.credit_notes(session, invoice.id)
    tos = [to.value for to in To]
    return _page(
        desk, "invoice_credit.html", invoice, refusal, notes=notes, foreseen=foreseen, choices=tos
    )


def _voiding(desk: Desk, invoice: InvoiceLine, *, refusal: Refused | None = None) -> Response:
    wanted: tuple[str | None, ...] = (None,)
    if invoice.paid or invoice.credited:
        wanted = tuple(to.value for to in OF_A_VOID)
    choices = [_void_choice(desk, invoice, to) for to in wanted] if invoice.state != "void" else []
    return _page(desk, "invoice_void.html", invoice, refusal, choices=choices)


def _void_choice(desk: Desk, invoice: InvoiceLine, to: str | None) -> Choice:
    return Choice(
        to or "",
        consequences.of_invoice(
            desk, invoice.id, lambda work: invoices.void(work, invoice.id, release_to=to)
        ),
    )


def _page(
    desk: Desk, template: str, invoice: InvoiceLine, refusal: Refused | None, **values: object
) -> Response:
    return desk.page(
        template,
        status=errors.status_of(refusal),
        invoice=invoice,
        typed=request.form,
        error=errors.sentence(refusal) if refusal else "",
        field=(refusal.field or "") if refusal else "",
        **values,
    )
