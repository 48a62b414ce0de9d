"""Runs and what they found, and up to when nothing is missing."""

from collections.abc import Collection, Iterable, Mapping
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How many objects of a kind a run has read, and whether those are all."""

    kind: str
    rows: int
    is_complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The tick that a plan took last, and when."""

    tick: datetime
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LastDrift:
    """What the last finished run over a rail could not explain, by currency in minor units.

    Empty where the rail's balance was what its movements here come to.
    """

    rail: str
    run_id: str
    at: datetime
    drift: dict[str, int]


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
_PROGRESS = sa.text("select kind, rows, is_complete from reconciliation_step where run_id = :run")
_TURNS = sa.text(
    """select job, max(tick) as tick, max(fired_at) as at from job_tick
    where job like 'reconcile/%' group by job"""
)
_DRIFTS = sa.text(
    """select distinct on (rail) rail, id, finished_at, drift from reconciliation_run
    where state = 'done' order by rail, finished_at desc"""
)
_ASKED = sa.text(
    """select d.rail_object from reconciliation_discrepancy d
    join review_item i on i.kind = 'drift' and i.subject = d.rail_object and i.state = 'open'
    where d.run_id = :run and not d.is_healed"""
)


def page(
    session: Session, filters: Mapping[str, object], wanted: Wanted, *, shown: int = SHOWN_MAX
) -> Page[RunRow]:
    """Runs, the last begun first, each with up to `shown` of its discrepancies."""
    ids, more = LISTING.keys(session, filters, wanted)
    return Page(in_order(ids, _load(session, ids, shown)), more)


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


def drifts(session: Session) -> list[LastDrift]:
    """Whether each rail's balance was explained when a run was over last."""
    return [
        LastDrift(rail=r.rail, run_id=r.id, at=r.finished_at, drift=r.drift)
        for r in session.execute(_DRIFTS)
    ]


def complete_up_to(found: Iterable[Complete], kinds: Collection[str]) -> datetime | None:
    """Up to when nothing of any of these kinds is missing; None while one was never compared.

    Of several rails the one that lags behind counts.
    """
    known = list(found)
    if not known or any(
        set(kinds) - {one.kind for one in known if one.rail == rail}
        for rail in {one.rail for one in known}
    ):
        return None
    return min(one.until for one in known)


def progress(session: Session, run_id: str) -> dict[str, Progress]:
    """How far each kind that was begun has come in a run."""
    return {
        r.kind: Progress(kind=r.kind, rows=r.rows, is_complete=r.is_complete)
        for r in session.execute(_PROGRESS, {"run": run_id})
    }


def turns(session: Session) -> dict[str, Turn]:
    """The last tick of every plan, by the name under which it is taken."""
    return {r.job: Turn(tick=r.tick, at=r.at) for r in session.execute(_TURNS)}


def asked(session: Session, run_id: str) -> frozenset[str]:
    """Objects of the rail that this run left, and about which a question is open now."""
    return frozenset(session.scalars(_ASKED, {"run": run_id}))


def _load(session: Session, ids: Collection[str], shown: int = SHOWN_MAX) -> dict[str, RunRow]:
    found: dict[str, list[DiscrepancyRow]] = {}
    for row in session.execute(_FOUND, {"ids": list(ids), "limit": shown}):
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
