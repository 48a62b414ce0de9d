"""Mail that goes out."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "message",
        *(_text(name) for name in ("id", "kind", "state", "once", "name")),
        _text("customer_id", nullable=True),
        _text("about"),
        sa.Column("step", sa.BigInteger(), nullable=True),
        *(
            _text(name)
            for name in ("recipient", "recipient_name", "subject", "body_text", "body_html")
        ),
        *(_instant(name, nullable=True) for name in ("due_at", "lease_until")),
        *(_whole(name) for name in ("tries", "unknowns")),
        *(_text(name, nullable=True) for name in ("why", "carried_by")),
        *(_text(name) for name in ("cause_kind", "cause_id")),
        _instant("created_at"),
        _instant("sent_at", nullable=True),
        _whole("rev", "1"),
        sa.CheckConstraint(
            "kind in ('reminder', 'receipt', 'refund_receipt', 'refund_failed', 'note')",
            name=op.f("message_kind_is_known"),
        ),
        sa.CheckConstraint(
            "state in ('waiting', 'claimed', 'sent', 'failed', 'dropped')",
            name=op.f("message_state_is_known"),
        ),
        sa.CheckConstraint(
            "state <> 'sent' or body_text <> ''", name=op.f("a_message_that_left_has_words")
        ),
        sa.CheckConstraint(
            "state <> 'waiting' or due_at is not null",
            name=op.f("a_message_waits_for_an_instant"),
        ),
        sa.CheckConstraint(
            "(state = 'claimed') = (lease_until is not null)",
            name=op.f("a_claimed_message_has_a_lease"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_message_customer_id_customer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("once", name=op.f("uq_message_once")),
        sa.UniqueConstraint("name", name=op.f("uq_message_name")),
    )
    op.create_index("ix_message_customer_id", "message", ["customer_id"])
    op.create_index(
        "ix_message_due",
        "message",
        ["due_at", "id"],
        postgresql_where=sa.text("state in ('waiting', 'claimed')"),
    )
    op.create_index("ix_message_created", "message", ["created_at", "id"])
    op.create_index("ix_message_about", "message", ["about", "kind"])


def downgrade() -> None:
    op.drop_table("message")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _whole(name: str, default: str = "0") -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=sa.text(default), nullable=False)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[sa.DateTime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
