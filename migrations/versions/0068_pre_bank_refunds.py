"""Bank lines may be the bank's side of refunds that people paid."""

from alembic import op

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None

_TABLES = ("bank_line", "bank_line_part")
_BEFORE = "'payout', 'receipt', 'bill_payment', 'prepayment', 'vendor_refund'"


def upgrade() -> None:
    _may_be(f"{_BEFORE}, 'refund'")


def downgrade() -> None:
    _may_be(_BEFORE)


def _may_be(kinds: str) -> None:
    for table in _TABLES:
        name = op.f(f"{table}_target_is_known")
        op.drop_constraint(name, table)
        op.create_check_constraint(name, table, f"target_kind in ({kinds})")
