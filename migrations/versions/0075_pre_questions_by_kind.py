"""How many questions wait of each kind is counted without reading them."""

import sqlalchemy as sa
from alembic import op

revision = "0075"
down_revision = "0074"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_review_item_waiting",
        "review_item",
        ["kind", "snoozed_until"],
        postgresql_where=sa.text("state = 'open'"),
    )


def downgrade() -> None:
    op.drop_index("ix_review_item_waiting", "review_item")
