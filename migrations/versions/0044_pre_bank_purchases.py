"""Bank lines may be the bank's side of what was paid to vendors, and of what they gave back."""

from alembic import op

revision = "0044"
down_revision = "0050"
branch_labels = None
depends_on = None

_TABLES = ("bank_line", "bank_line_part")


def upgrade() -> None:
    _may_be(", 'bill_payment', 'prepayment', 'vendor_refund'")


def downgrade() -> None:
    _may_be("")


def _may_be(more: str) -> None:
    for table in _TABLES:
        name = op.f(f"{table}_target_is_known")
        op.drop_constraint(name, table)
        op.create_check_constraint(name, table, f"target_kind in ('payout', 'receipt'{more})")
