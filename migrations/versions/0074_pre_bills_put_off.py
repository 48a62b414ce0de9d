"""Until when a bill that is to be paid is out of sight, because somebody put it off."""

import sqlalchemy as sa
from alembic import op

revision = "0074"
down_revision = "0073"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("bill", sa.Column("snoozed_until", sa.Date(), nullable=True))


def downgrade() -> None:
    op.drop_column("bill", "snoozed_until")
