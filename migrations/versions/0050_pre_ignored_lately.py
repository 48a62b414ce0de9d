"""What nobody handled lately is counted without reading all that was ever ignored."""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_inbox_outcome_ignored",
        "inbox_outcome",
        ["applied_at"],
        postgresql_where=sa.text("status = 'ignored'"),
    )


def downgrade() -> None:
    op.drop_index("ix_inbox_outcome_ignored", "inbox_outcome")
