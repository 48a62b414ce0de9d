"""What payouts consist of: how far it was listed, and new words for what may be the matter."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_KINDS = (
    "'unmatched_payment', 'ambiguous_match', 'overpayment', 'currency_mismatch',"
    " 'invoice_not_payable', 'refund_failed', 'external_refund', 'dispute', 'drift',"
    " 'manual_refund', 'refunds_held', 'refunds_stopped', 'event_failed', 'event_quarantined',"
    " 'event_conflict', 'unclassified_movement', 'unknown_status'"
)
_DIFFERENCES = (
    "'missing_here', 'missing_there', 'amount', 'currency', 'state', 'not_applied', 'not_booked',"
    " 'payout', 'balance'"
)


def upgrade() -> None:
    for name in ("line_count", "lines_net"):
        op.add_column(
            "payout",
            sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        )
    op.add_column("payout", sa.Column("listed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_payout_line_movement", "payout_line", ["rail_movement_id"])
    _words(
        f"{_KINDS}, 'payout_failed', 'payout_difference'", f"{_DIFFERENCES}, 'twice', 'in_transit'"
    )


def downgrade() -> None:
    _words(_KINDS, _DIFFERENCES)
    op.drop_index("ix_payout_line_movement", "payout_line")
    for name in ("listed_at", "lines_net", "line_count"):
        op.drop_column("payout", name)


def _words(kinds: str, differences: str) -> None:
    for table, column, name, words in (
        ("review_item", "kind", "review_kind_is_known", kinds),
        ("reconciliation_discrepancy", "difference", "difference_is_known", differences),
    ):
        op.drop_constraint(op.f(name), table)
        op.create_check_constraint(op.f(name), table, f"{column} in ({words})")
