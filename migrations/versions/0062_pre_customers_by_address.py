"""A customer is found by their mail address at once, as it is written in any case."""

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_customer_email", "customer", [sa.literal_column("lower(email)")])


def downgrade() -> None:
    op.drop_index("ix_customer_email", "customer")
