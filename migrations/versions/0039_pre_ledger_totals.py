"""Totals of each account by day, so that a balance reads some days and not every posting."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_day",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)
            for name in ("debit", "credit")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["ledger_account.id"],
            name=op.f("fk_ledger_day_account_id_ledger_account"),
        ),
        sa.PrimaryKeyConstraint("account_id", "day", name=op.f("pk_ledger_day")),
    )
    op.create_table(
        "ledger_mark",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("counted_to", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("there_is_one_ledger_mark")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_mark")),
    )
    op.create_index(
        "ix_journal_entry_reverses",
        "journal_entry",
        ["reverses"],
        postgresql_where=sa.text("reverses is not null"),
    )


def downgrade() -> None:
    op.drop_index("ix_journal_entry_reverses", table_name="journal_entry")
    op.drop_table("ledger_mark")
    op.drop_table("ledger_day")
