"""Proposals on the client's page: their terms, every version that was sent, and who decided."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0030"
branch_labels = None
depends_on = None

_KINDS = ("reminder", "receipt", "refund_receipt", "refund_failed", "note")
_NEW_KINDS = ("proposal", "invoice")


def upgrade() -> None:
    for name in ("conditions", "decided_cause_kind", "decided_cause_id"):
        op.add_column("proposal", sa.Column(name, sa.Text(), nullable=True))
    op.create_table(
        "proposal_version",
        sa.Column("proposal_id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("price", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "sha256 ~ '^[0-9a-f]{64}$'", name=op.f("proposal_version_sha256_is_one")
        ),
        sa.CheckConstraint("price > 0 and version > 0", name=op.f("proposal_version_has_a_price")),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposal.id"], name=op.f("fk_proposal_version_proposal_id_proposal")
        ),
        sa.PrimaryKeyConstraint("proposal_id", "version", name=op.f("pk_proposal_version")),
    )
    op.execute(
        "create trigger append_only before update or delete or truncate on proposal_version"
        " for each statement execute function append_only()"
    )
    _allow((*_KINDS, *_NEW_KINDS))
    op.create_index(
        "ix_portal_link_mail",
        "portal_link",
        ["cause_id"],
        postgresql_where=sa.text("cause_kind = 'message'"),
    )


def downgrade() -> None:
    op.drop_index("ix_portal_link_mail", "portal_link")
    _allow(_KINDS)
    op.drop_table("proposal_version")
    for name in ("decided_cause_id", "decided_cause_kind", "conditions"):
        op.drop_column("proposal", name)


def _allow(kinds: tuple[str, ...]) -> None:
    words = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint("message_kind_is_known", "message")
    op.create_check_constraint(op.f("message_kind_is_known"), "message", f"kind in ({words})")
