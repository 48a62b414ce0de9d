"""Webhooks that go out: who wants to know, what was told, and every try to tell it."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from reconciler.books.webhooks import DeliveryState, Told
from reconciler.store import base
from reconciler.store.base import SQLModel, datetime


class WebhookEndpoint(SQLModel, table=True):
    """Somebody else's address. `events` empty: all kinds. `secret_before` is valid for a while."""

    __tablename__ = "webhook_endpoint"

    id: str = base.key()
    url: str = base.text()
    note: str = base.text()
    events: list[str] = base.texts()
    is_on: bool = base.flag(default=True)
    secret: str = base.text()
    secret_before: str | None = base.text_or_none()
    secret_before_until: datetime | None = base.instant_or_none()
    failing_since: datetime | None = base.instant_or_none()
    disabled_why: str | None = base.text_or_none()
    created_at: datetime = base.instant()
    rev: int = base.whole(default=1)


class WebhookEvent(SQLModel, table=True):
    """One thing that is told, as it was when it happened. `key` says it once."""

    __tablename__ = "webhook_event"
    __table_args__ = (
        base.one_of("webhook_event_kind_is_known", "kind", Told),
        sa.Index("ix_webhook_event_object", "object_id", "seq"),
    )

    seq: int | None = Field(
        default=None,
        sa_column=sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True),
    )
    id: str = base.text(unique=True)
    kind: str = base.text()
    object_id: str = base.text()
    key: str = base.text(unique=True)
    data: dict[str, Any] = Field(sa_type=JSONB, nullable=False)
    at: datetime = base.instant()


class WebhookDelivery(SQLModel, table=True):
    """One event on its way to one endpoint."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        sa.UniqueConstraint("endpoint_id", "event_seq"),
        base.one_of("webhook_delivery_state_is_known", "state", DeliveryState),
        base.holds(
            "a_claimed_delivery_has_a_lease", "(state = 'claimed') = (lease_until is not null)"
        ),
        sa.Index(
            "ix_webhook_delivery_open",
            "endpoint_id",
            "object_id",
            "event_seq",
            postgresql_where=sa.text("state in ('waiting', 'claimed')"),
        ),
        sa.Index(
            "ix_webhook_delivery_due",
            "due_at",
            postgresql_where=sa.text("state in ('waiting', 'claimed')"),
        ),
        sa.Index(
            "ix_webhook_delivery_given_up",
            "endpoint_id",
            postgresql_where=sa.text("state = 'given_up'"),
        ),
        sa.Index("ix_webhook_delivery_event_seq", "event_seq"),
    )

    id: str = base.key()
    endpoint_id: str = base.reference("webhook_endpoint.id", index=False)
    event_seq: int = Field(sa_type=sa.BigInteger, foreign_key="webhook_event.seq", nullable=False)
    object_id: str = base.text()
    state: str = base.text()
    due_at: datetime = base.instant()
    lease_until: datetime | None = base.instant_or_none()
    tries: int = base.whole()
    status: int | None = Field(default=None, sa_type=sa.BigInteger, nullable=True)
    why: str | None = base.text_or_none()
    created_at: datetime = base.instant()
    ended_at: datetime | None = base.instant_or_none()


class WebhookAttempt(SQLModel, table=True):
    """One try: what was answered, or why nothing was."""

    __tablename__ = "webhook_attempt"

    id: str = base.key()
    delivery_id: str = base.reference("webhook_delivery.id")
    at: datetime = base.instant()
    status: int | None = Field(default=None, sa_type=sa.BigInteger, nullable=True)
    took_ms: int = base.whole()
    why: str | None = base.text_or_none()
