"""The audit trail: what people, programs and commands did, line upon line."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SQL = Path(__file__).resolve().parent.parent / "sql"
FUNCTIONS = ("audit_line_follows", "audit_words_are_erased_openly")


def upgrade() -> None:
    op.create_table(
        "audit_line",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cause_kind", sa.Text(), nullable=False),
        sa.Column("cause_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("words_digest", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "btrim(cause_kind) <> '' and btrim(cause_id) <> ''",
            name=op.f("audit_line_names_its_cause"),
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_line")),
    )
    for name in ("subject", "cause_id", "action"):
        index = f"ix_audit_line_{name.removesuffix('_id')}"
        op.create_index(index, "audit_line", [name, "seq"], unique=False)
    op.create_table(
        "audit_words",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["seq"], ["audit_line.seq"], name=op.f("fk_audit_words_seq_audit_line")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_words")),
    )
    op.execute((SQL / "audit.sql").read_text())


def downgrade() -> None:
    op.drop_table("audit_words")
    op.drop_table("audit_line")
    for name in FUNCTIONS:
        op.execute(f"drop function if exists {name}() cascade")
