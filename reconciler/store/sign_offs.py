"""Milestones that a client signed off. Rows are only ever added."""

import sqlalchemy as sa

from reconciler.store import base
from reconciler.store.base import SQLModel, datetime


class SignOff(SQLModel, table=True):
    """A client said that a milestone is as agreed: on paper (`file`), or on their page (`portal`).

    `sha256` is the file's, or that of `signed`, the words that the client saw and ticked.
    """

    __tablename__ = "sign_off"
    __table_args__ = (
        sa.UniqueConstraint("milestone_id", "version"),
        base.holds("sign_off_source_is_known", "source in ('file', 'portal')"),
        base.holds(
            "sign_off_is_a_file_or_a_name",
            "(source = 'file') = (attachment_id is not null)"
            " and (source = 'file' or signed_by_name is not null)",
        ),
        base.holds("sign_off_sha256_is_one", "sha256 ~ '^[0-9a-f]{64}$'"),
    )

    id: str = base.key()
    milestone_id: str = base.reference("milestone.id", index=False)
    version: int = base.whole(default=1)
    source: str = base.text()
    attachment_id: str | None = base.reference("attachment.id", nullable=True)
    signed_by_name: str | None = base.text_or_none()
    signed: str = base.text()
    sha256: str = base.text()
    cause_kind: str = base.text()
    cause_id: str = base.text()
    at: datetime = base.instant()
