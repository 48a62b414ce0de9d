"""The rows that settling worked on, written back in one go."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.store.claims import AllocationRow, ApplicationRow, DepositRow, InvoiceRow

_INSERT_ALLOCATIONS = sa.text(
    """insert into allocation (id, payment_id, invoice_id, deposit_id, wanted, gross, credited,
      reopened, written_off, amount, turns, strategy, created_at, cause_kind, cause_id)
    select a.*, :cause_kind, :cause_id from unnest(
      cast(:id as text[]), cast(:payment_id as text[]), cast(:invoice_id as text[]),
      cast(:deposit_id as text[]), cast(:wanted as bigint[]), cast(:gross as bigint[]),
      cast(:credited as bigint[]), cast(:reopened as bigint[]), cast(:written_off as bigint[]),
      cast(:amount as bigint[]), cast(:turns as bigint[]), cast(:strategy as text[]),
      cast(:created_at as timestamptz[])) as a"""
)
_CHANGED_CLAIMS = """set wanted = n.wanted, gross = n.gross, credited = n.credited,
      reopened = n.reopened, written_off = n.written_off, amount = n.amount, turns = n.turns,
      closed_at = case when n.wanted = 0 then :now end
    from unnest(cast(:id as text[]), cast(:wanted as bigint[]), cast(:gross as bigint[]),
      cast(:credited as bigint[]), cast(:reopened as bigint[]), cast(:written_off as bigint[]),
      cast(:amount as bigint[]), cast(:turns as bigint[]))
      as n(id, wanted, gross, credited, reopened, written_off, amount, turns)"""
_UPDATE_ALLOCATIONS = sa.text(f"update allocation a {_CHANGED_CLAIMS} where a.id = n.id")
_UPDATE_APPLICATIONS = sa.text(f"update application a {_CHANGED_CLAIMS} where a.id = n.id")
_INSERT_APPLICATIONS = sa.text(
    """insert into application (id, deposit_id, invoice_id, wanted, gross, credited, reopened,
      written_off, amount, turns, created_at, cause_kind, cause_id)
    values (:id, :deposit_id, :invoice_id, :wanted, :gross, :credited, :reopened, :written_off,
      :amount, :turns, :created_at, :cause_kind, :cause_id)"""
)
# What settling writes back of a document, all in minor units.
_AMOUNTS = {
    "invoice": (
        "paid", "credit_notes", "bank_fees", "refund_credits", "write_offs", "tax_credited",
    ),
    "deposit": ("received", "applied", "refunded", "forfeited"),
}  # fmt: skip


def _update(table: str) -> sa.TextClause:
    names = _AMOUNTS[table]
    given = ", ".join(f"cast(:{name} as bigint[])" for name in names)
    return sa.text(
        f"""update {table} x set {", ".join(f"{name} = n.{name}" for name in names)},
          rev = x.rev + 1
        from unnest(cast(:id as text[]), {given}) as n(id, {", ".join(names)})
        where x.id = n.id"""
    )


_UPDATES = {table: _update(table) for table in _AMOUNTS}


def write_allocations(
    session: Session, rows: Iterable[AllocationRow], *, cause: tuple[str, str], now: datetime
) -> None:
    """Insert the new ones, update the changed ones."""
    rows = list(rows)
    new = [r for r in rows if r.is_new]
    if new:
        session.execute(
            _INSERT_ALLOCATIONS,
            _claim_columns(new)
            | {
                name: [getattr(r, name) for r in new]
                for name in ("payment_id", "invoice_id", "deposit_id", "strategy", "created_at")
            }
            | {"cause_kind": cause[0], "cause_id": cause[1]},
        )
    changed = [r for r in rows if r.is_changed and not r.is_new]
    if changed:
        session.execute(_UPDATE_ALLOCATIONS, _claim_columns(changed) | {"now": now})


def write_applications(
    session: Session, rows: Iterable[ApplicationRow], *, cause: tuple[str, str], now: datetime
) -> None:
    """Insert the new ones, update the changed ones."""
    rows = list(rows)
    for r in (r for r in rows if r.is_new):
        session.execute(
            _INSERT_APPLICATIONS,
            {
                "id": r.id, "deposit_id": r.deposit_id, "invoice_id": r.invoice_id,
                "wanted": r.wanted, "gross": r.offer.gross, "credited": r.offer.credited,
                "reopened": r.offer.reopened, "written_off": r.offer.written_off,
                "amount": r.amount, "turns": r.turns,
                "created_at": r.created_at, "cause_kind": cause[0], "cause_id": cause[1],
            },
        )  # fmt: skip
    changed = [r for r in rows if r.is_changed and not r.is_new]
    if changed:
        session.execute(_UPDATE_APPLICATIONS, _claim_columns(changed) | {"now": now})


def write_invoices(session: Session, rows: Iterable[InvoiceRow]) -> None:
    """Update the amounts of the changed ones."""
    _write(session, "invoice", [row for row in rows if row.is_changed])


def write_deposits(session: Session, rows: Iterable[DepositRow]) -> None:
    """Update the amounts of the changed ones."""
    _write(session, "deposit", [row for row in rows if row.is_changed])


def _write(session: Session, table: str, rows: Sequence[InvoiceRow] | Sequence[DepositRow]) -> None:
    if rows:
        names = ("id", *_AMOUNTS[table])
        given = {name: [getattr(row, name) for row in rows] for name in names}
        session.execute(_UPDATES[table], given)


def _claim_columns(rows: Sequence[AllocationRow] | Sequence[ApplicationRow]) -> dict[str, object]:
    return {
        "id": [r.id for r in rows],
        "wanted": [r.wanted for r in rows],
        "gross": [r.offer.gross for r in rows],
        "credited": [r.offer.credited for r in rows],
        "reopened": [r.offer.reopened for r in rows],
        "written_off": [r.offer.written_off for r in rows],
        "amount": [r.amount for r in rows],
        "turns": [r.turns for r in rows],
    }
