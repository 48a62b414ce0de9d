"""Words of reminders that the house chose."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reminder_text",
        *(sa.Column(name, sa.Text(), nullable=False) for name in _WORDS),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rev", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "moment in ('before', 'on', 'after')", name=op.f("reminder_text_moment_is_known")
        ),
        sa.CheckConstraint(
            "subject <> '' and opening <> ''", name=op.f("a_reminder_text_says_something")
        ),
        sa.PrimaryKeyConstraint("moment", name=op.f("pk_reminder_text")),
    )
    op.create_index(
        "ix_message_failed",
        "message",
        ["created_at"],
        postgresql_where=sa.text("state = 'failed'"),
    )


def downgrade() -> None:
    op.drop_index("ix_message_failed", "message")
    op.drop_table("reminder_text")


_WORDS = ("moment", "subject", "opening", "closing")
