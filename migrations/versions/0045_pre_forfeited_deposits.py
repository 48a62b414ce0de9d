"""Forfeited deposits, requests that end in time, who set terms aside, and answers to proposals."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0051"
branch_labels = None
depends_on = None

_ROLES = (
    "'bank', 'clearing', 'undeposited', 'accounts_receivable', 'disputed_funds',"
    " 'payouts_in_transit', 'vendor_prepayments', 'input_tax', 'customer_deposits', 'unapplied_cash',"
    " 'refunds_payable', 'accounts_payable', 'sales_tax_payable', 'revenue', 'credits',{more}"
    " 'expenses', 'processing_fees', 'bank_fees', 'chargeback_losses', 'currency_conversion',"
    " 'suspense'"
)
_KINDS = (
    "'invoice.sent', 'invoice.partially_paid', 'invoice.paid', 'invoice.reopened',"
    " 'invoice.voided', 'deposit.received',{more} 'payment.received', 'payment.matched',"
    " 'payment.unmatched', 'refund.succeeded', 'refund.failed', 'dispute.opened',"
    " 'dispute.lost', 'dispute.won'"
)


def upgrade() -> None:
    op.alter_column("application", "invoice_id", existing_type=sa.Text(), nullable=True)
    op.add_column(
        "deposit",
        sa.Column("forfeited", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.create_check_constraint(
        op.f("what_is_forfeited_is_applied"), "deposit", "forfeited between 0 and applied"
    )
    op.add_column("deposit", sa.Column("expires_on", sa.Date(), nullable=True))
    _roles(" 'forfeited_deposits',")
    _moments(", 'deposit_before', 'deposit_on', 'deposit_after'")
    _told(" 'proposal.accepted', 'proposal.declined',")
    op.add_column("refund", sa.Column("terms_overridden_by", sa.Text(), nullable=True))
    op.create_index(
        "ix_deposit_expires",
        "deposit",
        ["expires_on"],
        postgresql_where=sa.text("received = 0 and ended_at is null"),
    )


def downgrade() -> None:
    op.drop_index("ix_deposit_expires", "deposit")
    _told("")
    op.execute("delete from reminder_text where moment like 'deposit%'")
    _moments("")
    op.drop_column("refund", "terms_overridden_by")
    op.drop_column("deposit", "expires_on")
    op.drop_constraint(op.f("what_is_forfeited_is_applied"), "deposit")
    op.drop_column("deposit", "forfeited")
    _roles("")
    op.alter_column("application", "invoice_id", existing_type=sa.Text(), nullable=False)


def _roles(more: str) -> None:
    name = op.f("account_role_is_known")
    op.drop_constraint(name, "ledger_account")
    op.create_check_constraint(name, "ledger_account", f"role in ({_ROLES.format(more=more)})")


def _told(more: str) -> None:
    name = op.f("webhook_event_kind_is_known")
    op.drop_constraint(name, "webhook_event")
    op.create_check_constraint(name, "webhook_event", f"kind in ({_KINDS.format(more=more)})")


def _moments(more: str) -> None:
    name = op.f("reminder_text_moment_is_known")
    op.drop_constraint(name, "reminder_text")
    known = f"moment in ('before', 'on', 'after'{more})"
    op.create_check_constraint(name, "reminder_text", known)
