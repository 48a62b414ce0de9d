"""Payouts and balance movements of the account itself."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

APPEND_ONLY = ("payout_line", "balance_movement")


def upgrade() -> None:
    op.create_table(
        "payout",
        *(_text(name) for name in ("id", "rail", "account", "rail_payout_id")),
        sa.Column("currency", sa.Text(), nullable=True),
        _number("amount"),
        _text("status"),
        sa.Column("arrival_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("facts", JSONB(), nullable=False),
        sa.Column(
            "booked",
            JSONB(),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("fetch_due_at", sa.DateTime(timezone=True), nullable=True),
        _number("fetch_attempts"),
        sa.Column("livemode", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        *(_instant(name) for name in ("occurred_at", "created_at", "updated_at")),
        _number("rev", "1"),
        sa.CheckConstraint(
            "status in ('pending', 'in_transit', 'paid', 'canceled', 'failed')",
            name=op.f("payout_status_is_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout")),
        sa.UniqueConstraint(
            "rail", "account", "rail_payout_id", name=op.f("uq_payout_rail_account_rail_payout_id")
        ),
    )
    op.create_index(
        "ix_payout_fetch_due",
        "payout",
        ["fetch_due_at"],
        postgresql_where=sa.text("fetch_due_at is not null"),
    )
    op.create_index("ix_payout_occurred", "payout", ["occurred_at", "id"])
    op.create_table(
        "payout_line",
        _text("payout_id"),
        _text("rail_movement_id"),
        *_moved(),
        sa.ForeignKeyConstraint(
            ["payout_id"], ["payout.id"], name=op.f("fk_payout_line_payout_id_payout")
        ),
        sa.PrimaryKeyConstraint("payout_id", "rail_movement_id", name=op.f("pk_payout_line")),
    )
    op.create_table(
        "balance_movement",
        *(_text(name) for name in ("rail", "account", "rail_movement_id")),
        *_moved(),
        _text("kind"),
        _text("balance_type"),
        _instant("created_at"),
        sa.PrimaryKeyConstraint(
            "rail", "account", "rail_movement_id", name=op.f("pk_balance_movement")
        ),
    )
    for table in APPEND_ONLY:
        op.execute(
            f"""create trigger append_only before update or delete or truncate on {table}
            for each statement execute function append_only()"""
        )
    op.add_column("journal_entry", sa.Column("payout_id", sa.Text(), nullable=True))
    op.create_index(
        "ix_journal_entry_payout",
        "journal_entry",
        ["payout_id"],
        postgresql_where=sa.text("payout_id is not null"),
    )
    op.add_column("inbox_outcome", sa.Column("payout_id", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("inbox_outcome", "payout_id")
    op.drop_index("ix_journal_entry_payout", "journal_entry")
    op.drop_column("journal_entry", "payout_id")
    for table in ("balance_movement", "payout_line", "payout"):
        op.drop_table(table)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _number(name: str, default: str = "0") -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=sa.text(default), nullable=False)


def _instant(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _moved() -> list[sa.Column[Any]]:
    return [
        _number("amount"),
        _number("fee"),
        _text("currency"),
        _text("category"),
        sa.Column("source", sa.Text(), nullable=True),
        _instant("moved_at"),
    ]
