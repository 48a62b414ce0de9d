"""What is of an amount is found by it, the newest first."""

from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None

_BY_AMOUNT = {
    "payment": ["captured", "occurred_at", "id"],
    "invoice": ["total", "created_at", "id"],
    "deposit": ["amount", "created_at", "id"],
}


def upgrade() -> None:
    for table, columns in _BY_AMOUNT.items():
        op.create_index(f"ix_{table}_amount", table, columns)


def downgrade() -> None:
    for table in _BY_AMOUNT:
        op.drop_index(f"ix_{table}_amount", table)
