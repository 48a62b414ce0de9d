"""What a row of a file for import says: each field read, and every one that cannot be right named.

A file names its columns as the API and the exports do: `total` is whole minor units, and
`total_decimal` the same as people write it. A column that nobody knows is refused, because a
misspelt one would be left out in silence.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from reconciler import currencies, money
from reconciler.books import texts
from reconciler.errors import Invalid

KEY_CHARS_MAX = 64
NAME_CHARS_MAX = 200
WORDS_CHARS_MAX = 2_000
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001  an export puts a mark before them


class ImportKind(StrEnum):
    """What can be taken over."""

    CUSTOMER = "customer"
    PROJECT = "project"
    INVOICE = "invoice"
    DEPOSIT = "deposit"


class DraftState(StrEnum):
    """Where a file stands that was handed over on a screen: two of them wait for a worker."""

    LOOKING = "looking"
    LOOKED = "looked"
    TAKING = "taking"
    TAKEN = "taken"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A row that can be read. Amounts in minor units; what a row does not say is None.

    `key` is what the thing is known again by: the id elsewhere, the number or the code.
    """

    kind: ImportKind
    key: str
    name: str
    email: str | None = None
    customer_key: str | None = None
    project_key: str | None = None
    currency: str | None = None
    amount: int | None = None
    issued_on: date | None = None
    due_on: date | None = None
    state: str | None = None
    words: str | None = None


Cells = Mapping[str, str]

_COLUMNS = {
    ImportKind.CUSTOMER: {"external_id", "id", "name", "email"},
    ImportKind.PROJECT: {
        "external_id", "id", "customer_id", "name", "currency", "original_price",
        "original_price_decimal", "approved_price", "approved_price_decimal",
    },
    ImportKind.INVOICE: {
        "number", "customer_id", "project_id", "currency", "total", "total_decimal", "issued_on",
        "due_on", "state", "status", "description", "paid", "credited", "tax",
    },
    ImportKind.DEPOSIT: {
        "code", "customer_id", "project_id", "currency", "amount", "amount_decimal", "date",
        "notes", "received",
    },
}  # fmt: skip
# Columns of our own exports that follow from others, or mean nothing in other books.
_FOLLOWS = {
    "id", "customer_name", "milestone_id", "created_at", "sent_at", "voided_at", "outstanding",
    "credit_notes", "refund_credits", "write_offs", "tax_credited", "subtotal", "applied",
    "refunded", "remaining", "fees", "payment_status", "applied_status", "received_into", "rev",
    "overpayment_policy", "rail_customers", "forfeited", "ended_at",
}  # fmt: skip
# What money has already done elsewhere cannot be taken over with the document.
_STATES = {"draft": "draft", "sent": "sent", "overdue": "sent"}
_MUST_BE_NOTHING = {"paid", "credited", "tax", "received"}


def columns_of(kind: ImportKind | None, given: list[str]) -> None:
    """Raise Invalid for a column that means nothing. Without a kind, `kind` says it on each row."""
    if len(set(given)) != len(given):
        raise Invalid("a column is there twice", field=next(c for c in given if given.count(c) > 1))
    if kind is None and "kind" not in given:
        raise Invalid("say what the rows are: a column kind, or the option", field="kind")
    known = {"kind"}.union(*([_COLUMNS[kind]] if kind else _COLUMNS.values()))
    for name in given:
        if name not in known and name.removesuffix("_decimal") not in known | _FOLLOWS:
            raise Invalid(f"there is no column {name[:60]!r} here", field=name[:60])


def take(kind: ImportKind | None, cells: Cells) -> Taken:
    """What a row says. Raises Invalid naming the column."""
    said = {name: cell for name, cell in cells.items() if cell.strip()}
    found = kind or _kind(said)
    for name in sorted(_MUST_BE_NOTHING & said.keys() & _COLUMNS[found]):
        if said[name].strip("0.,"):
            raise Invalid("what money did elsewhere is not taken over: bring in what is still"
                          " owed, or leave the column out", field=name)  # fmt: skip
    return _READERS[found](said)


def unmarked(cell: str) -> str:
    """A cell of a CSV without the mark that an export puts before what a spreadsheet would run."""
    is_marked = cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA_STARTS)
    return cell[1:] if is_marked else cell


