"""When reminders are sent, and since when receipts are."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reminder_plan",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("invoice_id", sa.Text(), nullable=True),
        sa.Column("steps", ARRAY(sa.BigInteger()), nullable=True),
        sa.Column("hour", sa.BigInteger(), server_default=sa.text("8"), nullable=False),
        sa.Column("is_paused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("paused_until", sa.Date(), nullable=True),
        sa.Column("paused_why", sa.Text(), nullable=True),
        sa.Column("receipts_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_by", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rev", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "not is_paused or paused_why is not null", name=op.f("a_pause_says_why")
        ),
        sa.CheckConstraint("hour between 0 and 23", name=op.f("an_hour_is_one_of_a_day")),
        sa.CheckConstraint(
            "num_nonnulls(customer_id, invoice_id) = (subject <> 'house')::int",
            name=op.f("a_plan_is_of_one_subject"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_reminder_plan_customer_id_customer")
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name=op.f("fk_reminder_plan_invoice_id_invoice")
        ),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_reminder_plan")),
    )
    op.create_index("ix_reminder_plan_customer_id", "reminder_plan", ["customer_id"])
    op.create_index("ix_reminder_plan_invoice_id", "reminder_plan", ["invoice_id"])
    op.create_index(
        "ix_invoice_due",
        "invoice",
        ["due_on", "id"],
        postgresql_where=sa.text("state = 'sent' and outstanding > 0"),
    )
    # Whoever upgrades does not have their customers thanked for what they paid before.
    op.execute(
        "insert into reminder_plan (subject, steps, receipts_since)"
        " values ('house', '{-3,0,7,14}', now())"
    )


def downgrade() -> None:
    op.drop_index("ix_invoice_due", "invoice")
    op.drop_table("reminder_plan")
