"""What of a payment is on its way, and the document that it is meant for."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "payment",
        sa.Column("on_its_way", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column("payment", sa.Column("bound_for", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("payment_on_its_way_is_not_negative"), "payment", "on_its_way >= 0"
    )
    op.create_index(
        "ix_payment_on_its_way",
        "payment",
        ["bound_for"],
        postgresql_where=sa.text("on_its_way > 0"),
    )
    op.create_index(
        "ix_payment_on_its_way_clues",
        "payment",
        ["clues"],
        postgresql_using="gin",
        postgresql_where=sa.text("on_its_way > 0"),
    )


def downgrade() -> None:
    op.drop_index("ix_payment_on_its_way_clues", "payment")
    op.drop_index("ix_payment_on_its_way", "payment")
    op.drop_constraint(op.f("payment_on_its_way_is_not_negative"), "payment")
    op.drop_column("payment", "bound_for")
    op.drop_column("payment", "on_its_way")
