"""Entries of suspense are found by words in their keys: there are few, among millions."""

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None

_TOUCHES = """(strpos(key, '/unclassified') > 0 or strpos(key, '/beyond') > 0
      or strpos(key, '/moved-') > 0)"""


def upgrade() -> None:
    op.create_index(
        "ix_journal_entry_suspense", "journal_entry", ["id"], postgresql_where=sa.text(_TOUCHES)
    )


def downgrade() -> None:
    op.drop_index("ix_journal_entry_suspense", "journal_entry")
