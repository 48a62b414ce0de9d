"""Files for import as they wait to be looked at, or to be taken over."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0033"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "import_draft",
        *(_text(name) for name in ("id", "file_name")),
        _text("kind", nullable=True),
        *(_text(name) for name in ("digest", "stored_as", "person_id", "state")),
        *(_whole(name) for name in ("bytes", "bytes_read", "tries")),
        sa.Column("outcome", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        *(_text(name, nullable=True) for name in ("import_id", "why")),
        *(
            sa.Column(name, sa.DateTime(timezone=True), nullable=False)
            for name in ("created_at", "changed_at")
        ),
        _whole("rev", "1"),
        sa.CheckConstraint(
            "state in ('looking', 'looked', 'taking', 'taken', 'failed', 'dropped')",
            name=op.f("import_draft_state_is_known"),
        ),
        sa.CheckConstraint("bytes > 0", name=op.f("import_draft_holds_something")),
        sa.ForeignKeyConstraint(
            ["import_id"], ["import_file.id"], name=op.f("fk_import_draft_import_id_import_file")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_draft")),
    )
    op.create_index("ix_import_draft_import_id", "import_draft", ["import_id"])
    op.create_index("ix_import_draft_created", "import_draft", ["created_at", "id"])
    op.create_index(
        "ix_import_draft_due",
        "import_draft",
        ["created_at", "id"],
        postgresql_where=sa.text("state in ('looking', 'taking')"),
    )


def downgrade() -> None:
    op.drop_table("import_draft")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _whole(name: str, default: str = "0") -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=sa.text(default), nullable=False)
