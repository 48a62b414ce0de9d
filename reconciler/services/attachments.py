"""Files on things of ours: named, numbered and counted. Their bytes were kept before this began.

A file is never changed. Another in its place is the next version, and the one before stays.
"""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import col, select

from reconciler.books import file_names
from reconciler.books.file_kinds import MediaType
from reconciler.errors import Invalid, NotFound, Refused
from reconciler.ids import new_id
from reconciler.services import audit
from reconciler.store.attachments import Attachment
from reconciler.store.deposits import Deposit
from reconciler.work import Work

FILES_MAX = 1_000  # on one thing, versions counted
FILE_NAME_CHARS_MAX = 1_000  # as given; it is shown much shorter
_TURN = 7_201_960  # those who add files take turns, so that the quota is what it says


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Bytes that lie where attachments lie, under a name of chance, and that nothing names yet.

    `quota` is how many bytes all attachments may have together.
    """

    stored_as: str
    media_type: MediaType
    bytes: int
    sha256: str
    quota: int


def keep(
    work: Work, *, subject: str, file_name: str, file: StoredFile, replaces: str | None = None
) -> str:
    """Attach a file to the thing with this id; gives the attachment's id.

    `replaces` is the newest version of what this one is a newer version of. Raises Invalid, and
    Refused where there are too many files or too many bytes.
    """
    if len(file_name) > FILE_NAME_CHARS_MAX:
        raise Invalid(f"a file name has at most {FILE_NAME_CHARS_MAX} characters", field="file")
    _take_turn(work)
    _check_room(work, subject, file)
    made = Attachment(
        id=new_id("att"),
        subject=subject,
        series="",
        file_name=file_names.shown(file_name, file.media_type),
        media_type=file.media_type,
        bytes=file.bytes,
        sha256=file.sha256,
        stored_as=file.stored_as,
        cause_kind=work.cause.kind,
        cause_id=work.cause.id,
        at=work.now,
    )
    made.series, made.version = _place(work, subject, replaces, made.id)
    work.session.add(made)
    work.session.flush()
    said = ("file_name", "media_type", "bytes", "sha256", "version")
    after = {name: getattr(made, name) for name in said} | {"attachment": made.id}
    audit.note(work, "attachment.kept", subject, after=after)
    return made.id


def keep_on_deposit(
    work: Work, deposit_id: str, file_name: str, file: StoredFile, *, replaces: str | None = None
) -> str:
    """Attach a file to a deposit. Raises NotFound, and what `keep` raises."""
    if work.session.get(Deposit, deposit_id) is None:
        raise NotFound(f"there is no deposit {deposit_id}")
    return keep(work, subject=deposit_id, file_name=file_name, file=file, replaces=replaces)


def _take_turn(work: Work) -> None:
    work.session.execute(sa.select(sa.func.pg_advisory_xact_lock(_TURN)))


def _check_room(work: Work, subject: str, file: StoredFile) -> None:
    here = sa.func.count().filter(col(Attachment.subject) == subject)
    total = sa.func.coalesce(sa.func.sum(col(Attachment.bytes)), 0)
    files, held = work.session.execute(sa.select(here, total).select_from(Attachment)).one()
    if files >= FILES_MAX:
        raise Refused(f"there are {FILES_MAX} files on it already", field="file")
    if held + file.bytes > file.quota:
        raise Refused(
            f"all attachments together may have {file.quota >> 20} MiB (ATTACHMENTS_QUOTA_MIB)",
            field="file",
        )


def _place(work: Work, subject: str, replaces: str | None, own: str) -> tuple[str, int]:
    """The series and the version."""
    if replaces is None:
        return own, 1
    old = work.session.get(Attachment, replaces)
    if old is None or old.subject != subject:
        raise Invalid("replaces names no file of this", field="replaces")
    newest = work.session.scalar(
        select(sa.func.max(col(Attachment.version))).where(col(Attachment.series) == old.series)
    )
    if newest != old.version:
        raise Refused("a newer version is there already", field="replaces")
    return old.series, old.version + 1
