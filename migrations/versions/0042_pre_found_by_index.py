"""What pages ask for among a million is found by an index: a payment's events, equal amounts."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_inbox_outcome_payment",
        "inbox_outcome",
        ["payment_id"],
        postgresql_where=sa.text("payment_id is not null"),
    )
    op.create_index(
        "ix_invoice_open_amount",
        "invoice",
        ["currency", "outstanding"],
        postgresql_where=sa.text("state = 'sent' and outstanding > 0"),
    )


def downgrade() -> None:
    op.drop_index("ix_invoice_open_amount", "invoice")
    op.drop_index("ix_inbox_outcome_payment", "inbox_outcome")