def _kind(said: Cells) -> ImportKind:
    name = said.get("kind", "").strip().lower()
    if name not in set(ImportKind):
        raise Invalid(f"is one of {', '.join(ImportKind)}", field="kind")
    return ImportKind(name)


def _customer(said: Cells) -> Taken:
    email = said.get("email")
    return Taken(
        kind=ImportKind.CUSTOMER,
        key=_external(said),
        name=_line(said, "name"),
        email=texts.mail(email) if email else None,
    )


def _project(said: Cells) -> Taken:
    currency = _currency(said)
    # Elsewhere change orders moved the price; here it begins where they left it.
    has_moved = any(name.startswith("approved_price") for name in said)
    return Taken(
        kind=ImportKind.PROJECT,
        key=_external(said),
        name=_line(said, "name"),
        customer_key=_line(said, "customer_id", KEY_CHARS_MAX),
        currency=currency,
        amount=_amount(said, "approved_price" if has_moved else "original_price", currency),
    )


def _invoice(said: Cells) -> Taken:
    currency, number = _currency(said), _line(said, "number", KEY_CHARS_MAX)
    field = "status" if "status" in said and "state" not in said else "state"
    state = _STATES.get(said.get(field, "draft").strip().lower())
    if state is None:
        raise Invalid("only drafts and sent invoices are taken over: draft or sent", field=field)
    return Taken(
        kind=ImportKind.INVOICE,
        key=number.lower(),
        name=number,
        customer_key=_line(said, "customer_id", KEY_CHARS_MAX),
        project_key=_line_or_none(said, "project_id"),
        currency=currency,
        amount=_amount(said, "total", currency),
        issued_on=_day(said, "issued_on"),
        due_on=_day(said, "due_on"),
        state=state,
        words=_words(said, "description"),
    )


def _deposit(said: Cells) -> Taken:
    currency, code = _currency(said), _line(said, "code", KEY_CHARS_MAX)
    return Taken(
        kind=ImportKind.DEPOSIT,
        key=code.lower(),
        name=code,
        customer_key=_line(said, "customer_id", KEY_CHARS_MAX),
        project_key=_line_or_none(said, "project_id"),
        currency=currency,
        amount=_amount(said, "amount", currency),
        issued_on=_day(said, "date"),
        words=_words(said, "notes"),
    )


def _external(said: Cells) -> str:
    name = "external_id" if "external_id" in said else "id"
    return _line(said, name, KEY_CHARS_MAX)


def _line(said: Cells, name: str, chars_max: int = NAME_CHARS_MAX) -> str:
    return texts.line(said.get(name, ""), field=name, chars_max=chars_max)


def _line_or_none(said: Cells, name: str) -> str | None:
    return _line(said, name, KEY_CHARS_MAX) if name in said else None


def _day(said: Cells, name: str) -> date | None:
    typed = said.get(name, "").strip()
    try:
        found = date.fromisoformat(typed) if _DAY.fullmatch(typed) else typed or None
    except ValueError:
        found = typed
    return texts.day(found, field=name)


def _words(said: Cells, name: str) -> str | None:
    return texts.words(said.get(name, ""), field=name, chars_max=WORDS_CHARS_MAX) or None


def _currency(said: Cells) -> str:
    return currencies.code(said.get("currency", ""))


def _amount(said: Cells, name: str, currency: str) -> int:
    """Whole minor units under the plain name, as people write it under the other; or both."""
    found = set()
    if name in said:
        typed = said[name].strip()
        if not (typed.isascii() and typed.isdigit() and len(typed) <= len(str(money.MINOR_MAX))):
            raise Invalid(
                f"is whole minor units; write 1234.50 into a column {name}_decimal", field=name
            )
        found.add(int(typed))
    if f"{name}_decimal" in said:
        field = f"{name}_decimal"
        found.add(money.parse(said[field], currency, field=field).minor)
    if len(found) > 1:
        raise Invalid(f"{name} and {name}_decimal say different amounts", field=name)
    if not found or not 0 < (amount := found.pop()) <= money.MINOR_MAX:
        raise Invalid("must be more than nothing", field=name)
    return amount


_READERS: Mapping[ImportKind, Callable[[Cells], Taken]] = {
    ImportKind.CUSTOMER: _customer,
    ImportKind.PROJECT: _project,
    ImportKind.INVOICE: _invoice,
    ImportKind.DEPOSIT: _deposit,
}
