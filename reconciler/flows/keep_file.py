"""A file's bytes and the row that names them: kept before it, looked at after it.

The bytes come first, under a name that nothing knows. If the row is never written, they are swept
up later; a row whose bytes are not there cannot come about.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog

from reconciler.books.file_kinds import MediaType, media_type_of
from reconciler.errors import Refused, Unavailable
from reconciler.ids import new_id
from reconciler.reads import attachments as reads, restore
from reconciler.reads.attachments import Whereabouts
from reconciler.runtime import Runtime
from reconciler.services.attachments import StoredFile

LAW = "attachments_are_as_they_were_kept"
UNNAMED_FOR = timedelta(days=7)  # longer than anybody takes to write a row, or to see a mistake
_AT_A_TIME = 500

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Download:
    """A file as it is handed out."""

    file_name: str
    media_type: MediaType
    body: bytes


@contextmanager
def kept(runtime: Runtime, body: bytes) -> Iterator[StoredFile]:
    """Keep bytes while their row is written; they go again where a rule refuses the row.

    Raises Invalid for what is not taken, TooLarge, Unavailable. Whatever else goes wrong leaves
    them: the row may be there although the answer was lost.
    """
    file = StoredFile(
        stored_as=new_id("file"),
        media_type=media_type_of(body),
        bytes=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        quota=runtime.settings.attachments_quota_mib << 20,
    )
    runtime.files.put(file.stored_as, body)
    try:
        yield file
    except Refused:
        discard(runtime, file)
        raise


def discard(runtime: Runtime, file: StoredFile) -> None:
    """Take away bytes that no row names."""
    runtime.files.delete(file.stored_as)


def download(runtime: Runtime, attachment_id: str, subject: str | None = None) -> Download:
    """A file, if it is still what was kept. Raises NotFound, also where it is not of `subject`.

    Raises Unavailable where the bytes are gone or are others.
    """
    with runtime.read() as session:
        where = reads.whereabouts(session, attachment_id)
    if subject is not None and where.subject != subject:
        raise reads.missing(attachment_id)
    body = runtime.files.get(where.stored_as)
    if wrong := _wrong(where, body):
        _log.error("attachment.differs", attachment_id=where.id, why=wrong)
        raise Unavailable(f"attachment {where.id} {wrong}")
    assert body is not None
    return Download(where.file_name, where.media_type, body)


def differing(runtime: Runtime) -> Iterator[str]:
    """Each attachment whose bytes are not what was kept, in words. Reads all of them."""
    with runtime.read() as session:
        known = list(reads.all_whereabouts(session))
    for where in known:
        if wrong := _wrong(where, runtime.files.get(where.stored_as)):
            yield f"attachment {where.id} of {where.subject} {wrong}"


def sweep(runtime: Runtime) -> int:
    """Take away files that no row has named for a week; gives how many.

    Never in restored books: what their rows have lost may still be found by its file.
    """
    with runtime.read() as session:
        if restore.is_held(session):
            return 0
    gone = 0
    old = runtime.files.older_than(runtime.now() - UNNAMED_FOR)
    for names in _in_batches(old):
        with runtime.read() as session:
            unnamed = reads.unnamed(session, names)
        for name in unnamed:
            runtime.files.delete(name)
            gone += 1
    if gone:
        _log.info("attachments.swept", count=gone)
    return gone


def _in_batches(names: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for name in names:
        batch.append(name)
        if len(batch) == _AT_A_TIME:
            yield batch
            batch = []
    if batch:
        yield batch


def _wrong(where: Whereabouts, body: bytes | None) -> str:
    if body is None:
        return "is not where it was kept"
    if hashlib.sha256(body).hexdigest() != where.sha256:
        return "is not what was kept: its SHA-256 is another"
    return ""
