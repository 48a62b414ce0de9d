"""An invoice that came short by a bank's fee: what of it we bear, kept beside its credit notes."""

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "invoice",
        sa.Column("bank_fees", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.create_check_constraint(
        op.f("invoice_bank_fees_are_part_of_what_people_lowered"),
        "invoice",
        "bank_fees >= 0 and bank_fees <= credit_notes",
    )
    op.create_table(
        "short_payment",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("invoice_id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=True),
        sa.Column("amount", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cause_kind", sa.Text(), nullable=False),
        sa.Column("cause_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("short_payment_is_more_than_nothing")),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name=op.f("fk_short_payment_invoice_id_invoice")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("fk_short_payment_payment_id_payment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_short_payment")),
    )
    for column in ("invoice_id", "payment_id"):
        op.create_index(op.f(f"ix_short_payment_{column}"), "short_payment", [column])


def downgrade() -> None:
    op.drop_table("short_payment")
    op.drop_constraint(
        op.f("invoice_bank_fees_are_part_of_what_people_lowered"), "invoice", type_="check"
    )
    op.drop_column("invoice", "bank_fees")
