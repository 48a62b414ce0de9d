"""What banks corrected afterwards, as lists and screens show it: each beside the line it is of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.bank_corrections import CorrectionKind, CorrectionState
from reconciler.errors import NotFound
from reconciler.reads import statements
from reconciler.reads.pages import Listing, Order, Page, Wanted, in_order
from reconciler.reads.statements import LineShown


@dataclass(frozen=True, slots=True, kw_only=True)
class LineNow:
    """What the bank shows in its place. Minor units of `currency`."""

    booked_on: date
    amount: int
    currency: str
    text: str
    reference: str
    counterparty: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionRow:
    """A line as it stands, with what it is tied to, and what a later file has of it.

    `now` is None where the bank shows it no more. `new_line_id` is the line that came of it.
    """

    id: str
    statement_id: str
    kind: CorrectionKind
    state: CorrectionState
    line: LineShown
    now: LineNow | None
    new_line_id: str | None
    why: str | None
    found_at: datetime
    decided_at: datetime | None
    rev: int


LISTING = Listing(
    source="bank_correction c",
    order=Order(("c.found_at", "c.id"), ("timestamptz", "text")),
    conditions={"statement_id": "c.statement_id = :statement_id", "state": "c.state = :state"},
)
_ROWS = sa.text("select * from bank_correction where id = any(:ids)")


def page(session: Session, filters: Mapping[str, object], wanted: Wanted) -> Page[CorrectionRow]:
    """Corrections, the last found first."""
    ids, more = LISTING.keys(session, filters, wanted)
    return Page(in_order(ids, _load(session, ids)), more)


def one(session: Session, correction_id: str) -> CorrectionRow:
    """One of them. Raises NotFound."""
    found = _load(session, [correction_id]).get(correction_id)
    if found is None:
        raise NotFound(f"there is no correction {correction_id}")
    return found


def _load(session: Session, ids: list[str]) -> dict[str, CorrectionRow]:
    rows = session.execute(_ROWS, {"ids": ids}).all()
    lines = statements.some_lines(session, sorted({row.line_id for row in rows}))
    return {
        row.id: CorrectionRow(
            id=row.id,
            statement_id=row.statement_id,
            kind=CorrectionKind(row.kind),
            state=CorrectionState(row.state),
            line=lines[row.line_id],
            now=_now(row),
            new_line_id=row.new_line_id,
            why=row.why,
            found_at=row.found_at,
            decided_at=row.decided_at,
            rev=row.rev,
        )
        for row in rows
    }


def _now(row: sa.Row[tuple[Any, ...]]) -> LineNow | None:
    if row.identity is None:
        return None
    return LineNow(
        booked_on=row.booked_on,
        amount=row.amount,
        currency=row.currency,
        text=row.text,
        reference=row.reference,
        counterparty=row.counterparty,
    )
