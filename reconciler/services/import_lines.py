"""The lines of documents from a file: priced like any others, some documents at a time."""

from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.books import invoice_lines as rules
from reconciler.books.bills import CostLine
from reconciler.books.import_kinds import ImportKind
from reconciler.books.invoice_lines import Line, Priced
from reconciler.errors import Invalid
from reconciler.store import import_rows as store
from reconciler.work import Work


def price(work: Work) -> None:
    """Say what the lines of each document come to; refused is one whose total or tax they miss."""
    for rows in store.lined(work.session):
        priced: list[tuple[object, ...]] = []
        bad: list[dict[str, object]] = []
        for row in rows:
            try:
                priced += _cells(row.place, _priced(row))
            except Invalid as error:
                said = {"place": row.place, "field": error.field or "total", "why": str(error)}
                bad.append(said)
        store.put_priced(work.session, priced)
        store.refuse(work.session, bad)


def _priced(row: Any) -> Priced:  # noqa: ANN401  a row of a statement
    if not row.lines:
        is_bill = row.kind == ImportKind.BILL
        why = "its category, or give its lines" if is_bill else "its rate beside it, or its lines"
        raise Invalid(f"say {why}", field="category" if is_bill else "tax")
    make = CostLine if row.kind == ImportKind.BILL else Line
    if make is CostLine and not all("category" in one for one in row.lines):
        raise Invalid("say its category", field="category")
    found = rules.priced([make(**one) for one in row.lines], row.currency)
    if row.tax not in (None, found.tax):
        raise Invalid(f"the tax on its lines comes to {found.tax} minor units", field="tax")
    if row.amount != found.total:
        raise Invalid(f"its lines with their tax come to {found.total} minor units", field="total")
    return found


def _cells(place: int, priced: Priced) -> Iterator[tuple[object, ...]]:
    for number, one in enumerate(priced.lines, 1):
        line = one.line
        said: Sequence[object] = (
            line.description,
            line.category if isinstance(line, CostLine) else None,
            line.quantity,
            line.unit_price,
            line.tax_rate,
            line.tax_name,
        )
        yield (place, number, *said, one.net, one.tax)
