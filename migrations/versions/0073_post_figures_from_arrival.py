"""The charts' hours are counted anew: how long money waited is counted from when it came."""

from alembic import op

revision = "0073"
down_revision = "0072"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # As in 0060: only what is booked changes an hour's count by itself, so all hours are counted.
    op.execute("delete from figure_round")
    op.execute("update figure_mark set is_by_hour = false")


def downgrade() -> None:
    """The same rows serve: they say nothing that the old code could not count again."""
