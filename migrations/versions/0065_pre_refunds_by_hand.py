"""A refund can be asked to go by hand at once: what it goes by, and the walls around that."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None

SQL = Path(__file__).resolve().parent.parent / "sql"


def upgrade() -> None:
    op.add_column(
        "refund",
        sa.Column("method", sa.Text(), server_default=sa.text("'rail'"), nullable=False),
    )
    op.create_check_constraint(
        op.f("refund_method_is_known"), "refund", "method in ('rail', 'hand')"
    )
    op.create_index(
        "ix_refund_by_hand", "refund", ["id"], postgresql_where=sa.text("method = 'hand'")
    )
    for name in ("refunds.sql", "refund_routes.sql"):
        op.execute((SQL / name).read_text())


def downgrade() -> None:
    op.drop_index("ix_refund_by_hand", "refund")
    op.drop_constraint(op.f("refund_method_is_known"), "refund", type_="check")
    op.drop_column("refund", "method")
