"""Links to the client's page."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "portal_link",
        *(_text(name) for name in ("id", "token_hash", "scope", "subject_id")),
        _text("customer_id"),
        *(_text(name) for name in ("cause_kind", "cause_id")),
        *(_instant(name) for name in ("created_at", "expires_at")),
        *(_instant(name, nullable=True) for name in ("revoked_at", "last_seen_at")),
        sa.CheckConstraint(
            "scope in ('customer', 'project', 'proposal')",
            name=op.f("portal_link_scope_is_known"),
        ),
        sa.CheckConstraint("expires_at > created_at", name=op.f("portal_link_lives_for_a_while")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_portal_link_customer_id_customer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_portal_link_token_hash")),
    )
    op.create_index("ix_portal_link_customer", "portal_link", ["customer_id", "created_at", "id"])


def downgrade() -> None:
    op.drop_table("portal_link")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
