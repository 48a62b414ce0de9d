"""Files that people attach."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attachment",
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in (
                "id", "subject", "series", "file_name", "media_type", "sha256", "stored_as",
                "cause_kind", "cause_id",
            )
        ),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("bytes", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "media_type in ('application/pdf', 'image/png', 'image/jpeg', 'message/rfc822')",
            name=op.f("attachment_media_type_is_known"),
        ),
        sa.CheckConstraint(
            "bytes > 0 and version > 0", name=op.f("attachment_holds_something")
        ),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f("attachment_sha256_is_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
        sa.UniqueConstraint("series", "version", name=op.f("uq_attachment_series_version")),
        sa.UniqueConstraint("stored_as", name=op.f("uq_attachment_stored_as")),
    )  # fmt: skip
    op.create_index("ix_attachment_subject", "attachment", ["subject", "at", "id"])
    op.execute(
        "create trigger append_only before update or delete or truncate on attachment"
        " for each statement execute function append_only()"
    )


def downgrade() -> None:
    op.drop_table("attachment")
