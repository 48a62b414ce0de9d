"""Files for import as screens show them: what was found in each, and what became of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.errors import NotFound
from reconciler.reads.pages import Listing, Order, Page, Wanted, in_order


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRow:
    """A file that was handed over. `bytes_read` of `bytes` is how far the turn under way has come.

    `counts` are rows by kind and status; `bad` the first of those that are refused, with line,
    column and reason, `changes` some of what is new or changed.
    """

    id: str
    file_name: str
    kind: str | None
    state: str
    bytes: int
    bytes_read: int
    import_id: str | None
    imported_before: bool
    refused: int
    counts: dict[str, dict[str, int]]
    bad: list[dict[str, Any]]
    changes: list[dict[str, Any]]
    why: str | None
    by: str | None
    created_at: datetime
    changed_at: datetime
    rev: int

    @property
    def is_under_way(self) -> bool:
        """Whether a worker is at it, or will be."""
        return self.state in {"looking", "taking"}

    @property
    def would_change(self) -> int:
        """How many rows are new or changed."""
        return self.total("new") + self.total("changed")

    def total(self, status: str) -> int:
        """How many rows came out so, of all kinds."""
        return sum(found.get(status, 0) for found in self.counts.values())


LISTING = Listing(
    source="import_draft d",
    order=Order(("d.created_at", "d.id"), ("timestamptz", "text")),
    conditions={},
)
_DRAFTS = sa.text(
    """select d.*, u.name as by from import_draft d left join user_account u on u.id = d.person_id
    where d.id = any(:ids)"""
)


def page(session: Session, wanted: Wanted) -> Page[DraftRow]:
    """Files that were handed over, the last one first."""
    ids, more = LISTING.keys(session, {}, wanted)
    return Page(in_order(ids, _load(session, ids)), more)


def one(session: Session, draft_id: str) -> DraftRow:
    """One of them. Raises NotFound."""
    found = _load(session, [draft_id]).get(draft_id)
    if found is None:
        raise NotFound(f"there is no import {draft_id[:80]}")
    return found


def _load(session: Session, ids: list[str]) -> dict[str, DraftRow]:
    return {row.id: _row(row) for row in session.execute(_DRAFTS, {"ids": ids})}


def _row(row: sa.Row[tuple[Any, ...]]) -> DraftRow:
    found: dict[str, Any] = row.outcome
    return DraftRow(
        id=row.id,
        file_name=row.file_name,
        kind=row.kind,
        state=row.state,
        bytes=row.bytes,
        bytes_read=row.bytes_read,
        import_id=row.import_id,
        imported_before=found.get("imported_before", False),
        refused=found.get("refused", 0),
        counts=found.get("counts", {}),
        bad=found.get("bad", []),
        changes=found.get("changes", []),
        why=row.why,
        by=row.by,
        created_at=row.created_at,
        changed_at=row.changed_at,
        rev=row.rev,
    )
