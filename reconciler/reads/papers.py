"""What stands on a paper: an invoice, a credit note, a receipt.

What is left to pay comes from `balances`, as everywhere.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlmodel import Session

from reconciler.errors import NotFound
from reconciler.reads import balances, invoices, notices, screens_documents
from reconciler.reads.balances import Balance
from reconciler.reads.invoices import InvoiceRow


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper as values: its template, its name as a file, and what stands on it."""

    template: str
    name: str
    values: dict[str, Any]


def invoice(session: Session, name: str, *, today: date) -> Paper:
    """An invoice, by its id. Raises NotFound."""
    row = invoices.one(session, name, today=today)
    return Paper(
        "invoice.html",
        row.number,
        {
            "invoice": row,
            "balance": _balance(session, row, today),
            "taxes": screens_documents.taxes(session, row.id),
            "customer": _customer(session, row.id),
        },
    )


def credit_note(session: Session, note_id: str, *, today: date) -> Paper:
    """A credit note, with the invoice that it lowers. Raises NotFound."""
    invoice_id = screens_documents.invoice_of_note(session, note_id)
    if invoice_id is None:
        raise NotFound(f"there is no credit note {note_id}")
    row = invoices.one(session, invoice_id, today=today)
    note = next(one for one in row.credit_notes if one.id == note_id)
    return Paper(
        "credit_note.html",
        note.number or note.id,
        {
            "note": note,
            "invoice": row,
            "balance": _balance(session, row, today),
            "customer": _customer(session, row.id),
        },
    )


def receipt(session: Session, payment_id: str) -> Paper:
    """What was received with a payment, and where it went. Raises NotFound."""
    news = None
    if screens_documents.is_payment(session, payment_id):
        news = notices.of_payment(session, payment_id)
    if news is None:
        raise NotFound(f"there is no receipt for {payment_id}")
    return Paper("receipt.html", f"Receipt {payment_id}", {"receipt": news})


def _balance(session: Session, row: InvoiceRow, today: date) -> Balance:
    found = balances.of_invoices(session, [row.id], today=today)
    return found.get(row.id) or Balance(currency=row.currency)


def _customer(session: Session, invoice_id: str) -> str:
    line = screens_documents.invoice(session, invoice_id)
    return line.customer if line else ""
