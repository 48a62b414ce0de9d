"""Disputes written and read in bulk, under the locks of their payments."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler import ids
from reconciler.books.disputes import Decision

_COLUMNS = (
    "kind", "stage", "status", "reason", "amount", "taken", "lost", "currency", "evidence_due_at",
    "decision", "is_unsettled", "opened_at",
)  # fmt: skip
_ALL = sa.text(f"select id, payment_id, rail_dispute_id, {', '.join(_COLUMNS)} from dispute")
_OF_PAYMENTS = sa.text(f"{_ALL.text} where payment_id = any(:payments)")
_DECISIONS = sa.text(
    """select distinct on (payment_id, rail_dispute_id) payment_id, rail_dispute_id, decision
    from dispute_decision
    where cast(:payments as text[]) is null or payment_id = any(:payments)
    order by payment_id, rail_dispute_id, seq desc"""
)
_PUT = sa.text(
    f"""insert into dispute (id, payment_id, rail_dispute_id, {", ".join(_COLUMNS)}, updated_at)
    values (:id, :payment_id, :rail_dispute_id, {", ".join(f":{name}" for name in _COLUMNS)}, :now)
    on conflict (id) do update set {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)},
      updated_at = excluded.updated_at, rev = dispute.rev + 1"""
)
_STEP = sa.text(
    """insert into dispute_step (dispute_id, status, stage, taken, lost, cause_kind, cause_id, at)
    values (:id, :status, :stage, :taken, :lost, :cause_kind, :cause_id, :now)"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeRow:
    """A dispute as it is stored; `id` is None for one that is new here."""

    id: str | None = None
    payment_id: str
    rail_dispute_id: str
    kind: str
    stage: str
    status: str
    reason: str | None
    amount: int
    taken: int
    lost: int
    currency: str | None
    evidence_due_at: datetime | None
    decision: str
    is_unsettled: bool
    opened_at: datetime

    @property
    def standing(self) -> tuple[str, str, int, int]:
        """What a line of the history says."""
        return self.status, self.stage, self.taken, self.lost


Key = tuple[str, str]  # our payment, the rail's id of the dispute


def of_payments(session: Session, payments: Collection[str] | None = None) -> dict[Key, DisputeRow]:
    """The stored disputes of these payments, or of all."""
    if payments is None:
        rows = session.execute(_ALL)
    else:
        rows = session.execute(_OF_PAYMENTS, {"payments": list(payments)})
    found = (DisputeRow(**row._asdict()) for row in rows)
    return {(row.payment_id, row.rail_dispute_id): row for row in found}


def decisions(session: Session, payments: Collection[str] | None = None) -> dict[Key, Decision]:
    """What people decided last about the losses of these payments, or of all."""
    given = {"payments": None if payments is None else list(payments)}
    rows = session.execute(_DECISIONS, given)
    return {(row.payment_id, row.rail_dispute_id): Decision(row.decision) for row in rows}


def put(
    session: Session,
    changes: Sequence[tuple[DisputeRow | None, DisputeRow]],
    *,
    cause: tuple[str, str],
    now: datetime,
) -> None:
    """Write rows as they are now, and a line of history for each that stands otherwise."""
    for before, after in changes:
        given = {name: getattr(after, name) for name in _COLUMNS}
        given |= {
            "id": before.id if before else ids.new_id("dsp"),
            "payment_id": after.payment_id,
            "rail_dispute_id": after.rail_dispute_id,
            "now": now,
        }
        session.execute(_PUT, given)
        if before is None or before.standing != after.standing:
            session.execute(_STEP, given | {"cause_kind": cause[0], "cause_id": cause[1]})
