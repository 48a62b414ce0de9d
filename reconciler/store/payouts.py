"""Payouts, what they consist of, and balance movements that belong to no payment."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from reconciler.books.payouts import PayoutStatus
from reconciler.store import base
from reconciler.store.base import SQLModel, datetime


class Payout(SQLModel, table=True):
    """The join of all that a rail has said of one payout. Minor units; negative takes in."""

    __tablename__ = "payout"
    __table_args__ = (
        sa.UniqueConstraint("rail", "account", "rail_payout_id"),
        base.one_of("payout_status_is_known", "status", PayoutStatus),
        sa.Index(
            "ix_payout_fetch_due",
            "fetch_due_at",
            postgresql_where=sa.text("fetch_due_at is not null"),
        ),
        sa.Index("ix_payout_occurred", "occurred_at", "id"),
        # Whose row a movement is.
        sa.Index("ix_payout_rows", sa.text("(facts -> 'rows')"), postgresql_using="gin"),
    )

    id: str = base.key()
    rail: str = base.text()
    account: str = base.text()
    rail_payout_id: str = base.text()
    currency: str | None = base.text_or_none()
    amount: int = base.minor_units()
    status: str = base.text()
    arrival_at: datetime | None = base.instant_or_none()
    facts: dict[str, Any] = Field(sa_type=JSONB, nullable=False)
    booked: dict[str, Any] = base.document()
    # What it consists of, as far as that was listed: how many, what they net in its currency,
    # and when all of them were listed for the last time.
    line_count: int = base.whole()
    lines_net: int = base.minor_units()
    listed_at: datetime | None = base.instant_or_none()
    fetch_due_at: datetime | None = base.instant_or_none()
    fetch_attempts: int = base.whole()
    livemode: bool = base.flag()
    occurred_at: datetime = base.instant()
    created_at: datetime = base.instant()
    updated_at: datetime = base.instant()
    rev: int = base.whole(default=1)
    rank: int | None = base.rank()


class PayoutLine(SQLModel, table=True):
    """A movement that a payout consists of, as the rail lists it. Never changed."""

    __tablename__ = "payout_line"
    __table_args__ = (sa.Index("ix_payout_line_movement", "rail_movement_id"),)

    payout_id: str = Field(
        sa_column=sa.Column(sa.Text, sa.ForeignKey("payout.id"), primary_key=True)
    )
    rail_movement_id: str = Field(sa_column=sa.Column(sa.Text, primary_key=True))
    amount: int = base.minor_units()
    fee: int = base.minor_units()
    currency: str = base.text()
    category: str = base.text()
    source: str | None = base.text_or_none()
    moved_at: datetime = base.instant()


class BalanceMovement(SQLModel, table=True):
    """A movement of the rail's balance that belongs to no payment. Never changed."""

    __tablename__ = "balance_movement"

    rail: str = Field(sa_column=sa.Column(sa.Text, primary_key=True))
    account: str = Field(sa_column=sa.Column(sa.Text, primary_key=True))
    rail_movement_id: str = Field(sa_column=sa.Column(sa.Text, primary_key=True))
    amount: int = base.minor_units()
    fee: int = base.minor_units()
    currency: str = base.text()
    category: str = base.text()
    kind: str = base.text()
    balance_type: str = base.text()
    source: str | None = base.text_or_none()
    moved_at: datetime = base.instant()
    created_at: datetime = base.instant()
    rank: int | None = base.rank()
