"""Proposals."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "proposal",
        *(_text(name) for name in ("id", "customer_id", "name")),
        _text("introduction", nullable=True),
        _text("currency"),
        sa.Column("price", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("terms", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        _text("state"),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        *(
            _text(name, nullable=True)
            for name in ("decided_by", "reason", "accepted_text", "accepted_sha256", "project_id")
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rev", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "state in ('draft', 'sent', 'accepted', 'declined', 'withdrawn')",
            name=op.f("proposal_state_is_known"),
        ),
        sa.CheckConstraint("price > 0", name=op.f("proposal_price_is_positive")),
        sa.CheckConstraint(
            "(state = 'accepted') = (project_id is not null) and (state <> 'accepted'"
            " or num_nonnulls(accepted_text, accepted_sha256, decided_by, decided_at) = 4)",
            name=op.f("an_accepted_proposal_says_what_and_by_whom"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_proposal_customer_id_customer")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_proposal_project_id_project")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal")),
        sa.UniqueConstraint("project_id", name=op.f("uq_proposal_project_id")),
    )
    op.create_index("ix_proposal_created", "proposal", ["created_at", "id"])
    op.create_index(op.f("ix_proposal_customer_id"), "proposal", ["customer_id"])


def downgrade() -> None:
    op.drop_table("proposal")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)
