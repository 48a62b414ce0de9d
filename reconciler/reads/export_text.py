"""Exports as text that others read: CSV for spreadsheets, JSON for programs, Beancount."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime

from sqlmodel import Session

from reconciler.reads import beancount, exports, ledger
from reconciler.reads.export_kinds import JOURNAL, KINDS, documents
from reconciler.reads.export_rows import Amount, Cell, Row, Table, Window
from reconciler.timestamps import rfc3339

# A spreadsheet takes a text that begins so for a formula, and would run what a payer wrote into
# a description. The wide forms are what some input methods type for the first four.
_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001


def pieces(session: Session, noun: str, form: str, window: Window, *, today: date) -> Iterator[str]:
    """A whole export, about a piece for each row."""
    kind = KINDS[noun]
    if form == "csv":
        return as_csv(kind.table, kind.rows(session, window, today))
    if form == "json":
        return as_json(documents(session, noun, window, today))
    assert noun == JOURNAL, f"only the journal can be exported as {form}"
    return beancount.ledger(_frame(session, window), exports.journal(session, window))


def as_csv(table: Table, rows: Iterable[Row]) -> Iterator[str]:
    """A header, then a line a row. Instants in UTC; a list is one cell, divided by semicolons."""
    page = io.StringIO(newline="")
    writer = csv.writer(page)
    header = table.header
    writer.writerow(header)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in header])
        yield page.getvalue()
        page.seek(0)
        page.truncate()
    yield page.getvalue()


def as_json(documents: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """One array of objects, an object a line."""
    mark = "[\n"
    for document in documents:
        yield mark + json.dumps(document, default=_json_text, ensure_ascii=False)
        mark = ",\n"
    yield "[]\n" if mark == "[\n" else "\n]\n"


def _frame(session: Session, window: Window) -> beancount.Frame | None:
    days = exports.days(session, window)
    if days is None:
        return None
    opening = {}
    if window.since:
        opening = ledger.trial_balance(session, window.since, by_booking=True)
    closing = ledger.trial_balance(session, window.until, by_booking=True)
    return beancount.frame(days, window, opening, closing)


def _cell(value: Cell) -> str | int:
    if value is None:
        return ""
    if isinstance(value, int | Amount):
        return value
    if isinstance(value, datetime):
        return rfc3339(value) or ""
    if isinstance(value, list):
        value = "; ".join(value)
    return safe(str(value))


def safe(text: str) -> str:
    """A text that no spreadsheet runs as a formula."""
    # Marks before it count too, so that an import takes off exactly the one that was put there.
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA_STARTS) else text


def _json_text(value: object) -> str | None:
    return rfc3339(value) if isinstance(value, datetime) else str(value)
