"""What waits for a person."""

from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from reconciler.books.reviews import ReviewKind, ReviewState
from reconciler.store import base
from reconciler.store.base import SQLModel, date, datetime


class ReviewItem(SQLModel, table=True):
    """One question for a person. `amount` is what is in question, in minor units."""

    __tablename__ = "review_item"
    __table_args__ = (
        base.one_of("review_kind_is_known", "kind", ReviewKind),
        base.one_of("review_state_is_known", "state", ReviewState),
        sa.Index(
            "uq_review_item_open",
            "kind",
            "subject",
            unique=True,
            postgresql_where=sa.text("state = 'open'"),
        ),
        sa.Index("ix_review_item_subject", "subject", "kind"),
        sa.Index("ix_review_item_opened", "state", "opened_at", "id"),
    )

    id: str = base.key()
    kind: str = base.text()
    state: str = base.text()
    subject: str = base.text()  # our id, or the rail's, of what it is about
    payment_id: str | None = base.reference("payment.id", nullable=True)
    invoice_id: str | None = base.text_or_none()
    deposit_id: str | None = base.text_or_none()
    refund_id: str | None = base.text_or_none()
    event_seq: int | None = Field(default=None, sa_type=sa.BigInteger, nullable=True)
    amount: int | None = Field(default=None, sa_type=sa.BigInteger, nullable=True)
    currency: str | None = base.text_or_none()
    details: dict[str, Any] = base.document()
    opened_at: datetime = base.instant()
    resolved_at: datetime | None = base.instant_or_none()
    resolved_by: str | None = base.text_or_none()
    resolution: str | None = base.text_or_none()
    rev: int = base.whole(default=1)
    # Whose it is to answer, and until which day it is out of sight; neither answers it.
    assigned_to: str | None = base.reference("user_account.id", nullable=True)
    snoozed_until: date | None = Field(default=None, sa_type=sa.Date, nullable=True)
    # The excess for which the customer's policy was looked at last.
    policy_seen: int | None = Field(default=None, sa_type=sa.BigInteger, nullable=True)
