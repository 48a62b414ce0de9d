"""What rows of a file say of lines, of payments and of what they are of."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0052"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("imported_row", sa.Column("of_kind", sa.Text(), nullable=True))
    op.add_column("imported_row", sa.Column("of_key", sa.Text(), nullable=True))
    op.add_column("imported_row", sa.Column("more", JSONB(), nullable=True))


def downgrade() -> None:
    for name in ("more", "of_key", "of_kind"):
        op.drop_column("imported_row", name)
