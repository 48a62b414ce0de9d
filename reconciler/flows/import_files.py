"""Files handed over on a screen: looked at, and taken over, one after the other.

Looking is done by doing it and taking it back; what was seen is then written down. Taking over and
the word that it was done are one transaction.
"""

import hashlib
import io
from collections.abc import Callable

from typing_extensions import override

from reconciler.books.import_kinds import DraftState, ImportKind
from reconciler.errors import Invalid, TooLarge, Unavailable
from reconciler.failpoints import failpoint
from reconciler.ids import new_id
from reconciler.runtime import Runtime
from reconciler.services import import_drafts, imports
from reconciler.services.import_drafts import Due, Handed
from reconciler.services.imports import Given, NotTaken, Outcome
from reconciler.work import Cause, Work

FILE_BYTES_MAX = 10 << 20
_TOLD_EVERY = 256 << 10  # bytes; more often would cost more than the rows
_CAUSE = Cause("job", "import_files")


def keep(runtime: Runtime, body: bytes, *, file_name: str, kind: ImportKind | None) -> Handed:
    """Keep the bytes of a file before its row. Raises Invalid, TooLarge, Unavailable.

    Nothing names them longer than they are needed: like every file without a row of an attachment
    they are swept up after a week.
    """
    if not body.strip():
        raise Invalid("the file is empty", field="file")
    if len(body) > FILE_BYTES_MAX:
        raise TooLarge(
            f"a file has at most {FILE_BYTES_MAX >> 20} MiB here; the command takes more"
        )
    name = new_id("file")
    runtime.files.put(name, body)
    digest = hashlib.sha256(body).hexdigest()
    return Handed(file_name=file_name, kind=kind, stored_as=name, digest=digest, bytes=len(body))


def import_files(runtime: Runtime) -> int:
    """Do what is to be done; gives with how many files something was done."""
    with runtime.read() as session:
        found = import_drafts.due(session)
    return sum(_one(runtime, due) for due in found)


def _one(runtime: Runtime, due: Due) -> bool:
    if not runtime.do(_CAUSE, lambda work: import_drafts.count_try(work, due)):
        return False
    body = runtime.files.get(due.stored_as)
    if body is None:
        return _fail(runtime, due, "the file is kept no longer: hand it over again")
    try:
        return (
            _take(runtime, due, body)
            if due.state is DraftState.TAKING
            else _look(runtime, due, body)
        )
    except NotTaken as refusal:
        outcome = refusal.outcome
        runtime.do(_CAUSE, lambda work: import_drafts.looked(work, due, outcome))
        return True
    except Unavailable:
        raise
    except Invalid as error:
        return _fail(runtime, due, str(error))


def _look(runtime: Runtime, due: Due, body: bytes) -> bool:
    cause = Cause("person", due.person_id)

    def step(work: Work) -> Outcome | None:
        if not import_drafts.is_mine(work, due):
            return None
        return imports.look(work, _given(runtime, due, body))

    outcome = runtime.rehearse(cause, step)
    if outcome is None:
        return False
    runtime.do(_CAUSE, lambda work: import_drafts.looked(work, due, outcome))
    return True


def _take(runtime: Runtime, due: Due, body: bytes) -> bool:
    def step(work: Work) -> bool:
        if not import_drafts.is_mine(work, due):
            return False
        outcome = imports.take(work, _given(runtime, due, body))
        import_drafts.taken(work, due, outcome)
        failpoint("import.before_commit")
        return True

    return runtime.do(Cause("person", due.person_id), step)


def _fail(runtime: Runtime, due: Due, why: str) -> bool:
    runtime.do(_CAUSE, lambda work: import_drafts.failed(work, due, why))
    return True


def _given(runtime: Runtime, due: Due, body: bytes) -> Given:
    def show(count: int) -> None:
        runtime.do(_CAUSE, lambda work: import_drafts.has_read(work, due.id, to=count))

    return Given(_Followed(body, show), due.file_name, due.kind)


class _Followed(io.BytesIO):
    """A file that says from time to time how far it was read."""

    def __init__(self, body: bytes, show: Callable[[int], None]) -> None:
        super().__init__(body)
        self._show, self._told = show, 0

    @override
    def readline(self, size: int | None = -1, /) -> bytes:
        """One line, at most so long."""
        line = super().readline(size)
        if self.tell() - self._told >= _TOLD_EVERY:
            self._told = self.tell()
            self._show(self._told)
        return line
