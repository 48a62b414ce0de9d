"""Open questions are found in the order in which they are to be answered, and by their sums."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None

_SQL = Path(__file__).resolve().parent.parent / "sql"
_IS_OPEN = "state = 'open'"


def upgrade() -> None:
    op.execute((_SQL / "question_order.sql").read_text(encoding="utf-8"))
    op.create_index(
        "ix_review_item_urgent",
        "review_item",
        [
            sa.text("answer_by_epoch(kind, details)"),
            sa.text("coalesce(happened_at, opened_at)"),
            "id",
        ],
        postgresql_where=sa.text(_IS_OPEN),
    )
    op.create_index(
        "ix_review_item_largest",
        "review_item",
        [sa.text("coalesce(amount, 0)"), "id"],
        postgresql_where=sa.text(_IS_OPEN),
    )


def downgrade() -> None:
    op.drop_index("ix_review_item_largest", "review_item")
    op.drop_index("ix_review_item_urgent", "review_item")
    op.execute("drop function answer_by_epoch(text, jsonb)")
