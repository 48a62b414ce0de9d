"""What a bank took off what a line is tied to."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0033"
branch_labels = None
depends_on = None

_ROLES = (
    "'bank', 'clearing', 'undeposited', 'accounts_receivable', 'disputed_funds',"
    " 'payouts_in_transit', 'vendor_prepayments', 'input_tax', 'customer_deposits', 'unapplied_cash',"
    " 'refunds_payable', 'accounts_payable', 'sales_tax_payable', 'revenue', 'credits',"
    " 'expenses', 'processing_fees', {}'chargeback_losses', 'currency_conversion', 'suspense'"
)
_HOLDS = """fee >= 0 and (fee = 0) = (fee_why is null)
 and (fee = 0 or (state = 'tied' and tied_by is not null))"""


def upgrade() -> None:
    _roles("'bank_fees', ")
    for name in ("fee", "fee_turns"):
        op.add_column(
            "bank_line",
            sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        )
    op.add_column("bank_line", sa.Column("fee_why", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("bank_line_fee_is_a_persons_word"), "bank_line", _HOLDS)


def downgrade() -> None:
    op.drop_constraint(op.f("bank_line_fee_is_a_persons_word"), "bank_line")
    for name in ("fee", "fee_turns", "fee_why"):
        op.drop_column("bank_line", name)
    _roles("")


def _roles(more: str) -> None:
    op.drop_constraint(op.f("account_role_is_known"), "ledger_account")
    op.create_check_constraint(
        op.f("account_role_is_known"), "ledger_account", f"role in ({_ROLES.format(more)})"
    )
