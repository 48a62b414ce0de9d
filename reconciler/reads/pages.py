"""Lists in pages that stay right while rows are added: each page starts after a known row.

Newest first, where nothing else is said. A cursor holds the sort key of the last row shown; it is
opaque to who carries it and checked when it comes back.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.errors import Invalid

__all__ = [
    "LIMIT_DEFAULT",
    "LIMIT_MAX",
    "ROWS_OF_A_FILE",
    "Listing",
    "Order",
    "Page",
    "Session",
    "Wanted",
    "decode",
    "encode",
    "in_order",
]

LIMIT_DEFAULT = 50
LIMIT_MAX = 200
NUMBER_MAX = 10_000
ROWS_OF_A_FILE = 1_000  # read at once, where a whole list is written to a file
_CURSOR_CHARS_MAX = 400
_BIGINT_MAX = 2**63 - 1

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some rows, and the cursor that leads to the next ones, if there are more."""

    data: list[T]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of a list is wanted."""

    limit: int = LIMIT_DEFAULT
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """Columns that a list is sorted by, the last one unique; with their types.

    The largest, which is the newest, comes first, unless it `is_rising`.
    """

    columns: tuple[str, ...]
    kinds: tuple[str, ...]
    is_rising: bool = False

    @property
    def way(self) -> str:
        """The same for each column, so that an index has it."""
        return "asc" if self.is_rising else "desc"


@dataclass(frozen=True, slots=True)
class Listing:
    """A list that can be paged: where from, in which order, and what each filter means in SQL."""

    source: str
    order: Order
    conditions: Mapping[str, str]

    def keys(
        self, session: Session, filters: Mapping[str, object], wanted: Wanted
    ) -> tuple[list[str], str | None]:
        """The ids on one page, and the cursor to the next. A filter that is None is not set."""
        assert 1 <= wanted.limit <= ROWS_OF_A_FILE, f"a page of {wanted.limit}"
        values = {name: value for name, value in filters.items() if value is not None}
        clauses = [f"({self.conditions[name]})" for name in values]
        if wanted.cursor is not None:
            after = decode(wanted.cursor, self.order.kinds)
            values |= {f"after_{n}": value for n, value in enumerate(after)}
            clauses.append(self._after())
        listed = ", ".join(self.order.columns)
        sorted_by = ", ".join(f"{column} {self.order.way}" for column in self.order.columns)
        sql = f"""select {listed} from {self.source} where {" and ".join(clauses) or "true"}
            order by {sorted_by} limit :limit"""
        rows = session.execute(sa.text(sql), values | {"limit": wanted.limit + 1}).all()
        page = rows[: wanted.limit]
        more = encode(page[-1]) if len(rows) > wanted.limit else None
        return [str(row[-1]) for row in page], more

    def number(self, session: Session, filters: Mapping[str, object]) -> int:
        """How many rows there are in all, up to `NUMBER_MAX`: more, nobody counts down."""
        values = {name: value for name, value in filters.items() if value is not None}
        clauses = " and ".join(f"({self.conditions[name]})" for name in values) or "true"
        sql = f"""select count(*) from (
            select 1 from {self.source} where {clauses} limit {NUMBER_MAX}) as few"""
        return int(session.execute(sa.text(sql), values).scalar_one())

    def groups(
        self, session: Session, filters: Mapping[str, object], by: Sequence[str]
    ) -> Sequence[sa.Row[Any]]:
        """Each combination of these columns, and the `number` of rows that have it."""
        values = {name: value for name, value in filters.items() if value is not None}
        clauses = " and ".join(f"({self.conditions[name]})" for name in values) or "true"
        sql = f"select {', '.join(by)}, count(*) as number from {self.source} where {clauses}"
        places = ", ".join(str(n + 1) for n in range(len(by)))
        return session.execute(sa.text(f"{sql} group by {places} order by {places}"), values).all()

    def _after(self) -> str:
        places = ", ".join(f"cast(:after_{n} as {kind})" for n, kind in enumerate(self.order.kinds))
        follows = ">" if self.order.is_rising else "<"
        return f"({', '.join(self.order.columns)}) {follows} ({places})"


def in_order(ids: Iterable[str], rows: Mapping[str, T]) -> list[T]:
    """The rows with these ids, in the order of the ids."""
    return [rows[row_id] for row_id in ids if row_id in rows]


def encode(key: Sequence[object]) -> str:
    """A sort key as an opaque text."""
    written = [part.isoformat() if isinstance(part, date) else part for part in key]
    text = json.dumps(written, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str, kinds: Sequence[str]) -> list[object]:
    """A sort key from the text that `encode` made. Raises Invalid for any other text."""
    wrong = Invalid("this is no cursor of this list", field="cursor")
    if len(cursor) > _CURSOR_CHARS_MAX or not cursor.isascii():
        raise wrong
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        parts = json.loads(text)
        if not isinstance(parts, list) or len(parts) != len(kinds):
            raise wrong
        return [_checked(part, kind) for part, kind in zip(parts, kinds, strict=True)]
    except (binascii.Error, ValueError, RecursionError):
        raise wrong from None


def _checked(part: object, kind: str) -> object:
    if kind == "bigint":
        if type(part) is not int or abs(part) > _BIGINT_MAX:
            raise ValueError(part)
        return part
    if not isinstance(part, str) or "\0" in part or not part.isascii():
        raise ValueError(part)
    if kind == "date":
        return date.fromisoformat(part)
    if kind == "timestamptz":
        instant = datetime.fromisoformat(part)
        if instant.tzinfo is None:
            raise ValueError(part)
        return instant
    return part
