"""Whose a question is, until when it is out of sight, and notes on anything."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("review_item", sa.Column("assigned_to", sa.Text(), nullable=True))
    op.add_column("review_item", sa.Column("snoozed_until", sa.Date(), nullable=True))
    op.create_foreign_key(
        op.f("fk_review_item_assigned_to_user_account"),
        "review_item",
        "user_account",
        ["assigned_to"],
        ["id"],
    )
    op.create_index(op.f("ix_review_item_assigned_to"), "review_item", ["assigned_to"])
    op.create_table(
        "record_note",
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("id", "subject", "body", "cause_kind", "cause_id")
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("btrim(body) <> ''", name=op.f("a_note_says_something")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_note")),
    )
    op.create_index("ix_record_note_subject", "record_note", ["subject", "at", "id"])
    op.execute(
        "create trigger append_only before update or delete or truncate on record_note"
        " for each statement execute function append_only()"
    )


def downgrade() -> None:
    op.drop_table("record_note")
    op.drop_column("review_item", "snoozed_until")
    op.drop_column("review_item", "assigned_to")
