"""Deposits: money taken ahead of an invoice. A liability, never revenue."""

from datetime import date

import sqlalchemy as sa
from sqlmodel import Field

from reconciler.store import base, words
from reconciler.store.base import SQLModel, datetime


class Deposit(SQLModel, table=True):
    """Money asked for ahead, in minor units of `currency`.

    `received` is what allocations brought (before refunds), `applied` what is used on invoices or
    kept as income, of which `forfeited` is kept, `refunded` what went back; all follow from other
    rows. What nobody paid is asked for no more after `expires_on`. What is `forfeit_…` are its
    terms (books/deposit_terms.py), which stand once it is paid. One that is `ended` is
    asked for no more; money that comes for it all the same is taken.
    """

    __tablename__ = "deposit"
    __table_args__ = (
        base.holds("deposit_amount_is_positive", "amount > 0"),
        base.holds(
            "deposit_parts_are_not_negative", "received >= 0 and applied >= 0 and refunded >= 0"
        ),
        base.holds("no_deposit_is_spent_twice", "applied + refunded <= received"),
        base.holds("what_is_forfeited_is_applied", "forfeited between 0 and applied"),
        base.holds("deposit_receives_no_more_than_asked", "received <= amount"),
        sa.Index("uq_deposit_code", sa.text("lower(btrim(code))"), unique=True),
        base.holds(
            "deposit_terms_say_what_is_kept",
            "forfeit_kept between 1 and 10000 or (forfeit_kept is null"
            " and not forfeit_once_begun and forfeit_within_days is null)",
        ),
        base.holds("an_ended_deposit_says_why", "(ended_at is null) = (ended_why is null)"),
        sa.UniqueConstraint("milestone_id"),
        sa.Index(
            "ix_deposit_held",
            "milestone_id",
            postgresql_where=sa.text("received > applied + refunded"),
        ),
        sa.Index(
            "ix_deposit_due",
            "due_on",
            "id",
            postgresql_where=sa.text("received < amount and ended_at is null"),
        ),
        sa.Index(
            "ix_deposit_expires",
            "expires_on",
            postgresql_where=sa.text("received = 0 and ended_at is null"),
        ),
        sa.Index("ix_deposit_seeks_payment", "id", postgresql_where=sa.text("seeks_payment")),
        sa.Index(
            "ix_deposit_open_amount",
            "currency",
            sa.text("(amount - received)"),
            postgresql_where=sa.text("ended_at is null and received < amount"),
        ),
        sa.Index("ix_deposit_created", "created_at", "id"),
        sa.Index("ix_deposit_amount", "amount", "created_at", "id"),
        sa.Index("ix_deposit_words", sa.text(words.of_number("code")), postgresql_using="gin"),
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
    forfeited: int = base.minor_units()
    received_into: str | None = base.text_or_none()
    notes: str | None = base.text_or_none()
    due_on: date | None = Field(default=None, sa_type=sa.Date, nullable=True)
    expires_on: date | None = Field(default=None, sa_type=sa.Date, nullable=True)
    work_began_on: date | None = Field(default=None, sa_type=sa.Date, nullable=True)
    forfeit_once_begun: bool = base.flag()
    forfeit_within_days: int | None = Field(default=None, sa_type=sa.BigInteger, nullable=True)
    forfeit_kept: int | None = Field(default=None, sa_type=sa.BigInteger, nullable=True)
    ended_at: datetime | None = base.instant_or_none()
    ended_why: str | None = base.text_or_none()
    seeks_payment: bool = base.flag()
    created_at: datetime = base.instant()
    rev: int = base.whole(default=1)
