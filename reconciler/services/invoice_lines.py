"""The lines of a draft: written, and what they come to put on the invoice."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlmodel import col, select

from reconciler.books import invoice_lines as rules
from reconciler.books.invoice_lines import Line
from reconciler.errors import Invalid
from reconciler.store.invoices import Invoice, InvoiceLine
from reconciler.work import Work


def of(work: Work, invoice_id: str) -> tuple[Line, ...]:
    """The lines of an invoice as they were written, in their order."""
    wanted = select(InvoiceLine).where(col(InvoiceLine.invoice_id) == invoice_id)
    rows = work.session.exec(wanted.order_by(col(InvoiceLine.place)))
    return tuple(_line(row) for row in rows)


def put(work: Work, invoice: Invoice, lines: Sequence[Line]) -> None:
    """Let these be all of a draft's lines, and its total and tax what they come to.

    The invoice is written already. None at all: its total is as it was given, and there is no tax.
    Raises Invalid, naming the field.
    """
    invoice.tax = 0
    work.session.execute(sa.delete(InvoiceLine).where(col(InvoiceLine.invoice_id) == invoice.id))
    if not lines:
        return
    checked = [rules.checked(line, place=place) for place, line in enumerate(lines)]
    priced = rules.priced(checked, invoice.currency)
    invoice.total, invoice.tax = priced.total, priced.tax
    for place, one in enumerate(priced.lines, 1):
        work.session.add(
            InvoiceLine(
                invoice_id=invoice.id,
                place=place,
                description=one.line.description,
                quantity=one.line.quantity,
                unit_price=one.line.unit_price,
                tax_rate=one.line.tax_rate,
                tax_name=one.line.tax_name,
                net=one.net,
                tax=one.tax,
            )
        )
    work.session.flush()


def refuse_total(total: object, invoice: Invoice) -> None:
    """Raises Invalid where a total is given beside lines that come to something else."""
    if total is not None and total != invoice.total:
        raise Invalid(
            f"the lines with their tax come to {invoice.total} minor units; leave the total out, or"
            " give that",
            field="total",
        )


def _line(row: InvoiceLine) -> Line:
    return Line(
        description=row.description,
        quantity=row.quantity,
        unit_price=row.unit_price,
        tax_rate=row.tax_rate,
        tax_name=row.tax_name,
    )
