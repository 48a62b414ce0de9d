"""Files that were taken over, and what their rows are called elsewhere."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from reconciler.books.import_kinds import DraftState
from reconciler.store import base
from reconciler.store.base import SQLModel, date, datetime


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


class ImportedRow(SQLModel, table=True):
    """What a row said that made or changed something: enough to take it over again.

    `place` counts the rows of the file, of which several may be on one line. Minor units. Gone
    where the words of its import's audit line were erased; older imports have none. No foreign
    key: where a past is done over, rows are there before their import.
    """

    __tablename__ = "imported_row"
    __table_args__ = (base.holds("imported_row_was_taken_over", "status in ('new', 'changed')"),)

    import_id: str = base.key()
    place: int = Field(
        sa_type=sa.BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False}
    )
    kind: str = base.text()
    status: str = base.text()
    key: str = base.text()
    subject_id: str = base.text()
    entry_id: str | None = base.text_or_none()
    name: str = base.text()
    email: str | None = base.text_or_none()
    customer_key: str | None = base.text_or_none()
    project_key: str | None = base.text_or_none()
    currency: str | None = base.text_or_none()
    amount: int | None = Field(default=None, sa_type=sa.BigInteger, nullable=True)
    issued_on: date | None = Field(default=None, sa_type=sa.Date, nullable=True)
    due_on: date | None = Field(default=None, sa_type=sa.Date, nullable=True)
    state: str | None = base.text_or_none()
    words: str | None = base.text_or_none()
    of_kind: str | None = base.text_or_none()
    of_key: str | None = base.text_or_none()
    more: dict[str, Any] | None = Field(default=None, sa_type=JSONB, nullable=True)


class ImportedKey(SQLModel, table=True):
    """What something of ours is called where it came from, and is known again by."""

    __tablename__ = "imported_key"

    kind: str = Field(sa_type=sa.Text, primary_key=True)
    external_id: str = Field(sa_type=sa.Text, primary_key=True)
    subject_id: str = base.text()


class ImportDraft(SQLModel, table=True):
    """A file that somebody handed over on a screen, until its rows are taken over.

    `stored_as` is the name of its bytes, `bytes_read` how far the turn under way has come,
    `outcome` what was found. It is taken over in the name of `person_id`.
    """

    __tablename__ = "import_draft"
    __table_args__ = (
        base.one_of("import_draft_state_is_known", "state", DraftState),
        base.holds("import_draft_holds_something", "bytes > 0"),
        sa.Index("ix_import_draft_created", "created_at", "id"),
        sa.Index(
            "ix_import_draft_due",
            "created_at",
            "id",
            postgresql_where=sa.text("state in ('looking', 'taking')"),
        ),
    )

    id: str = base.key()
    file_name: str = base.text()
    kind: str | None = base.text_or_none()
    digest: str = base.text()
    stored_as: str = base.text()
    person_id: str = base.text()
    state: str = base.text()
    bytes: int = base.whole()
    bytes_read: int = base.whole()
    tries: int = base.whole()
    outcome: dict[str, Any] = base.document()
    import_id: str | None = base.reference("import_file.id", nullable=True)
    why: str | None = base.text_or_none()
    created_at: datetime = base.instant()
    changed_at: datetime = base.instant()
    rev: int = base.whole(default=1)
