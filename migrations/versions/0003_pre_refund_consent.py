"""Consent to refunds: what was approved, and who changed what was asked for."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WALLS = Path(__file__).resolve().parent.parent / "sql" / "refunds.sql"


def upgrade() -> None:
    op.add_column("refund", sa.Column("approved_terms", sa.Text(), nullable=True))
    op.add_column(
        "refund",
        sa.Column(
            "edited_by",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
    )
    op.drop_constraint("nobody_approves_their_own", "refund", type_="check")
    op.create_check_constraint(
        "nobody_approves_their_own",
        "refund",
        "approved_by is null or approved_by <> requested_by and not approved_by = any(edited_by)",
    )
    op.execute(WALLS.read_text())
    # Before this, what was asked for could not change: what stands there is what was approved.
    op.execute("update refund set approved_terms = refund_terms(id) where approved_at is not null")


def downgrade() -> None:
    op.drop_constraint("nobody_approves_their_own", "refund", type_="check")
    op.create_check_constraint(
        "nobody_approves_their_own",
        "refund",
        "approved_by is null or approved_by <> requested_by",
    )
    op.drop_column("refund", "edited_by")
    op.drop_column("refund", "approved_terms")
