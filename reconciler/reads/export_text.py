"""Exports as text that others read: CSV for spreadsheets, JSON for programs, Beancount."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from reconciler.money import decimal_text
from reconciler.reads import beancount, exports, ledger
from reconciler.reads.exports import Amount, Cell, Row, Table, Window
from reconciler.reads.ledger import EntryRow
from reconciler.timestamps import rfc3339

# A spreadsheet takes a text that begins so for a formula, and would run what a payer wrote into
# a description. The wide forms are what some input methods type for the first four.
_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001


def pieces(session: Session, noun: str, form: str, window: Window, *, today: date) -> Iterator[str]:
    """A whole export, about a piece for each row."""
    if noun != "journal":
        table, rows = _rows(session, noun, window, today)
        return as_json(rows) if form == "json" else as_csv(table, ([row] for row in rows))
    entries = exports.journal(session, window)
    if form == "csv":
        return as_csv(exports.JOURNAL, map(exports.lines_of, entries))
    if form == "json":
        return as_json(map(document_of, entries))
    return beancount.ledger(_frame(session, window), entries)


def as_csv(table: Table, groups: Iterable[Iterable[Row]]) -> Iterator[str]:
    """A header, then a line a row. Instants in UTC; a list is one cell, divided by semicolons."""
    page = io.StringIO(newline="")
    writer = csv.writer(page)
    writer.writerow(table.header)
    for rows in groups:
        writer.writerows([_cell(row[name]) for name in table.header] for row in rows)
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


def document_of(entry: EntryRow) -> dict[str, Any]:
    """An entry with its postings inside it."""
    document = asdict(entry)
    for number, line in enumerate(document["postings"], 1):
        line |= {"line": number}
        for side in ("debit", "credit"):
            line[f"{side}_decimal"] = decimal_text(line[side], line["currency"])
    return document


def _rows(session: Session, noun: str, window: Window, today: date) -> tuple[Table, Iterator[Row]]:
    if noun == "invoices":
        return exports.INVOICES, exports.invoices(session, window, today=today)
    if noun == "payments":
        return exports.PAYMENTS, exports.payments(session, window)
    if noun == "payouts":
        return exports.PAYOUTS, exports.payouts(session, window)
    if noun == "payout-lines":
        return exports.PAYOUT_LINES, exports.payout_lines(session, window)
    assert noun == "refunds", f"nothing is exported as {noun}"
    return exports.REFUNDS, exports.refunds(session, window)


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
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _json_text(value: object) -> str | None:
    return rfc3339(value) if isinstance(value, datetime) else str(value)
