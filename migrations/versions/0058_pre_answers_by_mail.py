"""People are mailed when a client answers a proposal, unless they turn it off."""

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0055"
branch_labels = None
depends_on = None

_BEFORE = (
    "reminder", "receipt", "refund_receipt", "refund_failed", "proposal", "invoice", "note",
)  # fmt: skip


def upgrade() -> None:
    _allow((*_BEFORE, "proposal_answered"))
    op.add_column(
        "user_account",
        sa.Column("wants_answers", sa.Boolean(), server_default=sa.true(), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("user_account", "wants_answers")
    op.execute("delete from message where kind = 'proposal_answered'")
    _allow(_BEFORE)


def _allow(kinds: tuple[str, ...]) -> None:
    words = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint("message_kind_is_known", "message")
    op.create_check_constraint(op.f("message_kind_is_known"), "message", f"kind in ({words})")
