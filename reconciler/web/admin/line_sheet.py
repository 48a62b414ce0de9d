"""Lines as a form sends them: they go round with it until they are saved.

A line whose description, price and quantity are all empty is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import request

from reconciler import money
from reconciler.books import invoice_lines as rules
from reconciler.books.invoice_lines import Priced
from reconciler.errors import Invalid

COLUMNS = ("description", "quantity", "unit_price", "tax_rate", "tax_name")
ROWS_AT_FIRST = 3
_TYPED_CHARS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Sheet:
    """The form as it stands: what is said about the document, and its rows by column."""

    about: Mapping[str, str]
    rows: list[dict[str, str]]
    priced: Priced | None = None


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
