"""Disputes as they stand, what people decided about losses, and what that writes off."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

CLAIMS = ("allocation", "application")
APPEND_ONLY = ("dispute_step", "dispute_decision")
OPEN = "ix_invoice_open"
PAID = "invoice_is_not_paid_beyond_its_total"
SENT = "only_a_sent_invoice_holds_money"
KINDS = "kind in ('inquiry', 'chargeback', 'return')"
STAGES = "stage in ('needs_response', 'under_review', 'unknown', 'lost', 'won', 'lapsed')"
DECISIONS = "decision in ('undecided', 'chase', 'write_off', 'credit')"


def upgrade() -> None:
    _write_offs()
    _tables()
    for table in APPEND_ONLY:
        op.execute(
            f"""create trigger append_only before update or delete or truncate on {table}
            for each statement execute function append_only()"""
        )


def downgrade() -> None:
    op.drop_table("dispute_decision")
    op.drop_table("dispute_step")
    op.drop_table("dispute")
    for table in CLAIMS:
        _claim_wall(table, "credited - reopened", "reopened >= 0")
        op.drop_column(table, "written_off")
    op.drop_index(OPEN, "invoice")
    op.drop_constraint(PAID, "invoice")
    op.drop_constraint(SENT, "invoice")
    for column in ("outstanding", "credited", "write_offs"):
        op.drop_column("invoice", column)
    op.create_check_constraint(
        op.f(PAID),
        "invoice",
        "paid >= 0 and credit_notes >= 0 and refund_credits >= 0"
        " and paid + credit_notes + refund_credits <= total",
    )
    op.create_check_constraint(
        op.f(SENT),
        "invoice",
        "state = 'sent' or (paid = 0 and credit_notes = 0 and refund_credits = 0)",
    )
    op.create_index(
        OPEN,
        "invoice",
        ["customer_id", "currency"],
        postgresql_where=sa.text("state = 'sent' and paid + credit_notes + refund_credits < total"),
    )


def _write_offs() -> None:
    for table in CLAIMS:
        op.add_column(table, _amount("written_off"))
        _claim_wall(
            table, "credited - reopened - written_off", "reopened >= 0 and written_off >= 0"
        )
    op.drop_index(OPEN, "invoice")
    op.drop_constraint(PAID, "invoice")
    op.drop_constraint(SENT, "invoice")
    op.add_column("invoice", _amount("write_offs"))
    op.add_column("invoice", _made_of("credited", "credit_notes + refund_credits + write_offs"))
    op.add_column(
        "invoice",
        _made_of("outstanding", "total - paid - credit_notes - refund_credits - write_offs"),
    )
    op.create_check_constraint(
        op.f(PAID),
        "invoice",
        "paid >= 0 and credit_notes >= 0 and refund_credits >= 0 and write_offs >= 0"
        " and paid + credit_notes + refund_credits + write_offs <= total",
    )
    op.create_check_constraint(
        op.f(SENT),
        "invoice",
        "state = 'sent' or (paid = 0 and credit_notes = 0 and refund_credits = 0"
        " and write_offs = 0)",
    )
    op.create_index(
        OPEN,
        "invoice",
        ["customer_id", "currency"],
        postgresql_where=sa.text("state = 'sent' and outstanding > 0"),
    )


def _claim_wall(table: str, taken_back: str, signs: str) -> None:
    name = f"{table}_takes_up_what_is_offered"
    op.drop_constraint(name, table)
    op.create_check_constraint(
        op.f(name),
        table,
        f"gross >= 0 and credited >= 0 and {signs} and amount >= 0"
        f" and amount <= gross - {taken_back}",
    )


def _tables() -> None:
    op.create_table(
        "dispute",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("rail_dispute_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        _amount("amount"),
        _amount("taken"),
        _amount("lost"),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("evidence_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("is_unsettled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rev", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "amount >= 0 and taken >= 0 and lost >= 0 and lost <= taken",
            name=op.f("a_dispute_loses_at_most_what_it_took"),
        ),
        sa.CheckConstraint(KINDS, name=op.f("dispute_kind_is_known")),
        sa.CheckConstraint(STAGES, name=op.f("dispute_stage_is_known")),
        sa.CheckConstraint(DECISIONS, name=op.f("dispute_decision_is_known")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("fk_dispute_payment_id_payment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute")),
        sa.UniqueConstraint(
            "payment_id", "rail_dispute_id", name=op.f("uq_dispute_payment_id_rail_dispute_id")
        ),
    )
    op.create_index("ix_dispute_opened", "dispute", ["opened_at", "id"])
    op.create_index("ix_dispute_rail_dispute_id", "dispute", ["rail_dispute_id"])
    op.create_index(
        "ix_dispute_unsettled",
        "dispute",
        ["payment_id"],
        postgresql_where=sa.text("is_unsettled"),
    )
    op.create_table(
        "dispute_step",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("dispute_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        _amount("taken"),
        _amount("lost"),
        *_cause(),
        sa.ForeignKeyConstraint(
            ["dispute_id"], ["dispute.id"], name=op.f("fk_dispute_step_dispute_id_dispute")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_dispute_step")),
    )
    op.create_index(op.f("ix_dispute_step_dispute_id"), "dispute_step", ["dispute_id"])
    op.create_table(
        "dispute_decision",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("rail_dispute_id", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        *_cause(),
        sa.CheckConstraint(DECISIONS, name=op.f("a_decision_is_known")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("fk_dispute_decision_payment_id_payment")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_dispute_decision")),
    )
    op.create_index(
        "ix_dispute_decision_last", "dispute_decision", ["payment_id", "rail_dispute_id", "seq"]
    )


def _amount(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)


def _made_of(name: str, others: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), sa.Computed(others, persisted=True), nullable=False)


def _cause() -> tuple[sa.Column[str], sa.Column[str], sa.Column[object]]:
    return (
        sa.Column("cause_kind", sa.Text(), nullable=False),
        sa.Column("cause_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
