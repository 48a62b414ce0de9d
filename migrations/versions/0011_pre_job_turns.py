"""Turns of timed jobs: asked for, begun, ended, and how."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "job_turn",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("id", "job", "task")),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=True),
        *(
            sa.Column(name, sa.DateTime(timezone=True), nullable=True)
            for name in ("begun_at", "lease_until", "ended_at")
        ),
        sa.Column("tries", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "error is null or ended_at is not null", name=op.f("job_turn_fails_when_it_ends")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_turn")),
    )
    op.create_index(
        "uq_job_turn_open",
        "job_turn",
        ["job"],
        unique=True,
        postgresql_where=sa.text("ended_at is null"),
    )
    op.create_index("ix_job_turn_asked", "job_turn", ["job", "asked_at"])


def downgrade() -> None:
    op.drop_table("job_turn")
