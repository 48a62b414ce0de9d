"""What part of an invoice may be paid at a time: by customer, and by invoice."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0029"
branch_labels = None
depends_on = None

_FORM = r"^(any|full|at_least:[0-9]{1,3}(\.[0-9]{1,2})?%|at_least:[1-9][0-9]{0,14}:[A-Z]{3})$"


def upgrade() -> None:
    op.add_column(
        "customer",
        sa.Column("part_payments", sa.Text(), server_default=sa.text("'any'"), nullable=False),
    )
    op.add_column("invoice", sa.Column("part_payments", sa.Text(), nullable=True))
    for table in ("customer", "invoice"):
        op.create_check_constraint(
            op.f(f"{table}_part_payments_are_known"), table, f"part_payments ~ '{_FORM}'"
        )


def downgrade() -> None:
    for table in ("invoice", "customer"):
        op.drop_constraint(op.f(f"{table}_part_payments_are_known"), table)
        op.drop_column(table, "part_payments")
