"""A bank line may be the sum of several payouts or receipts."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bank_line_part",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("target_kind", "target_id")),
        sa.Column("line_id", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "target_kind in ('payout', 'receipt')", name=op.f("bank_line_part_target_is_known")
        ),
        sa.ForeignKeyConstraint(
            ["line_id"], ["bank_line.id"], name=op.f("fk_bank_line_part_line_id_bank_line")
        ),
        sa.PrimaryKeyConstraint("target_kind", "target_id", name=op.f("pk_bank_line_part")),
    )
    op.create_index("ix_bank_line_part_line_id", "bank_line_part", ["line_id"])


def downgrade() -> None:
    op.drop_table("bank_line_part")
