"""What people wrote down about things of ours. Rows are only ever added."""

import sqlalchemy as sa

from reconciler.store import base
from reconciler.store.base import SQLModel, datetime


class RecordNote(SQLModel, table=True):
    """A note on one thing: `subject` is our id of it. It moves no money and decides nothing."""

    __tablename__ = "record_note"
    __table_args__ = (
        base.holds("a_note_says_something", "btrim(body) <> ''"),
        sa.Index("ix_record_note_subject", "subject", "at", "id"),
    )

    id: str = base.key()
    subject: str = base.text()
    body: str = base.text()
    cause_kind: str = base.text()
    cause_id: str = base.text()
    at: datetime = base.instant()
