"""Another word for what may be the matter: the bank does not show what the rail says it has."""

from alembic import op

revision = "0049"
down_revision = "0039"
branch_labels = None
depends_on = None

_BEFORE = (
    "'missing_here', 'missing_there', 'amount', 'currency', 'state', 'not_applied', 'not_booked',"
    " 'payout', 'balance', 'twice', 'in_transit'"
)


def upgrade() -> None:
    _words(f"{_BEFORE}, 'not_at_bank'")


def downgrade() -> None:
    op.execute("delete from reconciliation_discrepancy where difference = 'not_at_bank'")
    _words(_BEFORE)


def _words(differences: str) -> None:
    name, table = op.f("difference_is_known"), "reconciliation_discrepancy"
    op.drop_constraint(name, table)
    op.create_check_constraint(name, table, f"difference in ({differences})")
