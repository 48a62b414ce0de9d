"""A code beside the password, and which browsers are signed in."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("user_account", sa.Column("factor_salt", sa.Text(), nullable=True))
    op.add_column("user_account", sa.Column("factor_at", _instant(), nullable=True))
    op.add_column(
        "user_account",
        sa.Column("factor_step", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column("user_session", sa.Column("browser", sa.Text(), nullable=True))
    op.add_column("user_session", sa.Column("address", sa.Text(), nullable=True))
    op.create_table(
        "recovery_code",
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("made_at", _instant(), nullable=False),
        sa.Column("used_at", _instant(), nullable=True),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_recovery_code")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_recovery_code_user_id_user_account")
        ),
    )
    op.create_index(op.f("ix_recovery_code_user_id"), "recovery_code", ["user_id"])
    op.create_table(
        "halfway_in",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("ends_at", _instant(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_halfway_in")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_halfway_in_user_id_user_account")
        ),
    )
    op.create_index(op.f("ix_halfway_in_user_id"), "halfway_in", ["user_id"])


def _instant() -> sa.DateTime:
    return sa.DateTime(timezone=True)
