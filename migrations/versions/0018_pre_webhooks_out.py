"""Webhooks that go out: endpoints, what is told, and every try to tell it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_KINDS = (
    "'invoice.sent', 'invoice.partially_paid', 'invoice.paid', 'invoice.reopened',"
    " 'invoice.voided', 'deposit.received', 'payment.received', 'payment.matched',"
    " 'payment.unmatched', 'refund.succeeded', 'refund.failed', 'dispute.opened',"
    " 'dispute.lost', 'dispute.won'"
)


def upgrade() -> None:
    op.create_table(
        "webhook_endpoint",
        *(_text(name) for name in ("id", "url", "note")),
        sa.Column("events", ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("is_on", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        _text("secret"),
        _text("secret_before", nullable=True),
        _instant("secret_before_until", nullable=True),
        _instant("failing_since", nullable=True),
        _text("disabled_why", nullable=True),
        _instant("created_at"),
        _whole("rev", "1"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoint")),
    )
    op.create_table(
        "webhook_event",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        *(_text(name) for name in ("id", "kind", "object_id", "key")),
        sa.Column("data", JSONB(), nullable=False),
        _instant("at"),
        sa.CheckConstraint(f"kind in ({_KINDS})", name=op.f("webhook_event_kind_is_known")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_webhook_event")),
        sa.UniqueConstraint("id", name=op.f("uq_webhook_event_id")),
        sa.UniqueConstraint("key", name=op.f("uq_webhook_event_key")),
    )
    op.create_index("ix_webhook_event_object", "webhook_event", ["object_id", "seq"])
    _deliveries()


def _deliveries() -> None:
    op.create_table(
        "webhook_delivery",
        *(_text(name) for name in ("id", "endpoint_id")),
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        *(_text(name) for name in ("object_id", "state")),
        _instant("due_at"),
        _instant("lease_until", nullable=True),
        _whole("tries"),
        sa.Column("status", sa.BigInteger(), nullable=True),
        _text("why", nullable=True),
        _instant("created_at"),
        _instant("ended_at", nullable=True),
        sa.CheckConstraint(
            "state in ('waiting', 'claimed', 'delivered', 'given_up')",
            name=op.f("webhook_delivery_state_is_known"),
        ),
        sa.CheckConstraint(
            "(state = 'claimed') = (lease_until is not null)",
            name=op.f("a_claimed_delivery_has_a_lease"),
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["webhook_endpoint.id"],
            name=op.f("fk_webhook_delivery_endpoint_id_webhook_endpoint"),
        ),
        sa.ForeignKeyConstraint(
            ["event_seq"],
            ["webhook_event.seq"],
            name=op.f("fk_webhook_delivery_event_seq_webhook_event"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_delivery")),
        sa.UniqueConstraint(
            "endpoint_id", "event_seq", name=op.f("uq_webhook_delivery_endpoint_id_event_seq")
        ),
    )
    is_open = sa.text("state in ('waiting', 'claimed')")
    for name, columns in (
        ("ix_webhook_delivery_open", ["endpoint_id", "object_id", "event_seq"]),
        ("ix_webhook_delivery_due", ["due_at"]),
    ):
        op.create_index(name, "webhook_delivery", columns, postgresql_where=is_open)
    op.create_index("ix_webhook_delivery_event_seq", "webhook_delivery", ["event_seq"])
    op.create_table(
        "webhook_attempt",
        *(_text(name) for name in ("id", "delivery_id")),
        _instant("at"),
        sa.Column("status", sa.BigInteger(), nullable=True),
        _whole("took_ms"),
        _text("why", nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["webhook_delivery.id"],
            name=op.f("fk_webhook_attempt_delivery_id_webhook_delivery"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_attempt")),
    )
    op.create_index("ix_webhook_attempt_delivery_id", "webhook_attempt", ["delivery_id"])


def downgrade() -> None:
    for table in ("webhook_attempt", "webhook_delivery", "webhook_event", "webhook_endpoint"):
        op.drop_table(table)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _whole(name: str, default: str = "0") -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=sa.text(default), nullable=False)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[sa.DateTime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
