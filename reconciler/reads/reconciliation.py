"""Runs and what they found, and up to when nothing is missing."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.errors import NotFound
from reconciler.reads.pages import Listing, Order, Page, Wanted, in_order
from reconciler.work import Cause

SHOWN_MAX = 1_000  # discrepancies of a run that are shown


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscrepancyRow:
    """One thing on which the two sides differed. `expected` is the rail's side, `actual` ours.

    `kind` is what is the matter, `object_kind` and `rail_object` what it is about. Amounts are in
    minor units.
    """

    kind: str
    object_kind: str
    rail_object: str
    payment_id: str | None
    expected: dict[str, Any] | None
    actual: dict[str, Any] | None
    healed: bool
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One comparison with the rail over [since, until).

    `checked` objects of the rail were looked at, `matched` were the same here at once, `healed`
    things were put right and `unhealed` wait for a person. `drift` is the rail's balance less all
    movements known here, by currency in minor units: what nothing explains.
    """

    id: str
    rail: str
    purpose: str
    since: datetime
    until: datetime
    status: str
    checked: int
    matched: int
    healed: int
    unhealed: int
    drift: dict[str, int]
    error: str | None
    cause: Cause
    started_at: datetime
    finished_at: datetime | None
    discrepancies: list[DiscrepancyRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """Of this kind nothing is missing here from `since` up to `until`."""

    rail: str
    kind: str
    since: datetime
    until: datetime


LISTING = Listing(
    source="reconciliation_run r",
    order=Order(("r.started_at", "r.id"), ("timestamptz", "text")),
    conditions={"rail": "r.rail = :rail", "status": "r.state = :status"},
)
# While a run goes on its steps say how far it has come.
_RUNS = sa.text(
    """select r.*, coalesce(s.rows, 0)::bigint as so_far, coalesce(s.matched, 0)::bigint as agreed,
      coalesce(s.healed, 0)::bigint as mended
    from reconciliation_run r left join (select run_id, sum(rows) as rows,
      sum(matched) as matched, sum(healed) as healed from reconciliation_step group by 1) s
      on s.run_id = r.id
    where r.id = any(:ids)"""
)
_FOUND = sa.text(
    """select d.* from unnest(cast(:ids as text[])) as r(id)
    cross join lateral (select * from reconciliation_discrepancy where run_id = r.id
      order by is_healed, seq limit :limit) d"""
)
_COMPLETE = sa.text(
    """select rail, kind, complete_since, complete_until from reconciliation_mark
    order by rail, kind"""
)


def page(session: Session, filters: Mapping[str, object], wanted: Wanted) -> Page[RunRow]:
    """Runs, the last begun first."""
    ids, more = LISTING.keys(session, filters, wanted)
    return Page(in_order(ids, _load(session, ids)), more)


def one(session: Session, run_id: str) -> RunRow:
    """One run. Raises NotFound."""
    found = _load(session, [run_id])
    if run_id not in found:
        raise NotFound(f"there is no reconciliation run {run_id}")
    return found[run_id]


def complete(session: Session) -> list[Complete]:
    """Up to when nothing is missing, by rail and kind of object."""
    return [
        Complete(rail=r.rail, kind=r.kind, since=r.complete_since, until=r.complete_until)
        for r in session.execute(_COMPLETE)
    ]


def _load(session: Session, ids: Collection[str]) -> dict[str, RunRow]:
    found: dict[str, list[DiscrepancyRow]] = {}
    for row in session.execute(_FOUND, {"ids": list(ids), "limit": SHOWN_MAX}):
        found.setdefault(row.run_id, []).append(_discrepancy(row))
    rows = session.execute(_RUNS, {"ids": list(ids)})
    return {row.id: _run(row, found.get(row.id, [])) for row in rows}


def _run(row: sa.Row[tuple[Any, ...]], found: list[DiscrepancyRow]) -> RunRow:
    is_over = row.finished_at is not None
    return RunRow(
        id=row.id,
        rail=row.rail,
        purpose=row.purpose,
        since=row.since,
        until=row.until,
        status=row.state,
        checked=row.checked if is_over else row.so_far,
        matched=row.matched if is_over else row.agreed,
        healed=row.healed if is_over else row.mended,
        unhealed=row.unhealed,
        drift=row.drift,
        error=row.error,
        cause=Cause(row.cause_kind, row.cause_id),
        started_at=row.started_at,
        finished_at=row.finished_at,
        discrepancies=found,
    )


def _discrepancy(row: sa.Row[tuple[Any, ...]]) -> DiscrepancyRow:
    return DiscrepancyRow(
        kind=row.difference,
        object_kind=row.kind,
        rail_object=row.rail_object,
        payment_id=row.payment_id,
        expected=row.expected,
        actual=row.actual,
        healed=row.is_healed,
        note=row.note,
    )
