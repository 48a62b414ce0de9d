"""Deposits: money taken ahead of an invoice. A liability, never revenue."""

from datetime import date

import sqlalchemy as sa
from sqlmodel import Field

from reconciler.store import base
from reconciler.store.base import SQLModel, datetime


class Deposit(SQLModel, table=True):
    """Money asked for ahead, in minor units of `currency`.

    `received` is what allocations brought (before refunds), `applied` what invoices use,
    `refunded` what went back; all follow from other rows.
    """

    __tablename__ = "deposit"
    __table_args__ = (
        base.holds("deposit_amount_is_positive", "amount > 0"),
        base.holds(
            "deposit_parts_are_not_negative", "received >= 0 and applied >= 0 and refunded >= 0"
        ),
        base.holds("no_deposit_is_spent_twice", "applied + refunded <= received"),
        base.holds("deposit_receives_no_more_than_asked", "received <= amount"),
        sa.Index("uq_deposit_code", sa.text("lower(btrim(code))"), unique=True),
        sa.UniqueConstraint("milestone_id"),
        sa.Index("ix_deposit_seeks_payment", "id", postgresql_where=sa.text("seeks_payment")),
        sa.Index("ix_deposit_created", "created_at", "id"),
    )

    id: str = base.key()
    code: str = base.text()
    customer_id: str = base.reference("customer.id")
    project_id: str | None = base.reference("project.id", nullable=True)
    milestone_id: str | None = base.reference("milestone.id", nullable=True, index=False)
    taken_on: date = Field(sa_type=sa.Date, nullable=False)
    currency: str = base.text()
    amount: int = base.minor_units()
    received: int = base.minor_units()
    applied: int = base.minor_units()
    refunded: int = base.minor_units()
    received_into: str | None = base.text_or_none()
    notes: str | None = base.text_or_none()
    seeks_payment: bool = base.flag()
    created_at: datetime = base.instant()
    rev: int = base.whole(default=1)
