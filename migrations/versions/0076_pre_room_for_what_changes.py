"""Rows that soon change leave room beside them, so that they stay where they are.

An invoice changes when it is paid, a payment when more is told of it. From a full page the new row
goes wherever there is a hole: among a million payments into a page that nobody had touched since
the last checkpoint, and that goes to the log whole.
"""

from alembic import op

revision = "0076"
down_revision = "0075"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("invoice", "payment"):
        op.execute(f"alter table {table} set (fillfactor = 70)")


def downgrade() -> None:
    for table in ("invoice", "payment"):
        op.execute(f"alter table {table} reset (fillfactor)")
