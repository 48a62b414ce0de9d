"""A mail of its own for the link to a client's page."""

from alembic import op

revision = "0077"
down_revision = "0076"
branch_labels = None
depends_on = None

_BEFORE = (
    "reminder", "receipt", "refund_receipt", "refund_failed", "proposal", "proposal_answered",
    "invoice", "note",
)  # fmt: skip


def upgrade() -> None:
    _allow((*_BEFORE, "client_page"))


def downgrade() -> None:
    op.execute("delete from message where kind = 'client_page'")
    _allow(_BEFORE)


def _allow(kinds: tuple[str, ...]) -> None:
    words = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint("message_kind_is_known", "message")
    op.create_check_constraint(op.f("message_kind_is_known"), "message", f"kind in ({words})")
