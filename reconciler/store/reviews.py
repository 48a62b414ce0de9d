"""What waits for a person."""

from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from reconciler.books.reviews import ReviewKind, ReviewState
from reconciler.store import base
from reconciler.store.base import SQLModel, date, datetime

# What `reconciler verify` asks: triggers have kept the day of what each open question is about.
LAW = """
    select format('question %s is dated %s, what it is about %s', r.id, r.happened_at,
      coalesce(d.opened_at, p.occurred_at))
    from review_item r left join payment p on p.id = r.payment_id and r.kind <> 'dispute'
      left join dispute d on r.kind = 'dispute' and d.payment_id = r.payment_id
        and d.rail_dispute_id = r.subject
    where r.state = 'open' and r.kind in ('ambiguous_match', 'currency_mismatch',
        'invoice_not_payable', 'overpayment', 'unmatched_payment', 'dispute')
      and r.happened_at is distinct from coalesce(d.opened_at, p.occurred_at)"""


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
        # By the numbers of every page; like entries are kept as one, so it stays a few pages long.
        sa.Index(
            "ix_review_item_waiting",
            "kind",
            "snoozed_until",
            postgresql_where=sa.text("state = 'open'"),
        ),
        sa.Index(
            "ix_review_item_document",
            "invoice_id",
            "deposit_id",
            postgresql_where=sa.text(
                "state = 'open' and (invoice_id is not null or deposit_id is not null)"
            ),
        ),
        sa.Index("ix_review_item_subject", "subject", "kind"),
        sa.Index("ix_review_item_opened", "state", "opened_at", "id"),
        sa.Index(
            "ix_review_item_happened",
            sa.text("coalesce(happened_at, opened_at)"),
            "id",
            postgresql_where=sa.text("state = 'open'"),
        ),
        sa.Index(
            "ix_review_item_urgent",
            sa.text("answer_by_epoch(kind, details)"),
            sa.text("coalesce(happened_at, opened_at)"),
            "id",
            postgresql_where=sa.text("state = 'open'"),
        ),
        sa.Index(
            "ix_review_item_largest",
            sa.text("coalesce(amount, 0)"),
            "id",
            postgresql_where=sa.text("state = 'open'"),
        ),
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
    # When the payment or dispute that it is about happened; triggers write it.
    happened_at: datetime | None = base.instant_or_none()
    resolved_at: datetime | None = base.instant_or_none()
    resolved_by: str | None = base.text_or_none()
    resolution: str | None = base.text_or_none()
    rev: int = base.whole(default=1)
    # Whose it is to answer, and until which day it is out of sight; neither answers it.
    assigned_to: str | None = base.reference("user_account.id", nullable=True)
    snoozed_until: date | None = Field(default=None, sa_type=sa.Date, nullable=True)
    # The excess for which the customer's policy was looked at last.
    policy_seen: int | None = Field(default=None, sa_type=sa.BigInteger, nullable=True)
