"""Credit notes that were wrong are taken back; and what of a note had been paid already."""

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0057"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("credit_note", _minor_units("freed"))
    op.create_check_constraint(
        op.f("credit_note_frees_part_of_it"), "credit_note", "freed >= 0 and freed <= amount"
    )
    op.create_table(
        "credit_note_taken_back",
        sa.Column("credit_note_id", sa.Text(), nullable=False),
        _minor_units("tax"),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("cause_kind", sa.Text(), nullable=False),
        sa.Column("cause_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("tax >= 0", name=op.f("tax_taken_back_is_not_negative")),
        sa.ForeignKeyConstraint(
            ["credit_note_id"],
            ["credit_note.id"],
            name=op.f("fk_credit_note_taken_back_credit_note_id_credit_note"),
        ),
        sa.PrimaryKeyConstraint("credit_note_id", name=op.f("pk_credit_note_taken_back")),
    )
    op.execute(
        "create trigger append_only before update or delete or truncate on credit_note_taken_back"
        " for each statement execute function append_only()"
    )


def downgrade() -> None:
    op.drop_table("credit_note_taken_back")
    op.drop_constraint(op.f("credit_note_frees_part_of_it"), "credit_note")
    op.drop_column("credit_note", "freed")


def _minor_units(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)
