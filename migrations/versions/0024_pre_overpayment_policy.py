"""What a customer wants done with money beyond what is owed."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "customer",
        sa.Column(
            "overpayment_policy", sa.Text(), server_default=sa.text("'hold'"), nullable=False
        ),
    )
    op.create_check_constraint(
        op.f("overpayment_policy_is_known"),
        "customer",
        "overpayment_policy in ('hold', 'next_invoice', 'deposit', 'refund')",
    )
    op.add_column("review_item", sa.Column("policy_seen", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("review_item", "policy_seen")
    op.drop_constraint(op.f("overpayment_policy_is_known"), "customer")
    op.drop_column("customer", "overpayment_policy")
