"""What each row of a file that was taken over said, so that it can be taken over again."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0043"
branch_labels = None
depends_on = None

SQL = Path(__file__).resolve().parent.parent / "sql"


def upgrade() -> None:
    op.create_table(
        "imported_row",
        _text("import_id"),
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        *(_text(name) for name in ("kind", "status", "key", "subject_id")),
        _text("entry_id", nullable=True),
        _text("name"),
        *(
            _text(name, nullable=True)
            for name in ("email", "customer_key", "project_key", "currency")
        ),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        *(_text(name, nullable=True) for name in ("state", "words")),
        sa.CheckConstraint(
            "status in ('new', 'changed')", name=op.f("imported_row_was_taken_over")
        ),
        sa.PrimaryKeyConstraint("import_id", "place", name=op.f("pk_imported_row")),
    )
    op.execute((SQL / "imports.sql").read_text())


def downgrade() -> None:
    op.drop_table("imported_row")
    op.execute("drop function if exists imported_rows_are_erased_openly() cascade")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)
