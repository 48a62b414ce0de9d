"""Projects, milestones and change orders; invoices and deposits name them.

Until now `project_id` and `milestone_id` of a document were words that nobody checked. They stay as
they are where they lead nowhere, and every new one has to lead somewhere.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _projects()
    _change_orders()
    _milestones()
    op.add_column("deposit", sa.Column("milestone_id", sa.Text(), nullable=True))
    op.create_unique_constraint(op.f("uq_deposit_milestone_id"), "deposit", ["milestone_id"])
    for table, column, target in _NAMES:
        op.create_foreign_key(
            op.f(f"fk_{table}_{column}_{target}"),
            table,
            target,
            [column],
            ["id"],
            postgresql_not_valid=True,
        )
        if (table, column) != ("deposit", "milestone_id"):
            op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    op.create_index(
        "uq_invoice_milestone",
        "invoice",
        ["milestone_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'void' and milestone_id like 'mil\\_%'"),
    )


def downgrade() -> None:
    op.drop_index("uq_invoice_milestone", "invoice")
    for table, column, target in _NAMES:
        op.drop_constraint(op.f(f"fk_{table}_{column}_{target}"), table)
        if (table, column) != ("deposit", "milestone_id"):
            op.drop_index(op.f(f"ix_{table}_{column}"), table)
    op.drop_column("deposit", "milestone_id")
    for table in ("milestone", "change_order", "project"):
        op.drop_table(table)


_NAMES = (
    ("invoice", "project_id", "project"),
    ("invoice", "milestone_id", "milestone"),
    ("deposit", "project_id", "project"),
    ("deposit", "milestone_id", "milestone"),
)


def _projects() -> None:
    op.create_table(
        "project",
        *(_text(name) for name in ("id", "customer_id", "name", "currency")),
        *(_whole(name) for name in ("original_price", "approved_price")),
        _instant("created_at"),
        _whole("rev", "1"),
        sa.CheckConstraint(
            "original_price > 0 and approved_price > 0", name=op.f("project_price_is_positive")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_project_customer_id_customer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project")),
    )
    op.create_index("ix_project_created", "project", ["created_at", "id"])
    op.create_index(op.f("ix_project_customer_id"), "project", ["customer_id"])


def _change_orders() -> None:
    op.create_table(
        "change_order",
        *(_text(name) for name in ("id", "project_id")),
        *(_whole(name) for name in ("number", "price_before", "price_after")),
        _text("reason"),
        _text("approved_by", nullable=True),
        sa.Column("approved_on", sa.Date(), nullable=False),
        _text("document", nullable=True),
        *(_text(name) for name in ("cause_kind", "cause_id")),
        _instant("created_at"),
        sa.CheckConstraint(
            "price_after <> price_before", name=op.f("change_order_moves_the_price")
        ),
        sa.CheckConstraint("price_after > 0", name=op.f("change_order_price_is_positive")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_change_order_project_id_project")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_order")),
        sa.UniqueConstraint("project_id", "number", name=op.f("uq_change_order_project_id_number")),
    )


def _milestones() -> None:
    op.create_table(
        "milestone",
        *(_text(name) for name in ("id", "project_id")),
        _text("change_order_id", nullable=True),
        *(_text(name) for name in ("kind", "name")),
        _text("description", nullable=True),
        _whole("amount"),
        _text("currency"),
        sa.Column("due_on", sa.Date(), nullable=True),
        _whole("position"),
        sa.Column("dropped_at", sa.DateTime(timezone=True), nullable=True),
        _instant("created_at"),
        _whole("rev", "1"),
        sa.CheckConstraint(
            "kind in ('deposit', 'midpoint', 'final', 'named')",
            name=op.f("milestone_kind_is_known"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("milestone_amount_is_positive")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_milestone_project_id_project")
        ),
        sa.ForeignKeyConstraint(
            ["change_order_id"],
            ["change_order.id"],
            name=op.f("fk_milestone_change_order_id_change_order"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_milestone")),
    )
    op.create_index("ix_milestone_project", "milestone", ["project_id", "position", "id"])
    op.create_index(op.f("ix_milestone_change_order_id"), "milestone", ["change_order_id"])


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _instant(name: str) -> sa.Column[sa.DateTime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _whole(name: str, default: str = "0") -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=sa.text(default), nullable=False)
