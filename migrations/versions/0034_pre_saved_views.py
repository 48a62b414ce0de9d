"""Filters of lists that people gave a name."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_view",
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("id", "user_id", "page", "name", "query")
        ),
        sa.Column("is_shared", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("btrim(name) <> ''", name=op.f("a_view_has_a_name")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_saved_view_user_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
    )
    op.create_index(
        "uq_saved_view_name",
        "saved_view",
        ["user_id", "page", sa.text("lower(btrim(name))")],
        unique=True,
    )
    op.create_index("ix_saved_view_page", "saved_view", ["page"])


def downgrade() -> None:
    op.drop_table("saved_view")
