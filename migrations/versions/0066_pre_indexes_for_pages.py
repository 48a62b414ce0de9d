"""What pages look for among many: a payout's events, drafts of milestones, deliveries given up."""

import sqlalchemy as sa
from alembic import op

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None

_INDEXES = (
    ("ix_inbox_outcome_payout", "inbox_outcome", "payout_id", "payout_id is not null"),
    (
        "ix_invoice_draft_of_milestone", "invoice", "milestone_id",
        "state = 'draft' and milestone_id is not null",
    ),
    (
        "ix_refund_leg_waiting", "refund_leg", "payment_id",
        """replaced_by is null
        and status in ('requested', 'approved', 'submitted', 'unknown', 'manual', 'failed')""",
    ),
    ("ix_webhook_delivery_given_up", "webhook_delivery", "endpoint_id", "state = 'given_up'"),
)  # fmt: skip


def upgrade() -> None:
    for name, table, column, where in _INDEXES:
        op.create_index(name, table, [column], postgresql_where=sa.text(where))


def downgrade() -> None:
    for name, table, _, _ in _INDEXES:
        op.drop_index(name, table)
