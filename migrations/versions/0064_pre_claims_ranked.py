"""A claim is ranked as it is made: of two that want the same, books made anew know the earlier."""

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("allocation", sa.Column("rank", sa.BigInteger(), nullable=True))
    # By itself: with the column it would be given to every row that there is.
    op.alter_column("allocation", "rank", server_default=sa.text("nextval('rank')"))


def downgrade() -> None:
    op.drop_column("allocation", "rank")
