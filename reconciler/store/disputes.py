"""Disputes as they stand, how they came to stand so, and what people decided about losses."""

import sqlalchemy as sa
from sqlmodel import Field

from reconciler.books.disputes import Decision, Kind, Stage
from reconciler.store import base
from reconciler.store.base import SQLModel, datetime


class Dispute(SQLModel, table=True):
    """What a payer's bank asks for, or has taken. Follows from the payment's facts, decision apart.

    In minor units of the payment's currency: `amount` is what the bank claims, `taken` what it has
    now, `lost` what of that the payment lost for good. `decision` is the last of its decisions.
    """

    __tablename__ = "dispute"
    __table_args__ = (
        sa.UniqueConstraint("payment_id", "rail_dispute_id"),
        base.one_of("dispute_kind_is_known", "kind", Kind),
        base.one_of("dispute_stage_is_known", "stage", Stage),
        base.one_of("dispute_decision_is_known", "decision", Decision),
        base.holds(
            "a_dispute_loses_at_most_what_it_took",
            "amount >= 0 and taken >= 0 and lost >= 0 and lost <= taken",
        ),
        sa.Index("ix_dispute_opened", "opened_at", "id"),
        sa.Index("ix_dispute_rail_dispute_id", "rail_dispute_id"),
        sa.Index(
            "ix_dispute_unsettled",
            "payment_id",
            postgresql_where=sa.text("is_unsettled"),
        ),
    )

    id: str = base.key()
    payment_id: str = base.reference("payment.id", index=False)
    rail_dispute_id: str = base.text()  # of a return: the charge that was taken back
    kind: str = base.text()
    stage: str = base.text()
    status: str = base.text()  # the rail's word
    reason: str | None = base.text_or_none()
    amount: int = base.minor_units()
    taken: int = base.minor_units()
    lost: int = base.minor_units()
    currency: str | None = base.text_or_none()
    evidence_due_at: datetime | None = base.instant_or_none()
    decision: str = base.text()
    # Still open, or lost and nobody has decided what becomes of it: nobody is chased meanwhile.
    is_unsettled: bool = base.flag()
    opened_at: datetime = base.instant()
    updated_at: datetime = base.instant()
    rev: int = base.whole(default=1)


class DisputeStep(SQLModel, table=True):
    """One line of a dispute's history: how it stood from `at` on. Append-only."""

    __tablename__ = "dispute_step"

    seq: int | None = Field(
        default=None,
        sa_column=sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True),
    )
    dispute_id: str = base.reference("dispute.id")
    status: str = base.text()
    stage: str = base.text()
    taken: int = base.minor_units()
    lost: int = base.minor_units()
    cause_kind: str = base.text()
    cause_id: str = base.text()
    at: datetime = base.instant()


class DisputeDecision(SQLModel, table=True):
    """What somebody decided about a loss. The last one holds. Append-only; settling reads it.

    It names the dispute as the rail does, and not our row of it, which can be made anew from the
    rail's messages; what people decided cannot.
    """

    __tablename__ = "dispute_decision"
    __table_args__ = (
        base.one_of("a_decision_is_known", "decision", Decision),
        sa.Index("ix_dispute_decision_last", "payment_id", "rail_dispute_id", "seq"),
    )

    seq: int | None = Field(
        default=None,
        sa_column=sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True),
    )
    payment_id: str = base.reference("payment.id", index=False)
    rail_dispute_id: str = base.text()
    decision: str = base.text()
    cause_kind: str = base.text()
    cause_id: str = base.text()
    at: datetime = base.instant()
