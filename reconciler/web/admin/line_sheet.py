"""A document with lines as a form sends it: each button sends all of it, so no script is needed.

A line whose description, price and quantity are all empty is left out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from flask import Response, request

from reconciler import currencies, money
from reconciler.books import invoice_lines as rules
from reconciler.books.invoice_lines import Priced
from reconciler.errors import Invalid, Refused
from reconciler.reads.bills import BillLineRow
from reconciler.reads.invoices import InvoiceLineRow
from reconciler.web import forms
from reconciler.web.admin import errors, words

ABOUT = ("currency", "number", "issued_on", "due_on", "description")
COLUMNS = ("description", "quantity", "unit_price", "tax_rate", "tax_name")
ROWS_AT_FIRST = 3
_TYPED_CHARS_MAX = 2_000

Document = TypeVar("Document")


@dataclass(frozen=True, slots=True)
class Sheet:
    """The form as it stands: what is said about the document, and its rows by column."""

    about: Mapping[str, str]
    rows: list[dict[str, str]]
    priced: Priced | None = None


@dataclass(frozen=True, slots=True)
class Editor(Generic[Document]):
    """How a kind of document is typed; `read` and `priced` raise Refused, naming the field."""

    about: tuple[str, ...]
    columns: tuple[str, ...]
    read: Callable[[Sheet], Document]
    priced: Callable[[Document], Priced]

    def answer(
        self,
        show: Callable[[Sheet, Refused | None], Response],
        keep: Callable[[Document], Response],
    ) -> Response:
        """Another line, one line less, what it comes to; or `keep` the document."""
        as_sent = typed(self.about, self.columns)
        again = edited(as_sent, self.columns)
        if again is not None:
            return show(again, None)
        sheet = used(as_sent)

        def deed() -> Response:
            document = self.read(sheet)
            if request.form.get("do") == "look":
                return show(Sheet(sheet.about, sheet.rows, self.priced(document)), None)
            return keep(document)

        return errors.or_again(deed, lambda refusal: show(sheet, refusal))


def empty(about: Mapping[str, str], columns: Sequence[str]) -> Sheet:
    """A sheet with some rows to begin with."""
    return Sheet(about, [dict.fromkeys(columns, "") for _ in range(ROWS_AT_FIRST)])


def typed(about: Sequence[str], columns: Sequence[str]) -> Sheet:
    """What was sent."""
    said = {name: request.form.get(name, "")[:_TYPED_CHARS_MAX] for name in about}
    cells = {column: request.form.getlist(f"line_{column}") for column in columns}
    length = min(len(cells["description"]), rules.LINES_MAX + 1)
    rows = [
        {
            column: (cells[column][at] if at < len(cells[column]) else "")[:_TYPED_CHARS_MAX]
            for column in columns
        }
        for at in range(length)
    ]
    return Sheet(said, rows)


def edited(sheet: Sheet, columns: Sequence[str]) -> Sheet | None:
    """The sheet with a row more or less, if that is what was asked for."""
    deed = request.form.get("do", "")
    if deed == "add":
        return Sheet(sheet.about, [*sheet.rows, dict.fromkeys(columns, "")])
    if deed.startswith("remove-"):
        kept = [row for at, row in enumerate(sheet.rows) if deed != f"remove-{at}"]
        return Sheet(sheet.about, kept)
    return None


def used(sheet: Sheet) -> Sheet:
    """Without the rows that say nothing."""
    names = ("description", "quantity", "unit_price")
    rows = [row for row in sheet.rows if any(row[name].strip() for name in names)]
    return Sheet(sheet.about, rows)


def row_of(line: InvoiceLineRow | BillLineRow, currency: str) -> dict[str, str]:
    """A line as its row is typed."""
    return {
        "description": line.description,
        "quantity": line.quantity,
        "unit_price": words.typed(line.unit_price, currency),
        "tax_rate": line.tax_rate,
        "tax_name": line.tax_name or "",
    }


def said_of(about: Mapping[str, str], party: str, ask: str) -> dict[str, object]:
    """ABOUT and whose the document is. Raises Invalid, naming the field."""
    if not about[party]:
        raise Invalid(ask, field=party)
    return {
        party: about[party],
        "currency": currencies.code(about["currency"]),
        "number": about["number"].strip(),
        "issued_on": forms.day(about, "issued_on") if about["issued_on"] else None,
        "due_on": forms.day(about, "due_on") if about["due_on"] else None,
        "description": about["description"].strip() or None,
    }


def cells(row: Mapping[str, str], currency: str, place: int) -> dict[str, Any]:
    """A row's cells as a line takes them. Raises Invalid, naming the field."""
    at = f"lines.{place}"
    if not row["unit_price"].strip():
        raise Invalid("Write a price", field=f"{at}.unit_price")
    return {
        "description": row["description"],
        "quantity": row["quantity"].strip() or "1",
        "unit_price": money.parse(row["unit_price"], currency, field=f"{at}.unit_price").minor,
        "tax_rate": row["tax_rate"].strip().rstrip("%").strip() or "0",
        "tax_name": row["tax_name"].strip() or None,
    }
