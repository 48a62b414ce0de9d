"""Runs that compare everything with the rail, what they found, and up to when all is here."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from reconciler.books.reconciliation import Difference
from reconciler.store import base
from reconciler.store.base import SQLModel, datetime


class ReconciliationRun(SQLModel, table=True):
    """One comparison over [since, until). `drift` is the rail's balance less ours, by currency."""

    __tablename__ = "reconciliation_run"
    __table_args__ = (
        base.holds("run_state_is_known", "state in ('running', 'done', 'failed')"),
        base.holds("run_purpose_is_known", "purpose in ('window', 'open_items', 'backfill')"),
        base.holds("run_window_is_not_empty", "since < until"),
        sa.Index(
            "ux_reconciliation_run_running",
            "rail",
            "account",
            unique=True,
            postgresql_where=sa.text("state = 'running'"),
        ),
        sa.Index("ix_reconciliation_run_started", "started_at", "id"),
    )

    id: str = base.key()
    rail: str = base.text()
    account: str = base.text()
    purpose: str = base.text()
    since: datetime = base.instant()
    until: datetime = base.instant()
    state: str = base.text()
    cause_kind: str = base.text()
    cause_id: str = base.text()
    started_at: datetime = base.instant()
    # Whoever works on it holds it until then; afterwards anybody goes on where it stopped.
    lease_until: datetime = base.instant()
    lease_token: str | None = base.text_or_none()
    finished_at: datetime | None = base.instant_or_none()
    checked: int = base.whole()
    matched: int = base.whole()
    healed: int = base.whole()
    unhealed: int = base.whole()
    drift: dict[str, Any] = base.document()
    error: str | None = base.text_or_none()


class ReconciliationStep(SQLModel, table=True):
    """How far one kind of object has come in a run."""

    __tablename__ = "reconciliation_step"

    run_id: str = Field(
        sa_type=sa.Text, primary_key=True, foreign_key="reconciliation_run.id", index=True
    )
    kind: str = Field(sa_type=sa.Text, primary_key=True)
    cursor: str | None = base.text_or_none()
    pages: int = base.whole()
    rows: int = base.whole()
    matched: int = base.whole()
    healed: int = base.whole()
    is_complete: bool = base.flag()


class ReconciliationDiscrepancy(SQLModel, table=True):
    """One thing on which the two sides differed: `expected` is the rail's side, `actual` ours.

    One that is not looked at yet is a doubt: the rail is asked about it before anybody hears of it.
    """

    __tablename__ = "reconciliation_discrepancy"
    __table_args__ = (
        base.one_of("difference_is_known", "difference", Difference),
        sa.UniqueConstraint("run_id", "kind", "rail_object", name="uq_discrepancy_once_in_a_run"),
        sa.Index(
            "ix_reconciliation_discrepancy_doubt",
            "run_id",
            "seq",
            postgresql_where=sa.text("not is_looked_at"),
        ),
    )

    seq: int | None = Field(
        default=None,
        sa_column=sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True),
    )
    run_id: str = base.reference("reconciliation_run.id")
    kind: str = base.text()
    rail_object: str = base.text()
    payment_id: str | None = base.text_or_none()
    difference: str = base.text()
    expected: dict[str, Any] | None = Field(default=None, sa_type=JSONB, nullable=True)
    actual: dict[str, Any] | None = Field(default=None, sa_type=JSONB, nullable=True)
    is_healed: bool = Field(sa_type=sa.Boolean, nullable=False)
    is_looked_at: bool = Field(sa_type=sa.Boolean, nullable=False)
    note: str | None = base.text_or_none()
    at: datetime = base.instant()


class ReconciliationMark(SQLModel, table=True):
    """Of this kind nothing is missing from `complete_since` up to `complete_until`."""

    __tablename__ = "reconciliation_mark"

    rail: str = Field(sa_type=sa.Text, primary_key=True)
    account: str = Field(sa_type=sa.Text, primary_key=True)
    kind: str = Field(sa_type=sa.Text, primary_key=True)
    complete_since: datetime = base.instant()
    complete_until: datetime = base.instant()
    run_id: str = base.reference("reconciliation_run.id")
    at: datetime = base.instant()


# What the rail showed, for as long as a run compares it. It has no key: rows only come by COPY,
# whole pages at a time, and go with their run.
reconciliation_row = sa.Table(
    "reconciliation_row",
    SQLModel.metadata,
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("page", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("object_id", sa.Text, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Index("ix_reconciliation_row_run", "run_id", "kind", "page"),
    prefixes=["UNLOGGED"],
)
