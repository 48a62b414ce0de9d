"""Which revision of the schema the database is at."""

import sqlalchemy as sa
from sqlmodel import Session

_HAS_TABLE = sa.text("select to_regclass('alembic_version') is not null")
_REVISION = sa.text("select version_num from alembic_version")


def revision(session: Session) -> str | None:
    """The revision, or None for a database that was never migrated."""
    if not session.execute(_HAS_TABLE).scalar():
        return None
    found: str | None = session.execute(_REVISION).scalar()
    return found
