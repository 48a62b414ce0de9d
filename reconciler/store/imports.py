"""Files that were taken over, and what their rows are called elsewhere."""

import sqlalchemy as sa
from sqlmodel import Field

from reconciler.store import base
from reconciler.store.base import SQLModel, datetime


class ImportFile(SQLModel, table=True):
    """A file whose rows were taken over, all of them. Counts of rows."""

    __tablename__ = "import_file"

    id: str = base.key()
    file_name: str = base.text()
    digest: str = base.text()
    new_count: int = base.whole()
    changed_count: int = base.whole()
    unchanged_count: int = base.whole()
    cause_kind: str = base.text()
    cause_id: str = base.text()
    at: datetime = base.instant()


class ImportedKey(SQLModel, table=True):
    """What a customer or project of ours is called where it came from."""

    __tablename__ = "imported_key"

    kind: str = Field(sa_type=sa.Text, primary_key=True)
    external_id: str = Field(sa_type=sa.Text, primary_key=True)
    subject_id: str = base.text()
