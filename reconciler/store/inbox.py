"""What rails have told us: the message as it came, and apart from it what became of it.

A message is never updated: it is evidence, and rewriting two kilobytes to change one word
would double what each event costs. Its outcome is a small row of its own; a message with no
outcome is new.
"""

from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field

from reconciler.store import base
from reconciler.store.base import SQLModel, datetime


class EventStatus(StrEnum):
    """What became of an event."""

    PENDING = "pending"
    PARKED = "parked"
    APPLIED = "applied"
    IGNORED = "ignored"
    QUARANTINED = "quarantined"
    FAILED = "failed"


class InboxEvent(SQLModel, table=True):
    """One event, byte for byte as it was signed."""

    __tablename__ = "inbox_event"
    __table_args__ = (
        sa.UniqueConstraint("rail", "account", "rail_event_id"),
        sa.Index("ix_inbox_event_about", "about", postgresql_where=sa.text("about is not null")),
        sa.Index(
            "ix_inbox_event_quarantined", "seq", postgresql_where=sa.text("quarantine is not null")
        ),
        sa.Index(
            "ix_inbox_event_created",
            "created",
            postgresql_using="brin",
            postgresql_with={"pages_per_range": 16, "autosummarize": True},
        ),
    )

    seq: int | None = Field(
        default=None,
        sa_column=sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True),
    )
    rail: str = base.text()
    account: str = base.text()
    rail_event_id: str = base.text()
    type: str = base.text()
    livemode: bool = base.flag()
    api_version: str | None = base.text_or_none()
    about: str | None = base.text_or_none()
    created: int = base.whole()
    quarantine: str | None = base.text_or_none()
    headers: str = base.text()
    body: bytes = Field(sa_type=sa.LargeBinary, nullable=False)
    received_at: datetime = Field(
        sa_type=sa.DateTime(timezone=True),
        nullable=False,
        sa_column_kwargs={"server_default": sa.text("clock_timestamp()")},
    )


class InboxOutcome(SQLModel, table=True):
    """What became of an event, and when it is to be tried again if it is not done."""

    __tablename__ = "inbox_outcome"
    __table_args__ = (
        base.one_of("outcome_status_is_known", "status", EventStatus),
        sa.Index("ix_inbox_outcome_due", "due_at", postgresql_where=sa.text("due_at is not null")),
        sa.Index(
            "ix_inbox_outcome_waits_for",
            "waits_for",
            postgresql_where=sa.text("waits_for is not null"),
        ),
        sa.Index(
            "ix_inbox_outcome_payment",
            "payment_id",
            postgresql_where=sa.text("payment_id is not null"),
        ),
        sa.Index(
            "ix_inbox_outcome_payout",
            "payout_id",
            postgresql_where=sa.text("payout_id is not null"),
        ),
        sa.Index(
            "ix_inbox_outcome_unfinished",
            "status",
            postgresql_where=sa.text("status in ('pending', 'parked', 'failed', 'quarantined')"),
        ),
        sa.Index(
            "ix_inbox_outcome_ignored",
            "applied_at",
            postgresql_where=sa.text("status = 'ignored'"),
        ),
    )

    seq: int = Field(
        sa_column=sa.Column(
            sa.BigInteger, sa.ForeignKey("inbox_event.seq"), primary_key=True, autoincrement=False
        )
    )
    status: str = base.text()
    attempts: int = base.whole()
    error: str | None = base.text_or_none()
    note: str | None = base.text_or_none()
    payment_id: str | None = base.text_or_none()
    payout_id: str | None = base.text_or_none()
    waits_for: str | None = base.text_or_none()
    due_at: datetime | None = base.instant_or_none()
    applied_at: datetime | None = base.instant_or_none()
    rank: int | None = base.rank()


class InboxHorizon(SQLModel, table=True):
    """Up to which event all have an outcome: one row, so that the new ones are found quickly.

    Numbers become visible out of order: a slow commit shows its number after later ones. So
    the horizon moves in two steps: note the last number handed out and the transactions then
    running; once all of those are gone, no number below can still appear.
    """

    __tablename__ = "inbox_horizon"
    __table_args__ = (base.holds("there_is_one_horizon", "id = 1"),)

    id: int = Field(default=1, primary_key=True)
    seq: int = base.whole()
    next_seq: int = base.whole()
    next_xact: int = base.whole()
