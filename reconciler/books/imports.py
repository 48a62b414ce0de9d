"""What a row of a file for import says: each field read, and every one that cannot be right named.

A file names its columns as the API and the exports do: `total` is whole minor units, and
`total_decimal` the same as people write it. A column that nobody knows is refused, because a
misspelt one would be left out in silence.
"""

from reconciler.books.import_cells import Cells
from reconciler.books.import_kinds import ImportKind, Taken
from reconciler.books.import_readers import PAYMENTS, READERS
from reconciler.errors import Invalid

_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001  an export puts a mark before them
_PAID = {"paid_on", "paid_by", "reference"}
_LINE = {
    "number", "currency", "description", "quantity", "unit_price", "tax_rate", "tax_name",
}  # fmt: skip
_COLUMNS = {
    ImportKind.CUSTOMER: {
        "external_id", "id", "name", "email", "overpayment_policy", "rail_customers",
    },
    ImportKind.PROJECT: {
        "external_id", "id", "customer_id", "name", "currency", "original_price", "approved_price",
    },
    ImportKind.INVOICE: {
        "number", "customer_id", "project_id", "currency", "total", "issued_on", "due_on", "state",
        "status", "description", "paid", "credited", "tax", "tax_rate", "tax_name", *_PAID,
    },
    ImportKind.INVOICE_LINE: _LINE,
    ImportKind.DEPOSIT: {
        "code", "customer_id", "project_id", "currency", "amount", "date", "notes", "received",
        "due_on", "expires_on", *_PAID,
    },
    ImportKind.RECEIPT: {
        "external_id", "id", "number", "code", "currency", "amount", "received_on", "source",
        "reference",
    },
    ImportKind.APPLICATION: {
        "external_id", "id", "code", "number", "currency", "amount", "applied_on",
    },
    ImportKind.VENDOR: {"external_id", "id", "name", "email", "notes"},
    ImportKind.BILL: {
        "number", "vendor_id", "currency", "total", "tax", "tax_rate", "tax_name", "category",
        "issued_on", "due_on", "state", "status", "description", "paid", "paid_on", "reference",
    },
    ImportKind.BILL_LINE: {*_LINE, "vendor_id", "category"},
    ImportKind.BILL_PAYMENT: {
        "external_id", "id", "number", "vendor_id", "currency", "amount", "paid_on", "reference",
    },
}  # fmt: skip
# Columns of our own exports that follow from others, or mean nothing in other books.
_FOLLOWS = {
    "id", "customer_name", "milestone_id", "created_at", "sent_at", "voided_at", "outstanding",
    "credit_notes", "refund_credits", "write_offs", "tax_credited", "subtotal", "applied",
    "refunded", "remaining", "fees", "payment_status", "applied_status", "received_into", "rev",
    "forfeited", "ended_at", "vendor_name", "opened_at", "invoice_id", "bill_id", "place", "net",
}  # fmt: skip
# What such rows were taken away again for cannot be told from here.
_MUST_BE_NOTHING = {
    ImportKind.INVOICE: {"credited"},
    ImportKind.DEPOSIT: {"applied", "refunded", "forfeited"},
}


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


def rows_of(kind: ImportKind | None, given: Cells) -> tuple[Taken, ...]:
    """What a row says: one thing, and what was paid on it already where the row says that too.

    Raises Invalid naming the column.
    """
    said = {name: cell for name, cell in given.items() if cell.strip()}
    taken = take(kind, said)
    payment = PAYMENTS.get(taken.kind)
    paid = payment(said, taken) if payment else None
    return (taken,) if paid is None else (taken, paid)


def take(kind: ImportKind | None, given: Cells) -> Taken:
    """What a row says of the thing itself. Raises Invalid naming the column."""
    said = {name: cell for name, cell in given.items() if cell.strip()}
    found = kind or _kind(said)
    for name in sorted(_MUST_BE_NOTHING.get(found, set()) & said.keys()):
        if said[name].strip("0.,"):
            raise Invalid(
                "what was credited, used or given back elsewhere is not taken over: bring in what"
                " is still owed, or leave the column out",
                field=name,
            )
    return READERS[found](said)


def unmarked(cell: str) -> str:
    """A cell of a CSV without the mark that an export puts before what a spreadsheet would run."""
    is_marked = cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA_STARTS)
    return cell[1:] if is_marked else cell


def _kind(said: Cells) -> ImportKind:
    name = said.get("kind", "").strip().lower()
    if name not in set(ImportKind):
        raise Invalid(f"is one of {', '.join(ImportKind)}", field="kind")
    return ImportKind(name)
