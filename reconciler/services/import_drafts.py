"""Files handed over on a screen: looked at by a worker, and taken over when a person says so.

A draft says what is to be done with it, and a worker finds it there. While one is at it, it holds a
lock that ends with its transaction; what it has done is written by that very transaction.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from reconciler.books.import_kinds import DraftState, ImportKind
from reconciler.errors import Conflict, NotFound, Refused
from reconciler.ids import new_id
from reconciler.services import audit
from reconciler.services.imports import NAME_CHARS_MAX, Outcome
from reconciler.store.imports import ImportDraft
from reconciler.work import Task, Work

TRIES_MAX = 3  # a worker that dies of a file leaves no other trace
_DUE = (DraftState.LOOKING.value, DraftState.TAKING.value)
_LOCK = sa.text("select pg_try_advisory_xact_lock(hashtextextended(:id, 2))")
_READ = sa.text("update import_draft set bytes_read = :bytes where id = :id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """A file whose bytes are kept already, under the name `stored_as`."""

    file_name: str
    kind: ImportKind | None
    stored_as: str
    digest: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Due:
    """A draft that a worker has to do something about, in the name of a person."""

    id: str
    state: DraftState
    file_name: str
    kind: ImportKind | None
    stored_as: str
    person_id: str


def add(work: Work, handed: Handed) -> str:
    """Have a file looked at; gives the draft's id."""
    assert work.cause.kind == "person", "a screen has somebody in front of it"
    row = ImportDraft(
        id=new_id("imd"),
        file_name=handed.file_name[:NAME_CHARS_MAX] or "file",
        kind=handed.kind.value if handed.kind else None,
        digest=handed.digest,
        stored_as=handed.stored_as,
        person_id=work.cause.id,
        state=DraftState.LOOKING.value,
        bytes=handed.bytes,
        created_at=work.now,
        changed_at=work.now,
    )
    work.session.add(row)
    work.session.flush()
    said = {"file": row.file_name, "sha256": row.digest, "kind": row.kind}
    audit.note(work, "import.begun", row.id, after=said)
    work.nudge(Task.IMPORT_FILES)
    return row.id


def ask(work: Work, draft_id: str, *, rev: int) -> None:
    """Have it taken over as it was looked at. Raises NotFound, Conflict, Refused."""
    row = _changeable(work, draft_id, rev)
    if row.state != DraftState.LOOKED:
        raise Conflict("this file cannot be taken over as it stands")
    if row.outcome.get("refused"):
        raise Refused("rows are refused: mend the file and hand it over again", field="file")
    row.person_id = work.cause.id
    audit.note(work, "import.asked", row.id, after={"file": row.file_name})
    _put(work, row, DraftState.TAKING)
    work.nudge(Task.IMPORT_FILES)


def drop(work: Work, draft_id: str, *, rev: int) -> None:
    """Nothing is taken over from it. Raises NotFound, Conflict if it is under way or over."""
    row = _changeable(work, draft_id, rev)
    if row.state not in (DraftState.LOOKED, DraftState.FAILED):
        raise Conflict("this file is under way, or taken over already")
    audit.note(work, "import.dropped", row.id, before={"file": row.file_name})
    _put(work, row, DraftState.DROPPED)


def due(session: Session) -> list[Due]:
    """What has to be done, the oldest first."""
    found = session.exec(
        select(ImportDraft)
        .where(col(ImportDraft.state).in_(_DUE))
        .order_by(col(ImportDraft.created_at), col(ImportDraft.id))
        .limit(20)
    )
    return [_due(row) for row in found]


def count_try(work: Work, due: Due) -> bool:
    """Count a try; False where there were enough, which is said and ends it."""
    row = _locked(work, due.id)
    if row is None or row.state != due.state:
        return False
    row.tries, row.bytes_read = row.tries + 1, 0
    if row.tries <= TRIES_MAX:
        work.session.add(row)
        work.session.flush()
        return True
    row.why = "it broke off three times; somebody has to look into the log of the workers"
    _put(work, row, DraftState.FAILED)
    return False


def is_mine(work: Work, due: Due) -> bool:
    """Whether this transaction may do it: nobody else is at it, and it is still to be done."""
    if not work.session.scalar(_LOCK, {"id": due.id}):
        return False
    state = select(ImportDraft.state).where(ImportDraft.id == due.id)
    return work.session.exec(state).first() == due.state.value


def has_read(work: Work, draft_id: str, *, to: int) -> None:
    """How far the turn under way has come, in bytes."""
    work.session.execute(_READ, {"id": draft_id, "bytes": to})


def looked(work: Work, due: Due, outcome: Outcome) -> None:
    """What taking it over would change, or why it cannot be."""
    _end(work, due, DraftState.LOOKED, outcome=_said(outcome))


def taken(work: Work, due: Due, outcome: Outcome) -> None:
    """It is taken over. In the transaction that does it."""
    row = _end(work, due, DraftState.TAKEN, outcome=_said(outcome))
    if row is not None:
        row.import_id = outcome.import_id
        work.session.flush()


def failed(work: Work, due: Due, why: str) -> None:
    """It is no file that can be read, and why."""
    row = _end(work, due, DraftState.FAILED, outcome={})
    if row is not None:
        row.why = why
        work.session.flush()


def _end(
    work: Work, due: Due, state: DraftState, *, outcome: Mapping[str, Any]
) -> ImportDraft | None:
    row = _locked(work, due.id)
    if row is None or row.state != due.state:
        return None
    row.outcome, row.tries = dict(outcome), 0
    _put(work, row, state)
    return row


def _said(outcome: Outcome) -> dict[str, Any]:
    return asdict(outcome)


def _changeable(work: Work, draft_id: str, rev: int) -> ImportDraft:
    row = _locked(work, draft_id)
    if row is None:
        raise NotFound(f"there is no import {draft_id}")
    if row.rev != rev:
        raise Conflict("this import was changed meanwhile", field="rev")
    return row


def _locked(work: Work, draft_id: str) -> ImportDraft | None:
    return work.session.get(ImportDraft, draft_id, with_for_update=True, populate_existing=True)


def _put(work: Work, row: ImportDraft, state: DraftState) -> None:
    row.state, row.changed_at = state.value, work.now
    row.rev += 1
    work.session.add(row)
    work.session.flush()


def _due(row: ImportDraft) -> Due:
    kind = ImportKind(row.kind) if row.kind else None
    state = DraftState(row.state)
    return Due(row.id, state, row.file_name, kind, row.stored_as, row.person_id)
