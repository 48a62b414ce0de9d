"""Deposits are found by how much is missing; legs that wait are told by their index alone."""

import sqlalchemy as sa
from alembic import op

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None

_IS_WAITING = """replaced_by is null
  and status in ('requested', 'approved', 'submitted', 'unknown', 'manual', 'failed')"""


def _waiting(told: list[str]) -> None:
    op.create_index(
        "ix_refund_leg_waiting",
        "refund_leg",
        ["payment_id"],
        postgresql_include=told,
        postgresql_where=sa.text(_IS_WAITING),
    )


def upgrade() -> None:
    op.drop_index("ix_refund_leg_waiting", "refund_leg")
    _waiting(["refund_id", "amount", "status", "rail_refund_id", "routed_by"])
    op.create_index(
        "ix_deposit_open_amount",
        "deposit",
        ["currency", sa.text("(amount - received)")],
        postgresql_where=sa.text("ended_at is null and received < amount"),
    )


def downgrade() -> None:
    op.drop_index("ix_deposit_open_amount", "deposit")
    op.drop_index("ix_refund_leg_waiting", "refund_leg")
    _waiting([])
