"""Checkouts that were made for invoices and deposits."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pay_link",
        *(_text(name) for name in ("id", "rail")),
        *(_text(name, nullable=True) for name in ("invoice_id", "deposit_id")),
        sa.Column("amount", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        *(_text(name) for name in ("currency", "state", "key")),
        *(_text(name, nullable=True) for name in ("object_id", "url", "portal_link_id", "why")),
        *(_text(name) for name in ("cause_kind", "cause_id")),
        *(_instant(name) for name in ("created_at", "expires_at")),
        _instant("closed_at", nullable=True),
        sa.CheckConstraint(
            "num_nonnulls(invoice_id, deposit_id) = 1", name=op.f("a_pay_link_has_one_target")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("pay_link_amount_is_positive")),
        sa.CheckConstraint(
            "state in ('planned', 'open', 'closing', 'closed')",
            name=op.f("pay_link_state_is_known"),
        ),
        sa.CheckConstraint(
            "state <> 'open' or (object_id is not null and url is not null)",
            name=op.f("an_open_pay_link_leads_somewhere"),
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name=op.f("fk_pay_link_invoice_id_invoice")
        ),
        sa.ForeignKeyConstraint(
            ["deposit_id"], ["deposit.id"], name=op.f("fk_pay_link_deposit_id_deposit")
        ),
        sa.ForeignKeyConstraint(
            ["portal_link_id"],
            ["portal_link.id"],
            name=op.f("fk_pay_link_portal_link_id_portal_link"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pay_link")),
        sa.UniqueConstraint("key", name=op.f("uq_pay_link_key")),
    )
    for name in ("invoice_id", "deposit_id", "portal_link_id"):
        op.create_index(op.f(f"ix_pay_link_{name}"), "pay_link", [name])
    op.create_index(
        "uq_pay_link_one_live",
        "pay_link",
        [sa.text("coalesce(invoice_id, deposit_id)")],
        unique=True,
        postgresql_where=sa.text("state in ('planned', 'open')"),
    )
    op.create_index(
        "ix_pay_link_unended", "pay_link", ["id"], postgresql_where=sa.text("state <> 'closed'")
    )


def downgrade() -> None:
    op.drop_table("pay_link")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
