"""A bank's CSV: columns found by their names, and days and amounts that can be read one way only.

Banks agree on nothing here: separator, encoding, names, order of day and month, point or comma.
What a file leaves open is decided over the whole of it, or asked; it is never guessed per row.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from io import StringIO

from reconciler import currencies, money
from reconciler.books import texts
from reconciler.books.bank_lines import (
    LINES_MAX,
    TEXT_CHARS_MAX,
    BadRow,
    BankLine,
    DayOrder,
)
from reconciler.errors import Invalid

# By which names columns are known; the first of a field that a file has is taken.
COLUMNS: Mapping[str, Sequence[str]] = {
    "day": (
        "booked on", "booking date", "booked", "posting date", "post date", "posted date",
        "transaction date", "date", "completed date", "buchungstag", "buchungsdatum", "datum",
        "value date",
    ),
    "amount": ("amount", "betrag", "net amount", "transaction amount", "umsatz"),
    "in": ("credit", "paid in", "money in", "deposit", "deposits", "credit amount", "haben"),
    "out": ("debit", "paid out", "money out", "withdrawal", "withdrawals", "debit amount", "soll"),
    "currency": ("currency", "ccy", "waehrung", "währung"),
    "text": (
        "description", "text", "details", "memo", "narrative", "verwendungszweck", "particulars",
        "transaction description",
    ),
    "reference": ("reference", "ref", "payment reference", "end to end id", "check number"),
    "counterparty": ("counterparty", "name", "payee", "beneficiary", "auftraggeber", "payer"),
    "bank_reference": ("transaction id", "id", "bank reference", "fitid", "transaction reference"),
}  # fmt: skip
_SEPARATORS = (",", ";", "\t", "|")
_HEADER_ROWS_MAX = 30  # banks put the account's name and balance above the table
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_SHORT = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})")
_CENTURY = 2000

_Row = tuple[int, dict[str, str]]


def read(
    body: bytes, currency: str | None, day_order: DayOrder | None
) -> tuple[list[BankLine], list[BadRow]]:
    """The lines of a file, and the rows that could not be read. Raises Invalid with the field."""
    rows = list(_rows(_decoded(body)))
    if not rows:
        raise Invalid("the file has a head and no lines", field="file")
    order = day_order or _day_order([fields["day"] for _, fields in rows])
    has_comma = _has_decimal_comma(rows)
    lines, bad = [], []
    for number, fields in rows:
        try:
            lines.append(_line(number, fields, currency, order, has_comma=has_comma))
        except Invalid as error:
            bad.append(BadRow(number, error.field or "row", str(error)))
    return lines, bad


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        # What older banks' programs write. It gives some letter for every byte.
        return body.decode("cp1252", errors="replace")


def _rows(text: str) -> Iterator[_Row]:
    """The rows below the head, by what their columns mean; empty rows are left out."""
    found = None
    for separator in _SEPARATORS:
        found = _head(text, separator)
        if found is not None:
            break
    if found is None:
        raise Invalid(
            "no row names the columns: a day (such as Date) and an amount (such as Amount, or"
            " Credit and Debit)",
            field="file",
        )
    separator, head_row, places = found
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator)
    try:
        for number, row in enumerate(reader, start=1):
            if number > LINES_MAX + head_row + 1:
                raise Invalid(f"a statement has at most {LINES_MAX:,} lines", field="file")
            if number > head_row and any(cell.strip() for cell in row):
                yield (
                    number,
                    {
                        name: row[place].strip() if place < len(row) else ""
                        for name, place in places.items()
                    },
                )
    except csv.Error as error:
        raise Invalid(f"the file cannot be read as CSV: {error}", field="file") from None


def _head(text: str, separator: str) -> tuple[str, int, dict[str, int]] | None:
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator)
    try:
        for number, row in zip(range(1, _HEADER_ROWS_MAX + 1), reader, strict=False):
            names = [_folded(cell) for cell in row]
            places = {
                field: next(names.index(name) for name in known if name in names)
                for field, known in COLUMNS.items()
                if any(name in names for name in known)
            }
            if "day" in places and ("amount" in places or {"in", "out"} <= places.keys()):
                return separator, number, places
    except csv.Error:
        return None
    return None


def _folded(cell: str) -> str:
    return " ".join(re.sub(r"[_\-./()]+", " ", cell).casefold().split())


def _line(
    number: int,
    fields: Mapping[str, str],
    account_currency: str | None,
    order: DayOrder | None,
    *,
    has_comma: bool,
) -> BankLine:
    currency = (fields.get("currency") or account_currency or "").upper()
    if currency not in currencies.KNOWN:
        raise Invalid(
            f"{currency!r} is not a currency"
            if currency
            else "names none, and the account's is not given",
            field="currency",
        )
    return BankLine(
        number=number,
        booked_on=_day(fields["day"], order),
        amount=_amount(fields, currency, has_comma=has_comma),
        currency=currency,
        **{
            name: _text(fields.get(name, ""), name)
            for name in ("text", "reference", "counterparty", "bank_reference")
        },
    )


def _text(cell: str, field: str) -> str:
    return " ".join(texts.words(cell, field=field, chars_max=TEXT_CHARS_MAX).split())


def _amount(fields: Mapping[str, str], currency: str, *, has_comma: bool) -> int:
    if fields.get("amount"):
        amount = _number(fields["amount"], currency, "amount", has_comma=has_comma)
    else:
        into, out = (
            _number(fields[name], currency, name, has_comma=has_comma) if fields.get(name) else 0
            for name in ("in", "out")
        )
        amount = into - abs(out)  # some write what went out with a minus, most without
    if amount == 0:
        raise Invalid("is nothing", field="amount")
    return amount


def _number(cell: str, currency: str, field: str, *, has_comma: bool) -> int:
    text = re.sub(r"[\s\u00a0\u202f']", "", cell).replace("\u2212", "-")
    if text.startswith("(") and text.endswith(")"):
        text = "-" + text[1:-1]
    elif text.endswith("-"):
        text = "-" + text[:-1]
    text = text.removeprefix("+")
    if has_comma:
        text = text.replace(".", "").replace(",", ".")
    return money.parse(text, currency, field=field).minor


def _has_decimal_comma(rows: Sequence[_Row]) -> bool:
    """Whether `1.234,50` is how this file writes amounts."""
    ends = [
        re.search(r"([.,])(\d{1,2})\D*$", fields.get(name, ""))
        for _, fields in rows
        for name in ("amount", "in", "out")
    ]
    marks = {found[1] for found in ends if found}
    if len(marks) > 1:
        raise Invalid("some amounts end in a comma and cents, some in a point", field="amount")
    return marks == {","}


def _day_order(cells: Sequence[str]) -> DayOrder | None:
    """How the file writes its days; None where each can be read by itself."""
    short = [found for cell in cells if (found := _SHORT.fullmatch(_without_time(cell)))]
    if not short or all(found[2] == "." for found in short):
        return DayOrder.DAY_FIRST if short else None  # points are for days first, everywhere
    has_day_first = any(int(found[1]) > 12 for found in short)
    has_month_first = any(int(found[3]) > 12 for found in short)
    if has_day_first == has_month_first:
        raise Invalid(
            f"days such as {short[0][0]} can be read two ways: say whether the day or the month"
            " comes first",
            field="day_order",
        )
    return DayOrder.DAY_FIRST if has_day_first else DayOrder.MONTH_FIRST


def _without_time(cell: str) -> str:
    return re.split(r"[T ]", cell, maxsplit=1)[0]


def _day(cell: str, order: DayOrder | None) -> date:
    text = _without_time(cell)
    iso, short = _ISO.fullmatch(text), _SHORT.fullmatch(text)
    try:
        if iso:
            return date(int(iso[1]), int(iso[2]), int(iso[3]))
        if short and order:
            first, second, year = int(short[1]), int(short[3]), int(short[4])
            year += _CENTURY if len(short[4]) == len("26") else 0
            day, month = (first, second) if order is DayOrder.DAY_FIRST else (second, first)
            return date(year, month, day)
    except ValueError:
        pass
    raise Invalid(f"{cell!r} is not a day", field="day")
