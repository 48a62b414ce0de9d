"""The lines of invoices where something is decided about them: the first of each, and how many."""

from collections.abc import Collection
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlmodel import Session

LINES_MAX = 10  # of one invoice: its own page has all

_LINES = sa.text(
    """select l.invoice_id, l.number, l.currency, l.description, l.quantity, l.unit_price, l.net,
      l.tax, l.lines
    from (select x.*, i.number, i.currency, count(*) over w as lines,
        row_number() over (w order by x.place) as turn
      from invoice_line x join invoice i on i.id = x.invoice_id
      where x.invoice_id = any(:ids) window w as (partition by x.invoice_id)) l
    where l.turn <= :most order by l.invoice_id, l.turn"""
)


@dataclass(frozen=True, slots=True)
class LineShown:
    """One line, in minor units of the invoice's currency; `net` is without `tax`."""

    description: str
    quantity: str
    unit_price: int
    net: int
    tax: int


@dataclass(frozen=True, slots=True)
class LinesShown:
    """The first lines of an invoice that has `number_of_lines`."""

    invoice_id: str
    number: str
    currency: str
    number_of_lines: int
    lines: list[LineShown] = field(default_factory=list)

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.number_of_lines - len(self.lines)


def of(session: Session, ids: Collection[str]) -> dict[str, LinesShown]:
    """By invoice; invoices without lines, and what is no invoice, are left out."""
    found: dict[str, LinesShown] = {}
    if not ids:
        return found
    for row in session.execute(_LINES, {"ids": sorted(ids), "most": LINES_MAX}):
        shown = found.setdefault(
            row.invoice_id, LinesShown(row.invoice_id, row.number, row.currency, row.lines)
        )
        shown.lines.append(
            LineShown(row.description, row.quantity, row.unit_price, row.net, row.tax)
        )
    return found
