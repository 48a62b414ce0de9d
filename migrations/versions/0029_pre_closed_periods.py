"""The day on which an entry counts beside the day it is of, and books that are closed up to a day."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0029"
down_revision = "0036"
branch_labels = None
depends_on = None

_WALL = Path(__file__).resolve().parent.parent / "sql" / "closed_periods.sql"


def upgrade() -> None:
    # None of both: written before days were kept, and then the day of `at` is meant.
    op.add_column("journal_entry", sa.Column("posted_on", sa.Date(), nullable=True))
    op.add_column("journal_entry", sa.Column("effective_on", sa.Date(), nullable=True))
    op.create_check_constraint(
        op.f("an_entry_counts_on_its_day_or_later"), "journal_entry", "posted_on >= effective_on"
    )
    op.create_table(
        "books_closing",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("through", sa.Date(), nullable=True),
        sa.Column("reopened", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("entries", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("balances", JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("cause_kind", sa.Text(), nullable=False),
        sa.Column("cause_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("reopened or through is not null", name=op.f("books_close_at_a_day")),
        sa.CheckConstraint("not reopened or why is not null", name=op.f("a_reopening_says_why")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_books_closing")),
    )
    op.execute(_WALL.read_text(encoding="utf-8"))


def downgrade() -> None:
    op.execute("drop trigger closed_periods_stay_closed on journal_entry")
    op.execute("drop function closed_periods_stay_closed()")
    op.execute("drop function first_open_day()")
    op.drop_table("books_closing")
    op.execute("drop function nobody_posts_meanwhile()")
    op.drop_constraint(op.f("an_entry_counts_on_its_day_or_later"), "journal_entry")
    op.drop_column("journal_entry", "effective_on")
    op.drop_column("journal_entry", "posted_on")
