"""Bank statements and their lines."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bank_statement",
        *(_text(name) for name in ("id", "bank_account", "file_name", "digest", "form")),
        *(_whole(name) for name in ("line_count", "new_count", "bad_count")),
        sa.Column("bad_rows", JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_statement")),
        sa.UniqueConstraint(
            "bank_account", "digest", name=op.f("uq_bank_statement_bank_account_digest")
        ),
    )
    op.create_index("ix_bank_statement_read", "bank_statement", ["read_at", "id"])
    op.create_table(
        "bank_line",
        *(_text(name) for name in ("id", "statement_id", "bank_account", "identity")),
        _whole("number"),
        sa.Column("booked_on", sa.Date(), nullable=False),
        _whole("amount"),
        *(
            _text(name)
            for name in (
                "currency", "text", "reference", "counterparty", "bank_reference", "state",
            )
        ),
        *(_text(name, nullable=True) for name in ("target_kind", "target_id", "tied_by")),
        _texts("reasons"),
        _text("why", nullable=True),
        _texts("untied_from"),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        _whole("rev", "1"),
        sa.CheckConstraint(
            "state in ('open', 'tied', 'set_aside')", name=op.f("bank_line_state_is_known")
        ),
        sa.CheckConstraint(
            "target_kind in ('payout', 'receipt')", name=op.f("bank_line_target_is_known")
        ),
        sa.CheckConstraint("amount <> 0", name=op.f("bank_line_moves_money")),
        sa.CheckConstraint(
            "(state = 'tied') = (target_id is not null)"
            " and (target_id is null) = (target_kind is null)",
            name=op.f("bank_line_is_tied_to_something"),
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["bank_statement.id"],
            name=op.f("fk_bank_line_statement_id_bank_statement"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_line")),
        sa.UniqueConstraint(
            "bank_account", "identity", name=op.f("uq_bank_line_bank_account_identity")
        ),
    )  # fmt: skip
    op.create_index(
        "uq_bank_line_target",
        "bank_line",
        ["target_kind", "target_id"],
        unique=True,
        postgresql_where=sa.text("target_id is not null"),
    )
    op.create_index(
        "ix_bank_line_open",
        "bank_line",
        ["booked_on", "id"],
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_bank_line_statement", "bank_line", ["statement_id", "number", "id"])
    # Money received by hand is looked for by its amount.
    op.create_index(
        "ix_payment_by_hand",
        "payment",
        ["currency", "captured"],
        postgresql_where=sa.text("rail = 'manual'"),
    )
    op.create_index("ix_bank_line_account_day", "bank_line", ["bank_account", "booked_on"])


def downgrade() -> None:
    op.drop_index("ix_payment_by_hand", "payment")
    op.drop_table("bank_line")
    op.drop_table("bank_statement")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _texts(name: str) -> sa.Column[list[str]]:
    return sa.Column(name, ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False)


def _whole(name: str, default: str = "0") -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=sa.text(default), nullable=False)
