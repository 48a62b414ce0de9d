"""What people, programs and commands did, the last first, and whether that is still as written."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.audit import Seal, breaks
from reconciler.errors import NotFound
from reconciler.reads.pages import Listing, Order, Page, Wanted, in_order
from reconciler.store import audit as store
from reconciler.work import Cause

ABOUT_MAX = 100  # lines of one history: the rest is on the page of the trail
CHECKED_MAX = 1_000  # lines that a page checks while somebody waits; `verify` checks all


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One thing that was done. `before`, `after` and `why` are empty once they were erased.

    `name` is what the person or key of `cause` is called today; `hash` seals the line over the
    one before it.
    """

    id: str
    at: datetime
    cause: Cause
    name: str | None
    action: str
    subject: str
    before: dict[str, Any]
    after: dict[str, Any]
    why: str | None
    request_id: str | None
    is_erased: bool
    hash: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check of the newest lines found. `total` is how many there are in all."""

    head: Seal
    lines: int
    broken: list[str]

    @property
    def is_all(self) -> bool:
        """Whether every line there is was checked."""
        return self.lines == self.head.seq


LISTING = Listing(
    source="audit_line l",
    order=Order(("l.seq",), ("bigint",)),
    conditions={
        "cause_kind": "l.cause_kind = :cause_kind",
        "cause_id": "l.cause_id = :cause_id",
        "action": "l.action = :action",
        "subject": "l.subject = :subject",
        "since": "l.at >= :since",
        "until": "l.at < :until",
    },
)
_ROWS = sa.text(
    """select l.*, w.body, coalesce(u.name, k.name) as name from audit_line l
    left join audit_words w on w.seq = l.seq
    left join user_account u on l.cause_kind = 'person' and u.id = l.cause_id
    left join api_key k on l.cause_kind = 'api_key' and k.id = l.cause_id
    where l.seq = any(:seqs)"""
)
_ABOUT = sa.text(
    """select seq from audit_line where subject = any(:subjects) and action = any(:actions)
    order by seq desc limit :limit"""
)
_NOTHING: dict[str, Any] = {"before": {}, "after": {}, "why": None}
_SEQ_DIGITS_MAX = 18


def page(session: Session, filters: Mapping[str, object], wanted: Wanted) -> Page[AuditRow]:
    """Lines, the last first."""
    ids, more = LISTING.keys(session, filters, wanted)
    return Page(in_order(ids, _load(session, ids)), more)


def about(session: Session, subjects: Collection[str], actions: Collection[str]) -> list[AuditRow]:
    """What of this was done to these subjects, the first first; the last so many of them."""
    given = {"subjects": list(subjects), "actions": list(actions), "limit": ABOUT_MAX}
    ids = [str(seq) for seq in session.scalars(_ABOUT, given)]
    return sorted(_load(session, ids).values(), key=lambda line: int(line.id))


def one(session: Session, line_id: str) -> AuditRow:
    """One line. Raises NotFound."""
    is_number = line_id.isascii() and line_id.isdigit() and len(line_id) <= _SEQ_DIGITS_MAX
    found = _load(session, [line_id]) if is_number else {}
    if line_id not in found:
        raise NotFound(f"there is no audit line {line_id}")
    return found[line_id]


def head(session: Session) -> Seal:
    """The last line's number and hash. Kept elsewhere, it shows later that nothing was changed."""
    return store.head(session)


def checked(session: Session, lines_max: int = CHECKED_MAX) -> Checked:
    """Whether the newest lines are as they were written."""
    last = store.head(session)
    after = max(0, last.seq - lines_max)
    before = store.seal_of(session, after)
    if before is None:
        return Checked(last, 0, [f"line {after} missing"])
    return Checked(last, last.seq - after, list(breaks(store.kept(session, after), before)))


def _load(session: Session, ids: Collection[str]) -> dict[str, AuditRow]:
    rows = session.execute(_ROWS, {"seqs": [int(line_id) for line_id in ids]})
    return {str(row.seq): _row(row) for row in rows}


def _row(row: sa.Row[tuple[object, ...]]) -> AuditRow:
    said = msgspec.json.decode(row.body) if row.body else _NOTHING
    return AuditRow(
        id=str(row.seq),
        at=row.at,
        cause=Cause(row.cause_kind, row.cause_id),
        name=row.name,
        action=row.action,
        subject=row.subject,
        before=said["before"],
        after=said["after"],
        why=said["why"],
        request_id=row.request_id,
        is_erased=row.body is None,
        hash=row.hash,
    )
