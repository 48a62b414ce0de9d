"""Events by when the rail made them: what it does not list is looked for in the run's window only.

A block of many rows has one line in it: to keep it costs an event next to nothing.
"""

from alembic import op

revision = "0054"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_inbox_event_created",
        "inbox_event",
        ["created"],
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 16, "autosummarize": True},
    )


def downgrade() -> None:
    op.drop_index("ix_inbox_event_created", "inbox_event")
