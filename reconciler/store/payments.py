"""Payments as a rail knows them, and the rail's other ids that lead to them."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from reconciler.books.payments import PaymentStatus
from reconciler.store import base, words
from reconciler.store.base import SQLModel, datetime


class Payment(SQLModel, table=True):
    """The join of everything a rail has said about one payment, and what is booked of it.

    Amounts are in minor units of `currency`. `refunded`, `lost` and `disputed` are what the
    books hold, not what the rail calls so. What is allocated is the sum of its allocations.
    """

    __tablename__ = "payment"
    __table_args__ = (
        sa.UniqueConstraint("rail", "account", "rail_payment_id"),
        base.one_of("payment_status_is_known", "status", PaymentStatus),
        base.holds(
            "payment_parts_are_not_negative", "captured >= 0 and refunded >= 0 and lost >= 0"
        ),
        base.holds("payment_gives_back_no_more_than_it_took", "refunded + lost <= captured"),
        base.holds("payment_on_its_way_is_not_negative", "on_its_way >= 0"),
        sa.Index("ix_payment_on_its_way", "bound_for", postgresql_where=sa.text("on_its_way > 0")),
        sa.Index(
            "ix_payment_on_its_way_clues",
            "clues",
            postgresql_using="gin",
            postgresql_where=sa.text("on_its_way > 0"),
        ),
        # What was written last is gone through by each search until it is sorted in: so little.
        sa.Index(
            "ix_payment_clues",
            "clues",
            postgresql_using="gin",
            postgresql_where=sa.text("is_held"),
            postgresql_with={"gin_pending_list_limit": 128},
        ),
        # What reminders look through for money that nobody is known to have sent, the newest first.
        sa.Index(
            "ix_payment_of_nobody",
            sa.text("occurred_at desc"),
            "id",
            postgresql_where=sa.text("is_held and customer_id is null"),
        ),
        sa.Index(
            "ix_payment_fetch_due",
            "fetch_due_at",
            postgresql_include=["fetch_attempts"],
            postgresql_where=sa.text("fetch_due_at is not null"),
        ),
        sa.Index(
            "ix_payment_unsure",
            "customer_id",
            postgresql_where=sa.text("is_held or strategy = 'customer_amount'"),
        ),
        sa.Index("ix_payment_occurred", "occurred_at", "id"),
        # Nearly all are captured, so those are found without it.
        sa.Index(
            "ix_payment_status",
            "status",
            "occurred_at",
            "id",
            postgresql_where=sa.text("status <> 'captured'"),
        ),
        sa.Index("ix_payment_customer_id", "customer_id", "occurred_at", "id"),
        sa.Index("ix_payment_amount", "captured", "occurred_at", "id"),
        sa.Index("ix_payment_words", sa.text(words.of_payer()), postgresql_using="gin"),
        sa.Index(
            "ix_payment_by_hand",
            "currency",
            "captured",
            postgresql_where=sa.text("rail = 'manual'"),
        ),
    )

    id: str = base.key()
    rail: str = base.text()
    account: str = base.text()
    rail_payment_id: str = base.text()
    customer_id: str | None = base.reference("customer.id", nullable=True, index=False)
    currency: str | None = base.text_or_none()
    authorized: int = base.minor_units()
    captured: int = base.minor_units()
    refunded: int = base.minor_units()
    lost: int = base.minor_units()
    disputed: int = base.minor_units()
    # Held or being collected, and not here yet; and the invoice or deposit that it is meant for.
    on_its_way: int = base.minor_units()
    bound_for: str | None = base.text_or_none()
    fee: int = base.minor_units()
    fee_currency: str | None = base.text_or_none()
    status: str = base.text()
    facts: dict[str, Any] = Field(sa_type=JSONB, nullable=False)
    booked: dict[str, Any] = base.document()
    # How it came to its target, or why it did not.
    strategy: str | None = base.text_or_none()
    match_dated: int = base.whole()
    reasons: list[str] = base.texts()
    is_held: bool = base.flag()
    clues: list[str] = Field(
        default_factory=list,
        sa_type=ARRAY(sa.Text),
        nullable=False,
        sa_column_kwargs={"server_default": sa.text("'{}'")},
    )
    # When the rail is to be asked for what no message told, and how often it was.
    fetch_due_at: datetime | None = base.instant_or_none()
    fetch_attempts: int = base.whole()
    livemode: bool = base.flag()
    occurred_at: datetime = base.instant()
    created_at: datetime = base.instant()
    updated_at: datetime = base.instant()
    rev: int = base.whole(default=1)
    rank: int | None = base.rank()


class PaymentAlias(SQLModel, table=True):
    """A rail's other id (charge, session, dispute) of a payment."""

    __tablename__ = "payment_alias"

    rail: str = Field(sa_type=sa.Text, primary_key=True)
    account: str = Field(sa_type=sa.Text, primary_key=True)
    object_id: str = Field(sa_type=sa.Text, primary_key=True)
    payment_id: str = base.reference("payment.id")
