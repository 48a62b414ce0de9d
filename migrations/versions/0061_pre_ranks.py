"""What changes the books is ranked: numbers in the order in which transactions took effect.

What is there already keeps none, and comes before: it is done over in the order of its instants.
"""

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

_RANKED = (
    "inbox_outcome", "audit_line", "refund_step", "journal_entry", "payment", "payout",
    "balance_movement",
)  # fmt: skip


def upgrade() -> None:
    # Without a cache: sessions that kept numbers in stock would hand them out in no order.
    op.execute("create sequence rank cache 1")
    for table in _RANKED:
        op.add_column(table, sa.Column("rank", sa.BigInteger(), nullable=True))
        # By itself: with the column it would be given to every row that there is.
        op.alter_column(table, "rank", server_default=sa.text("nextval('rank')"))


def downgrade() -> None:
    for table in _RANKED:
        op.drop_column(table, "rank")
    op.execute("drop sequence rank")
