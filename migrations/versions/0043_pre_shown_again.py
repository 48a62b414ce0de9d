"""When somebody last showed that it is them; how many codes were tried at the door."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("user_session", sa.Column("proved_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "halfway_in",
        sa.Column("tries", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("halfway_in", "tries")
    op.drop_column("user_session", "proved_at")
