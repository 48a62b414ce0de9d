"""Consent to refunds: what was approved, and who changed what was asked for."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WALLS = Path(__file__).resolve().parent.parent / "sql" / "refunds.sql"


def upgrade() -> None:
    op.add_column("refund", sa.Column("approved_terms", sa.Text(), nullable=True))
    op.add_column(
        "refund",
        sa.Column(
            "edited_by",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
    )
    op.add_column("refund_leg", sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True))
    _restores()
    op.drop_constraint("nobody_approves_their_own", "refund", type_="check")
    op.create_check_constraint(
        "nobody_approves_their_own",
        "refund",
        "approved_by is null or approved_by <> requested_by and not approved_by = any(edited_by)",
    )
    op.execute(WALLS.read_text())
    # Before this, what was asked for could not change: what stands there is what was approved.
    op.execute("update refund set approved_terms = refund_terms(id) where approved_at is not null")


def _restores() -> None:
    op.create_table(
        "installation",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("system_identifier", sa.Text(), nullable=False),
        sa.Column("timeline", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("database_oid", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    op.create_index("uq_installation_one", "installation", [sa.text("(true)")], unique=True)
    op.create_table(
        "restore",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("backup_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reread_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_read", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("asked_up_to", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("accepted_by", sa.Text(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "released_by is null or (accepted_by is not null and released_by <> accepted_by)",
            name=op.f("a_restore_is_released_by_two"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restore")),
    )
    op.create_index(
        "uq_restore_one_open",
        "restore",
        [sa.text("(true)")],
        unique=True,
        postgresql_where=sa.text("released_at is null"),
    )


def downgrade() -> None:
    op.drop_table("restore")
    op.drop_table("installation")
    op.drop_column("refund_leg", "looked_at")
    op.drop_constraint("nobody_approves_their_own", "refund", type_="check")
    op.create_check_constraint(
        "nobody_approves_their_own",
        "refund",
        "approved_by is null or approved_by <> requested_by",
    )
    op.drop_column("refund", "edited_by")
    op.drop_column("refund", "approved_terms")
