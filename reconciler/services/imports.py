"""Customers, documents, and what was paid on them, from a file: all of its rows, or none.

The rows go through the same readers as everywhere, and are judged and written by statements on all
of them at once, so that a hundred thousand are one transaction and little memory; only money goes
through the services that book it for people. What would happen is seen by doing it and taking it
back.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field

import msgspec
from sqlmodel import col, select

from reconciler.books import audit as rules
from reconciler.books.import_kinds import ImportKind, Taken
from reconciler.errors import Refused
from reconciler.ids import new_id
from reconciler.services import audit, import_files, import_lines, import_money
from reconciler.services.import_files import BadRow, Source
from reconciler.services.import_money import RowRefused
from reconciler.store import import_rows as store
from reconciler.store.imports import ImportFile
from reconciler.work import Task, Work

BAD_MAX = 200  # as many as are named
SHOWN_MAX = 20
NAME_CHARS_MAX = 200
_PIECE_BYTES = 1 << 20
_PREFIXES = {
    ImportKind.CUSTOMER: "cust",
    ImportKind.PROJECT: "prj",
    ImportKind.INVOICE: "inv",
    ImportKind.INVOICE_LINE: "lin",
    ImportKind.DEPOSIT: "dep",
    ImportKind.RECEIPT: "pay",
    ImportKind.APPLICATION: "app",
    ImportKind.VENDOR: "ven",
    ImportKind.BILL: "bill",
    ImportKind.BILL_LINE: "lin",
    ImportKind.BILL_PAYMENT: "bpy",
}
_OWED = ("sent", "open")  # what is booked at once


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is new or changed, by the line that it stands on."""

    line: int
    kind: str
    name: str
    status: str


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of a file, or would. `counts` are rows by kind and status.

    Nothing is taken over where `refused` is not zero; `bad` names the first rows of those.
    `import_id` is None where nothing was written.
    """

    file_name: str
    digest: str
    import_id: str | None = None
    imported_before: bool = False
    refused: int = 0
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    bad: list[BadRow] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    def total(self, status: str) -> int:
        """How many rows came out so, of all kinds."""
        return sum(found.get(status, 0) for found in self.counts.values())


class NotTaken(Refused):
    """Rows were refused, so nothing was taken over."""

    def __init__(self, outcome: Outcome) -> None:
        first = outcome.bad[0]
        super().__init__(
            f"{outcome.refused} rows are refused, nothing was taken over; line {first.line}: "
            f"{first.field}: {first.why}",
            field="file",
        )
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Given:
    """A file for import. `kind` is what its rows are, where no column says it."""

    file: Source
    file_name: str
    kind: ImportKind | None = None


def look(work: Work, given: Given) -> Outcome:
    """What a file would change. To be rolled back: it is done by doing it. Raises Invalid."""
    outcome = _judged(work, given)
    if not outcome.refused:
        _try(work, outcome)
    return outcome


def take(work: Work, given: Given) -> Outcome:
    """Take a file over. Raises NotTaken where any row is refused, Invalid for what is no table."""
    outcome = _judged(work, given)
    if outcome.refused:
        raise NotTaken(outcome)
    work.has_only_looked = True
    if outcome.total("new") or outcome.total("changed"):
        _try(work, outcome)
        if outcome.refused:
            raise NotTaken(outcome)
        outcome.import_id = _note(work, outcome)
        work.nudge(Task.FIND_PAYMENTS)
    return outcome


def take_again(work: Work, import_id: str, then: Mapping[str, Mapping[str, int]]) -> None:
    """Take over what an import took over, from the rows that were kept of it.

    `then`: how many rows came out how, by kind. Raises Refused where they come out otherwise now.
    """
    store.make_room(work.session)
    store.put_kept(work.session, import_id)
    counts = _counted(work)
    other = store.judged_otherwise(work.session)
    if other is not None:
        why = f" ({other.why})" if other.now == "refused" else ""
        raise Refused(f"row {other.place} would be {other.now}{why}, and was {other.then}")
    new = {kind: found["new"] for kind, found in then.items() if found.get("new")}
    kept = {kind: found["new"] for kind, found in counts.items() if found.get("new")}
    if kept != new:
        raise Refused(f"of its new rows {new} there are {kept}")
    _take(work)
    work.nudge(Task.FIND_PAYMENTS)


def _counted(work: Work) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    store.find(work.session)
    import_lines.price(work)
    for row in store.judge(work.session, {"now": work.now}):
        counts.setdefault(row.kind, {})[row.status] = row.rows
    return counts


def _judged(work: Work, given: Given) -> Outcome:
    store.make_room(work.session)
    digest = _digest(given.file)
    outcome = Outcome(file_name=given.file_name[:NAME_CHARS_MAX] or "file", digest=digest)
    store.put(work.session, _staged(given, outcome))
    outcome.counts = _counted(work)
    outcome.refused += outcome.total("refused")
    if len(outcome.bad) < BAD_MAX:
        found = store.refusals(work.session, BAD_MAX - len(outcome.bad))
        outcome.bad += [BadRow(row.line, row.field, row.why) for row in found]
        outcome.bad.sort(key=lambda bad: bad.line)
    outcome.changes = [Change(**row._asdict()) for row in store.some(work.session, SHOWN_MAX)]
    before = select(ImportFile.id).where(col(ImportFile.digest) == digest).limit(1)
    outcome.imported_before = work.session.exec(before).first() is not None
    return outcome


def _staged(given: Given, outcome: Outcome) -> Iterator[tuple[object, ...]]:
    for row in import_files.rows(given.file, given.kind):
        if isinstance(row, BadRow):
            outcome.refused += 1
            if len(outcome.bad) < BAD_MAX:
                outcome.bad.append(row)
            continue
        line, taken = row
        yield _row(line, taken)


def _row(line: int, taken: Taken) -> tuple[object, ...]:
    said = asdict(taken) | {
        "line": line,
        "id": new_id(_PREFIXES[taken.kind]),
        "entry_id": new_id("je") if taken.state in _OWED else None,
        "more": msgspec.json.encode(taken.more).decode() if taken.more else None,
    }
    return tuple(said[name] for name in store.COLUMNS)


def _try(work: Work, outcome: Outcome) -> None:
    """Take all of it; what a service refuses after all is named, and the rest to be rolled back."""
    try:
        _take(work)
    except RowRefused as error:
        outcome.refused += 1
        outcome.bad.append(BadRow(error.line, error.field or "", str(error)))


def _take(work: Work) -> None:
    cause = {"cause_kind": work.cause.kind, "cause_id": work.cause.id}
    store.take(work.session, cause | {"now": work.now})
    import_money.take(work)


def _note(work: Work, outcome: Outcome) -> str:
    made = ImportFile(
        id=new_id("imp"),
        file_name=outcome.file_name,
        digest=outcome.digest,
        new_count=outcome.total("new"),
        changed_count=outcome.total("changed"),
        unchanged_count=outcome.total("unchanged"),
        cause_kind=work.cause.kind,
        cause_id=work.cause.id,
        at=work.now,
    )
    work.session.add(made)
    work.session.flush()
    store.keep(work.session, made.id)
    after = {"file": made.file_name, "sha256": made.digest, "rows": outcome.counts}
    audit.note(work, rules.IMPORTED, made.id, after=after)
    return made.id


def _digest(file: Source) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(_PIECE_BYTES):
        digest.update(piece)
    file.seek(0)
    return digest.hexdigest()
