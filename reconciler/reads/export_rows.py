"""What a table that leaves in a file is made of: columns, cells, a window, and rows without end.

Rows come in pages that start after a known row, or through a cursor on the server, all from one
snapshot: memory stays flat however much there is, and a row written meanwhile is neither doubled
nor missed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.money import decimal_text

PAGE_ROWS = 1_000

AFTER = "> (cast(:after_at as timestamptz), :after_id)"
UNTIL = "< coalesce(cast(:until as timestamptz), 'infinity')"


@dataclass(frozen=True, slots=True)
class Window:
    """From `since` on, before `until`; None has no end on that side."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, instant: datetime) -> bool:
        """Whether the instant is inside."""
        after = self.since is None or self.since <= instant
        return after and (self.until is None or instant < self.until)


class Amount(str):
    """An amount as exact decimal text: a number by its meaning, though a text by its type."""

    __slots__ = ()


Cell = str | int | datetime | date | list[str] | None
Row = dict[str, Cell]


@dataclass(frozen=True, slots=True)
class Table:
    """A noun's columns. Each in `money` is minor units, in the currency that another names."""

    columns: tuple[str, ...]
    money: Mapping[str, str]

    @property
    def header(self) -> list[str]:
        """All columns: after each amount in minor units the same in decimals."""
        return [
            shown
            for name in self.columns
            for shown in ((name, f"{name}_decimal") if name in self.money else (name,))
        ]

    def filled(self, values: Mapping[str, Any]) -> Row:
        """A row in the order of the header."""
        row: Row = {}
        for name in self.columns:
            row[name] = values[name]
            if name in self.money:
                row[f"{name}_decimal"] = _decimal(values[name], values[self.money[name]])
        return row


def walk(
    session: Session, query: sa.TextClause, window: Window, *, starts_at: datetime | None = None
) -> Iterator[dict[str, Any]]:
    """All rows of a query in its order, page by page; `starts_at` leaves out what is older."""
    given = {"since": window.since, "until": window.until, "limit": PAGE_ROWS}
    after: tuple[object, str] = (starts_at or "-infinity", "")
    while page := _page(session, query, {**given, "after_at": after[0], "after_id": after[1]}):
        yield from page
        after = (page[-1]["walk_at"], page[-1]["walk_id"])


def streamed(
    session: Session, query: sa.TextClause, given: Mapping[str, object]
) -> Iterator[dict[str, Any]]:
    """All rows of a query in its order, through a cursor on the server."""
    options = {"yield_per": PAGE_ROWS}
    for row in session.execute(query, given, execution_options=options):
        yield row._asdict()


def _page(
    session: Session, query: sa.TextClause, given: Mapping[str, object]
) -> list[dict[str, Any]]:
    return [row._asdict() for row in session.execute(query, given)]


def _decimal(minor: Cell, currency: Cell) -> Amount | None:
    if not isinstance(minor, int) or not isinstance(currency, str):
        return None  # a payment of which only a part was heard has no currency yet
    return Amount(decimal_text(minor, currency))
