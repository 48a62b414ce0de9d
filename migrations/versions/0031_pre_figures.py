"""What the charts show, counted beforehand: sums by day, and how old is what is owed."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "figure",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("kind", "bucket", "currency")),
        *(
            sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)
            for name in ("amount", "number")
        ),
        sa.PrimaryKeyConstraint("kind", "bucket", "currency", name=op.f("pk_figure")),
    )
    op.create_table(
        "figure_mark",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("counted_to", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("there_is_one_figure_mark")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_figure_mark")),
    )


def downgrade() -> None:
    op.drop_table("figure_mark")
    op.drop_table("figure")
