"""To which account a vendor's bills and a customer's refunds by transfer are paid."""

import sqlalchemy as sa
from alembic import op

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "payee_account",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text()),
        sa.Column("vendor_id", sa.Text()),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("bank", sa.Text()),
        sa.Column("cause_kind", sa.Text(), nullable=False),
        sa.Column("cause_id", sa.Text(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rev", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "id = coalesce(customer_id, vendor_id) and num_nonnulls(customer_id, vendor_id) = 1",
            name=op.f("payee_account_is_somebodys"),
        ),
        sa.CheckConstraint(
            "btrim(holder) <> '' and number ~ '^[A-Z0-9-]{4,34}$'",
            name=op.f("payee_account_says_where"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_payee_account_customer_id_customer")
        ),
        sa.ForeignKeyConstraint(
            ["vendor_id"], ["vendor.id"], name=op.f("fk_payee_account_vendor_id_vendor")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payee_account")),
    )


def downgrade() -> None:
    op.drop_table("payee_account")
