"""Taking back what was noted wrongly, from where it shows: money by hand, credit notes, bank fees.

What that will do is said first, by doing it in a transaction that is given up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from flask import Response, request

from reconciler.books.people import Role
from reconciler.errors import NotFound, Refused
from reconciler.reads import screens_documents, screens_payments, short_payments as short_reads
from reconciler.services import credits_taken_back, receipts_taken_back, short_payments
from reconciler.services.credits_taken_back import REASON_CHARS_MAX
from reconciler.web import forms
from reconciler.web.admin import consequences, errors, words
from reconciler.web.admin.consequences import Foreseen
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.routes import Screens
from reconciler.work import Work

screens = Screens()

Foresee = Callable[[Desk, str, Callable[[Work], object]], Foreseen]


class Undo(Protocol):
    """How a service takes back what has this id."""

    def __call__(self, work: Work, name: str, /, *, reason: str | None = None) -> None:
        """Raises NotFound, Conflict and Refused where it cannot be."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What may have been noted wrongly, in words; the page that shows it, and how it is undone."""

    id: str
    what: str
    why: str
    page: str
    shown: dict[str, str]
    gone: str  # what the page is told once it is taken back
    undo: Undo
    foresee: Foresee

    def foreseen(self, desk: Desk) -> Foreseen:
        """What taking it back does to what the page shows."""
        (shown,) = self.shown.values()
        return self.foresee(desk, shown, lambda work: self.undo(work, self.id))


@screens.get("/payments/<payment_id>/take-back", Role.RECONCILER)
def ask_receipt_back(desk: Desk, payment_id: str) -> Response:
    """What taking money back does that was noted by hand, or why it cannot be."""
    return _ask(desk, _receipt(desk, payment_id))


@screens.post("/payments/<payment_id>/take-back", Role.RECONCILER)
def take_receipt_back(desk: Desk, payment_id: str) -> Response:
    """Reverse what was noted as received by hand and never came."""
    return _take_back(desk, _receipt(desk, payment_id))


@screens.get("/credit-notes/<note_id>/take-back", Role.RECONCILER)
def ask_credit_back(desk: Desk, note_id: str) -> Response:
    """What taking a credit note back does, or why it cannot be."""
    return _ask(desk, _credit(desk, note_id))


@screens.post("/credit-notes/<note_id>/take-back", Role.RECONCILER)
def take_credit_back(desk: Desk, note_id: str) -> Response:
    """Reverse a credit note: what it lowered is owed again."""
    return _take_back(desk, _credit(desk, note_id))


@screens.get("/bank-fees/<fee_id>/take-back", Role.RECONCILER)
def ask_fee_back(desk: Desk, fee_id: str) -> Response:
    """What taking a bank's fee back does, or why it cannot be."""
    return _ask(desk, _fee(desk, fee_id))


@screens.post("/bank-fees/<fee_id>/take-back", Role.RECONCILER)
def take_fee_back(desk: Desk, fee_id: str) -> Response:
    """Reverse a bank's fee: what it lowered is owed again."""
    return _take_back(desk, _fee(desk, fee_id))


def _take_back(desk: Desk, wrong: Wrong) -> Response:
    def taken() -> Response:
        why = forms.words(request.form, "reason", chars_max=REASON_CHARS_MAX) or None

        def step(work: Work) -> str:
            wrong.undo(work, wrong.id, reason=why)
            return wrong.id

        desk.once(step)
        return go(wrong.page, **wrong.shown, **{wrong.gone: 1})

    return errors.or_again(taken, lambda refusal: _ask(desk, wrong, refusal))


def _ask(desk: Desk, wrong: Wrong, refusal: Refused | None = None) -> Response:
    return desk.page(
        "take_back.html",
        wrong=wrong,
        foreseen=wrong.foreseen(desk),
        typed=request.form.get("reason", ""),
        reason_max=REASON_CHARS_MAX,
        **errors.told(refusal),
    )


def _receipt(desk: Desk, payment_id: str) -> Wrong:
    with desk.runtime.read() as session:
        payment = screens_payments.payment(session, payment_id)
    if payment is None:
        raise NotFound(f"There is no payment {payment_id[:80]}")
    amount = words.shown(payment.authorized, payment.currency)
    return Wrong(
        payment.id,
        f"{amount} received from {payment.who}",
        "It never came, or was noted twice.",
        "show_payment",
        {"payment_id": payment.id},
        "taken_back",
        receipts_taken_back.take_back,
        consequences.of_payment,
    )


def _credit(desk: Desk, note_id: str) -> Wrong:
    with desk.runtime.read() as session:
        invoice_id = screens_documents.invoice_of_note(session, note_id)
        invoice = screens_documents.invoice(session, invoice_id) if invoice_id else None
        notes = screens_documents.credit_notes(session, invoice.id) if invoice else []
    note = next((one for one in notes if one.id == note_id), None)
    if invoice is None or note is None:
        raise NotFound(f"There is no credit note {note_id[:80]}")
    amount = words.shown(note.amount, invoice.currency)
    return Wrong(
        note.id,
        f"{note.number or 'the credit note'} of {amount} on {invoice.number}",
        "The note stays as it was written, and its number too; it lowers nothing any more.",
        "show_invoice",
        {"name": invoice.id},
        "credit_taken_back",
        credits_taken_back.take_back,
        consequences.of_invoice,
    )


def _fee(desk: Desk, fee_id: str) -> Wrong:
    with desk.runtime.read() as session:
        invoice_id = short_reads.invoice_of(session, fee_id)
        invoice = screens_documents.invoice(session, invoice_id) if invoice_id else None
        fees = short_reads.of_invoices(session, [invoice.id]) if invoice else {}
    if invoice is None:
        raise NotFound(f"There is no bank fee {fee_id[:80]}")
    fee = next(one for one in fees[invoice.id] if one.id == fee_id)
    amount = words.shown(fee.amount, invoice.currency)
    return Wrong(
        fee.id,
        f"the bank fee of {amount} on {invoice.number}",
        "It was no fee: the customer owes it after all.",
        "show_invoice",
        {"name": invoice.id},
        "fee_taken_back",
        short_payments.take_back,
        consequences.of_invoice,
    )
