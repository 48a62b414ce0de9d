"""The charts' figures are counted by the hour, in rounds of small pieces."""

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "figure_hour",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("number", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("hour", "kind", "currency", name=op.f("pk_figure_hour")),
    )
    op.create_table(
        "figure_stale",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("hour", name=op.f("pk_figure_stale")),
    )
    op.create_table(
        "figure_round",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noted_to", sa.DateTime(timezone=True), nullable=False),
        sa.Column("piece", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("there_is_one_figure_round")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_figure_round")),
    )
    # Days are added up of their hours from now on, and none is counted yet: the first round of the
    # new code counts all of them, and what the days say stays until then.
    op.add_column(
        "figure_mark",
        sa.Column("is_by_hour", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("figure_mark", "is_by_hour")
    for table in ("figure_round", "figure_stale", "figure_hour"):
        op.drop_table(table)
