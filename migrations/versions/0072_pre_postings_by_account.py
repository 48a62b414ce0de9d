"""The postings of an account that has few are found without going through all entries."""

from alembic import op

revision = "0072"
down_revision = "0071"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_posting_account", "posting", ["account_id", "entry_id"])


def downgrade() -> None:
    op.drop_index("ix_posting_account", "posting")
