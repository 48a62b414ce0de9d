"""Lines of statements that a bank corrected or withdrew afterwards."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _states(", 'withdrawn'")
    op.create_table(
        "bank_correction",
        *(_text(name) for name in ("id", "statement_id", "line_id", "kind", "state")),
        sa.Column("number", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        *(_text(name, nullable=True) for name in ("identity", "currency")),
        sa.Column("booked_on", sa.Date(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        *(
            sa.Column(name, sa.Text(), server_default=sa.text("''"), nullable=False)
            for name in ("text", "reference", "counterparty", "bank_reference")
        ),
        *(_text(name, nullable=True) for name in ("new_line_id", "decided_by", "why")),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rev", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "kind in ('changed', 'withdrawn')", name=op.f("bank_correction_kind_is_known")
        ),
        sa.CheckConstraint(
            "state in ('open', 'taken', 'declined')", name=op.f("bank_correction_state_is_known")
        ),
        sa.CheckConstraint(
            "(kind = 'changed') = (identity is not null) and (kind = 'withdrawn'"
            " or num_nonnulls(currency, booked_on, amount) = 3)",
            name=op.f("a_changed_line_says_what_it_is_now"),
        ),
        *(
            sa.ForeignKeyConstraint(
                [name], [f"{table}.id"], name=op.f(f"fk_bank_correction_{name}_{table}")
            )
            for name, table in (
                ("statement_id", "bank_statement"),
                ("line_id", "bank_line"),
                ("new_line_id", "bank_line"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_correction")),
    )
    for name in ("statement_id", "line_id", "new_line_id"):
        op.create_index(op.f(f"ix_bank_correction_{name}"), "bank_correction", [name])
    op.create_index(
        "uq_bank_correction_open",
        "bank_correction",
        ["line_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )


def downgrade() -> None:
    op.drop_table("bank_correction")
    _states("")


def _states(more: str) -> None:
    op.drop_constraint(op.f("bank_line_state_is_known"), "bank_line")
    op.create_check_constraint(
        op.f("bank_line_state_is_known"),
        "bank_line",
        f"state in ('open', 'tied', 'set_aside'{more})",
    )


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)
