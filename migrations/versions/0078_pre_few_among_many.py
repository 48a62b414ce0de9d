"""Few among many are found by an index of just those: for balances, reminders and the queue."""

import sqlalchemy as sa
from alembic import op

revision = "0078"
down_revision = "0077"
branch_labels = None
depends_on = None

_IS_OPEN = sa.text("state = 'sent' and outstanding > 0")


def _due(told: list[str]) -> None:
    op.drop_index("ix_invoice_due", "invoice")
    op.create_index(
        "ix_invoice_due",
        "invoice",
        ["due_on", "id"],
        postgresql_include=told,
        postgresql_where=_IS_OPEN,
    )


def upgrade() -> None:
    _due(["currency", "outstanding", "customer_id"])
    op.create_index(
        "ix_rail_object_refund_promised",
        "rail_object",
        ["payment_id"],
        postgresql_include=["object_id", "amount"],
        postgresql_where=sa.text("kind = 'refund' and state = 'promised'"),
    )
    op.create_index(
        "ix_refund_leg_rail_refund",
        "refund_leg",
        ["rail_refund_id"],
        postgresql_where=sa.text("rail_refund_id is not null"),
    )
    op.create_index(
        "ix_refund_leg_to_arrive",
        "refund_leg",
        ["payment_id"],
        postgresql_include=["refund_id", "target_id", "amount"],
        postgresql_where=sa.text(
            """replaced_by is null and status in ('approved', 'manual', 'pending', 'requested',
            'requires_action', 'submitted', 'unknown')"""
        ),
    )
    op.create_index(
        "ix_payment_of_nobody",
        "payment",
        [sa.text("occurred_at desc"), "id"],
        postgresql_where=sa.text("is_held and customer_id is null"),
    )
    op.create_index(
        "ix_review_item_document",
        "review_item",
        ["invoice_id", "deposit_id"],
        postgresql_where=sa.text(
            "state = 'open' and (invoice_id is not null or deposit_id is not null)"
        ),
    )
    # What was written last is gone through by each search, until it is sorted in.
    op.execute("alter index ix_payment_clues set (gin_pending_list_limit = 128)")


def downgrade() -> None:
    op.execute("alter index ix_payment_clues reset (gin_pending_list_limit)")
    op.drop_index("ix_review_item_document", "review_item")
    op.drop_index("ix_payment_of_nobody", "payment")
    op.drop_index("ix_refund_leg_to_arrive", "refund_leg")
    op.drop_index("ix_refund_leg_rail_refund", "refund_leg")
    op.drop_index("ix_rail_object_refund_promised", "rail_object")
    _due(["currency", "outstanding"])
