"""Other ways back for money that a rail cannot return, and decisions on refunds made outside."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SQL = Path(__file__).resolve().parent.parent / "sql" / "refund_routes.sql"
CHECKS = {
    "leg_route_is_known": "route in ('rail', 'hand', 'kept')",
    "another_route_names_who_chose_it": (
        "route = 'rail' or (routed_by is not null and method is not null)"
    ),
    "who_chose_another_route_does_not_pay_it": (
        "route <> 'hand' or settled_by is null or settled_by <> routed_by"
    ),
    "what_people_paid_back_says_who_and_how": (
        "route = 'rail' or status <> 'succeeded'"
        " or (settled_by is not null and settled_reference is not null)"
    ),
    "only_a_rail_is_sent_anything": "route = 'rail' or due_at is null",
}


def upgrade() -> None:
    op.add_column(
        "refund_leg",
        sa.Column("route", sa.Text(), server_default=sa.text("'rail'"), nullable=False),
    )
    op.add_column("refund_leg", sa.Column("method", sa.Text(), nullable=True))
    op.add_column("refund_leg", sa.Column("routed_by", sa.Text(), nullable=True))
    op.add_column("refund_leg", sa.Column("settled_by", sa.Text(), nullable=True))
    op.add_column("refund_leg", sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True))
    for name, condition in CHECKS.items():
        op.create_check_constraint(op.f(name), "refund_leg", condition)
    op.create_table(
        "refund_decision",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("rail_refund_id", sa.Text(), nullable=False),
        sa.Column("review_item_id", sa.Text(), nullable=True),
        sa.Column("place", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("target_id", sa.Text(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("treatment", sa.Text(), nullable=False),
        sa.Column("cause_kind", sa.Text(), nullable=False),
        sa.Column("cause_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("decided_amount_is_positive")),
        sa.CheckConstraint(
            "treatment in ('credit', 'reopen')", name=op.f("decided_treatment_is_known")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("fk_refund_decision_payment_id_payment")
        ),
        sa.ForeignKeyConstraint(
            ["review_item_id"],
            ["review_item.id"],
            name=op.f("fk_refund_decision_review_item_id_review_item"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_decision")),
    )
    op.create_index(op.f("ix_refund_decision_payment_id"), "refund_decision", ["payment_id"])
    op.create_index(
        op.f("ix_refund_decision_review_item_id"), "refund_decision", ["review_item_id"]
    )
    op.create_index(
        "uq_refund_decision_open",
        "refund_decision",
        ["payment_id", "rail_refund_id", "place"],
        unique=True,
        postgresql_where=sa.text("closed_at is null"),
    )
    op.execute(SQL.read_text())


def downgrade() -> None:
    op.drop_table("refund_decision")
    for name in reversed(CHECKS):
        op.drop_constraint(op.f(name), "refund_leg", type_="check")
    for name in ("settled_at", "settled_by", "routed_by", "method", "route"):
        op.drop_column("refund_leg", name)
    for name in ("refund_route_wall", "refund_decision_wall"):
        op.execute(f"drop function if exists {name}() cascade")
