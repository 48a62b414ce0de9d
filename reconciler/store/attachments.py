"""Files that people attached. Rows are only ever added."""

import sqlalchemy as sa

from reconciler.books.file_kinds import MediaType
from reconciler.store import base
from reconciler.store.base import SQLModel, datetime


class Attachment(SQLModel, table=True):
    """A file on something of ours, as it was given. `subject` is that thing's id.

    Another file in its place is another row: the next `version` of the same `series`. `stored_as`
    is the name of its bytes, which is chance; `sha256` is what they hash to.
    """

    __tablename__ = "attachment"
    __table_args__ = (
        sa.UniqueConstraint("series", "version"),
        base.one_of("attachment_media_type_is_known", "media_type", MediaType),
        base.holds("attachment_holds_something", "bytes > 0 and version > 0"),
        base.holds("attachment_sha256_is_one", "sha256 ~ '^[0-9a-f]{64}$'"),
        sa.Index("ix_attachment_subject", "subject", "at", "id"),
    )

    id: str = base.key()
    subject: str = base.text()
    series: str = base.text()
    version: int = base.whole(default=1)
    file_name: str = base.text()
    media_type: str = base.text()
    bytes: int = base.whole()
    sha256: str = base.text()
    stored_as: str = base.text(unique=True)
    cause_kind: str = base.text()
    cause_id: str = base.text()
    at: datetime = base.instant()
