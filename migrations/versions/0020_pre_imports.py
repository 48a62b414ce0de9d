"""Files that were taken over, and what their rows are called elsewhere."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "import_file",
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("id", "file_name", "digest", "cause_kind", "cause_id")
        ),
        *(
            sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)
            for name in ("new_count", "changed_count", "unchanged_count")
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_file")),
    )
    op.create_table(
        "imported_key",
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("kind", "external_id", "subject_id")
        ),
        sa.PrimaryKeyConstraint("kind", "external_id", name=op.f("pk_imported_key")),
    )


def downgrade() -> None:
    op.drop_table("imported_key")
    op.drop_table("import_file")
