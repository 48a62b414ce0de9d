"""Milestones that a client signed off."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sign_off",
        *(
            sa.Column(name, sa.Text(), nullable=name in {"attachment_id", "signed_by_name"})
            for name in (
                "id", "milestone_id", "source", "attachment_id", "signed_by_name", "signed",
                "sha256", "cause_kind", "cause_id",
            )
        ),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("source in ('file', 'portal')", name=op.f("sign_off_source_is_known")),
        sa.CheckConstraint(
            "(source = 'file') = (attachment_id is not null)"
            " and (source = 'file' or signed_by_name is not null)",
            name=op.f("sign_off_is_a_file_or_a_name"),
        ),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f("sign_off_sha256_is_one")),
        sa.ForeignKeyConstraint(
            ["milestone_id"], ["milestone.id"], name=op.f("fk_sign_off_milestone_id_milestone")
        ),
        sa.ForeignKeyConstraint(
            ["attachment_id"], ["attachment.id"], name=op.f("fk_sign_off_attachment_id_attachment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_off")),
        sa.UniqueConstraint("milestone_id", "version", name=op.f("uq_sign_off_milestone_id_version")),
    )  # fmt: skip
    op.create_index("ix_sign_off_attachment_id", "sign_off", ["attachment_id"])
    op.execute(
        "create trigger append_only before update or delete or truncate on sign_off"
        " for each statement execute function append_only()"
    )


def downgrade() -> None:
    op.drop_table("sign_off")
