"""What stands on a paper: an invoice, a credit note, a receipt, a statement.

What is left to pay comes from `balances`, as everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.errors import NotFound
from reconciler.reads import balances, invoices, notices, screens_documents
from reconciler.reads.balances import Balance
from reconciler.reads.client_statements import Part
from reconciler.reads.invoices import InvoiceRow

_CAPTURED = sa.text("select captured from payment where id = :id")
# Whose money it is; where nobody has said that of the payment, whose document it went to says it.
_PAYER = sa.text("""select c.name from customer c where c.id = coalesce(
    (select customer_id from payment where id = :id),
    (select coalesce(i.customer_id, d.customer_id) from allocation a
       left join invoice i on i.id = a.invoice_id left join deposit d on d.id = a.deposit_id
       where a.payment_id = :id order by a.id limit 1))""")


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper as values: its template, its name as a file, and what stands on it."""

    template: str
    name: str
    values: dict[str, Any]
    lines: int = 0  # of what may be long


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
    """What came with a payment, what of it went back, and where it is. Raises NotFound."""
    captured = session.scalar(_CAPTURED, {"id": payment_id})
    if not captured:
        raise NotFound(f"there is no receipt for {payment_id}")
    news = notices.of_payment(session, payment_id, is_whole=True)
    payer = session.scalar(_PAYER, {"id": payment_id}) or ""
    values = {"receipt": news, "received": int(captured), "customer": payer}
    return Paper("receipt.html", f"Receipt {payment_id}", values)


def part_of_receipt(paper: Paper, numbers: Sequence[str], received: int) -> Paper:
    """The same receipt of what went to these documents alone, `received` of it together."""
    whole = paper.values["receipt"]
    targets = [one for one in whole.targets if one.number in numbers]
    left = sum(one.amount for one in targets)
    part = replace(whole, targets=targets, amount=left, untied=0)
    return Paper(paper.template, paper.name, paper.values | {"receipt": part, "received": received})


def statement(
    found: Part, *, whose: str, since: date, until: date, about: str | None = None
) -> Paper:
    """A client's statement for a period, or a part; `about` names the project that it is of."""
    return Paper(
        "statement.html",
        f"Statement {since} {until}",
        {
            "statements": found.statements, "part": found, "customer": whose, "about": about,
            "since": since, "until": until,
        },
        lines=sum(len(one.lines) for one in found.statements),
    )  # fmt: skip


def _balance(session: Session, row: InvoiceRow, today: date) -> Balance:
    found = balances.of_invoices(session, [row.id], today=today)
    return found.get(row.id) or Balance(currency=row.currency)


def _customer(session: Session, invoice_id: str) -> str:
    line = screens_documents.invoice(session, invoice_id)
    return line.customer if line else ""
