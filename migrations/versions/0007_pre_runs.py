"""What each object of a rail comes to here, runs that compare it with the rail, and their marks."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

KINDS = "kind in ('charge', 'refund', 'dispute', 'balance_transaction', 'payout')"
DIFFERENCES = (
    "difference in ('missing_here', 'missing_there', 'amount', 'currency', 'state', 'not_applied',"
    " 'not_booked', 'payout', 'balance')"
)


def upgrade() -> None:
    _objects()
    _runs()
    _rows()


def downgrade() -> None:
    for table in (
        "reconciliation_row",
        "reconciliation_mark",
        "reconciliation_discrepancy",
        "reconciliation_step",
        "reconciliation_run",
        "rail_object",
    ):
        op.drop_table(table)


def _objects() -> None:
    op.create_table(
        "rail_object",
        _text("rail"),
        _text("account"),
        _text("kind"),
        _text("object_id"),
        sa.Column("payment_id", sa.Text(), nullable=True),
        _whole("amount"),
        _text("currency"),
        _text("state"),
        _instant("made_at"),
        sa.CheckConstraint(KINDS, name=op.f("rail_object_kind_is_known")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("fk_rail_object_payment_id_payment")
        ),
        sa.PrimaryKeyConstraint("rail", "account", "kind", "object_id", name="pk_rail_object"),
    )
    op.create_index("ix_rail_object_payment_id", "rail_object", ["payment_id"])
    op.create_index("ix_rail_object_made", "rail_object", ["rail", "account", "kind", "made_at"])


def _runs() -> None:
    op.create_table(
        "reconciliation_run",
        _text("id"),
        _text("rail"),
        _text("account"),
        _text("purpose"),
        _instant("since"),
        _instant("until"),
        _text("state"),
        _text("cause_kind"),
        _text("cause_id"),
        _instant("started_at"),
        _instant("lease_until"),
        sa.Column("lease_token", sa.Text(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        _whole("checked"),
        _whole("matched"),
        _whole("healed"),
        _whole("unhealed"),
        sa.Column(
            "drift", sa.dialects.postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state in ('running', 'done', 'failed')", name=op.f("run_state_is_known")
        ),
        sa.CheckConstraint(
            "purpose in ('window', 'open_items', 'backfill')", name=op.f("run_purpose_is_known")
        ),
        sa.CheckConstraint("since < until", name=op.f("run_window_is_not_empty")),
        sa.PrimaryKeyConstraint("id", name="pk_reconciliation_run"),
    )
    # Never two at once: not by two clocks, not by a person beside them.
    op.create_index(
        "ux_reconciliation_run_running",
        "reconciliation_run",
        ["rail", "account"],
        unique=True,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index("ix_reconciliation_run_started", "reconciliation_run", ["started_at", "id"])
    op.create_table(
        "reconciliation_step",
        _run(),
        _text("kind"),
        sa.Column("cursor", sa.Text(), nullable=True),
        _whole("pages"),
        _whole("rows"),
        _whole("matched"),
        _whole("healed"),
        sa.Column("is_complete", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "kind", name="pk_reconciliation_step"),
    )
    op.create_table(
        "reconciliation_discrepancy",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        _run(),
        _text("kind"),
        _text("rail_object"),
        sa.Column("payment_id", sa.Text(), nullable=True),
        _text("difference"),
        sa.Column("expected", sa.dialects.postgresql.JSONB(), nullable=True),
        sa.Column("actual", sa.dialects.postgresql.JSONB(), nullable=True),
        sa.Column("is_healed", sa.Boolean(), nullable=False),
        sa.Column("is_looked_at", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        _instant("at"),
        sa.CheckConstraint(DIFFERENCES, name=op.f("difference_is_known")),
        sa.UniqueConstraint("run_id", "kind", "rail_object", name="uq_discrepancy_once_in_a_run"),
        sa.PrimaryKeyConstraint("seq", name="pk_reconciliation_discrepancy"),
    )
    op.create_index(
        "ix_reconciliation_discrepancy_doubt",
        "reconciliation_discrepancy",
        ["run_id", "seq"],
        postgresql_where=sa.text("not is_looked_at"),
    )
    op.create_table(
        "reconciliation_mark",
        _text("rail"),
        _text("account"),
        _text("kind"),
        _instant("complete_since"),
        _instant("complete_until"),
        _run(),
        _instant("at"),
        sa.PrimaryKeyConstraint("rail", "account", "kind", name="pk_reconciliation_mark"),
    )


def _rows() -> None:
    # What the rail showed, while a run compares it: lost in a crash of the server, and then read
    # again, so that it need not be logged.
    op.create_table(
        "reconciliation_row",
        sa.Column("run_id", sa.Text(), nullable=False),
        _text("kind"),
        _whole("page"),
        _text("object_id"),
        _whole("amount"),
        _text("currency"),
        _text("state"),
        prefixes=["UNLOGGED"],
    )
    op.create_index("ix_reconciliation_row_run", "reconciliation_row", ["run_id", "kind", "page"])


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)


def _instant(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def _run() -> sa.Column[str]:
    return sa.Column(
        "run_id", sa.Text(), sa.ForeignKey("reconciliation_run.id"), nullable=False, index=True
    )
