"""Attachments as lists and pages show them, and where the bytes of one lie."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.file_kinds import MediaType
from reconciler.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentRow:
    """A file on the thing with the id `subject`. `is_newest` is false once another replaced it."""

    id: str
    subject: str
    file_name: str
    media_type: MediaType
    bytes: int
    sha256: str
    version: int
    is_newest: bool
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """An attachment's file: what it is called where it lies, and what it has to hash to."""

    id: str
    subject: str
    stored_as: str
    file_name: str
    media_type: MediaType
    sha256: str


_NEWEST = (
    "not exists (select 1 from attachment n where n.series = a.series and n.version > a.version)"
)
_ROWS = f"""select a.id, a.subject, a.file_name, a.media_type, a.bytes, a.sha256, a.version,
      {_NEWEST} as is_newest, a.at from attachment a"""
_ONE = sa.text(f"{_ROWS} where a.id = :id")
_OF = sa.text(f"{_ROWS} where a.subject = any(:subjects) order by a.at, a.id")
_WHERE = "select id, subject, stored_as, file_name, media_type, sha256 from attachment"
_WHERE_ONE = sa.text(f"{_WHERE} where id = :id")
_WHERE_ALL = sa.text(f"{_WHERE} order by id").execution_options(yield_per=500)
_NAMED = sa.text("select stored_as from attachment where stored_as = any(:names)")


def one(session: Session, attachment_id: str) -> AttachmentRow:
    """One attachment. Raises NotFound."""
    row = session.execute(_ONE, {"id": attachment_id}).first()
    if row is None:
        raise missing(attachment_id)
    return _attachment(row)


def of(session: Session, subjects: Collection[str]) -> dict[str, list[AttachmentRow]]:
    """The attachments of these things, oldest first; older versions too."""
    found: dict[str, list[AttachmentRow]] = {}
    for row in session.execute(_OF, {"subjects": list(subjects)}):
        found.setdefault(row.subject, []).append(_attachment(row))
    return found


def newest_of(session: Session, subjects: Collection[str]) -> dict[str, list[AttachmentRow]]:
    """The same without what was replaced."""
    return {
        subject: [one for one in rows if one.is_newest]
        for subject, rows in of(session, subjects).items()
    }


def whereabouts(session: Session, attachment_id: str) -> Whereabouts:
    """Where the bytes of one lie. Raises NotFound."""
    row = session.execute(_WHERE_ONE, {"id": attachment_id}).first()
    if row is None:
        raise missing(attachment_id)
    return _whereabouts(row)


def all_whereabouts(session: Session) -> Iterator[Whereabouts]:
    """Where the bytes of each lie."""
    return map(_whereabouts, session.execute(_WHERE_ALL))


def unnamed(session: Session, names: Collection[str]) -> set[str]:
    """Of these names of stored files, those that no attachment has."""
    return set(names) - set(session.scalars(_NAMED, {"names": list(names)}))


def missing(attachment_id: str) -> NotFound:
    """There is none, or none that whoever asks may know of: both sound alike."""
    return NotFound(f"there is no attachment {attachment_id}")


def _attachment(row: sa.Row[Any]) -> AttachmentRow:
    return AttachmentRow(**row._asdict() | {"media_type": MediaType(row.media_type)})


def _whereabouts(row: sa.Row[Any]) -> Whereabouts:
    return Whereabouts(**row._asdict() | {"media_type": MediaType(row.media_type)})
