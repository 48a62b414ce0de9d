"""Links to the client's page as lists show them: everything but the token."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.portal import Scope
from reconciler.errors import NotFound
from reconciler.reads.pages import Listing, Order, Page, Wanted, in_order
from reconciler.work import Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalLinkRow:
    """A link to the client's page. `is_open`: it still opens `subject_id`.

    `customer` and `project` are the names of what it shows; a proposal is named as its project.
    """

    id: str
    scope: Scope
    subject_id: str
    customer_id: str
    customer: str
    project: str | None
    is_open: bool
    created_at: datetime
    created_by: Cause
    expires_at: datetime
    revoked_at: datetime | None
    last_seen_at: datetime | None


LISTING = Listing(
    source="portal_link l",
    order=Order(("l.created_at", "l.id"), ("timestamptz", "text")),
    conditions={"customer_id": "l.customer_id = :customer_id", "scope": "l.scope = :scope"},
)
_LINKS = sa.text(
    """select l.*, c.name as customer, coalesce(p.name, o.name) as project from portal_link l
      join customer c on c.id = l.customer_id
      left join project p on l.scope = 'project' and p.id = l.subject_id
      left join proposal o on l.scope = 'proposal' and o.id = l.subject_id
    where l.id = any(:ids)"""
)


def page(
    session: Session, filters: dict[str, object], wanted: Wanted, *, now: datetime
) -> Page[PortalLinkRow]:
    """Links, the newest first."""
    ids, more = LISTING.keys(session, filters, wanted)
    return Page(in_order(ids, _load(session, ids, now)), more)


def one(session: Session, link_id: str, *, now: datetime) -> PortalLinkRow:
    """One link. Raises NotFound."""
    found = _load(session, [link_id], now)
    if not found:
        raise NotFound(f"there is no link {link_id}")
    return found[link_id]


def _load(session: Session, ids: list[str], now: datetime) -> dict[str, PortalLinkRow]:
    same = (
        "id", "subject_id", "customer_id", "customer", "project", "created_at",
        "expires_at", "revoked_at", "last_seen_at",
    )  # fmt: skip
    return {
        row.id: PortalLinkRow(
            **{name: getattr(row, name) for name in same},
            scope=Scope(row.scope),
            is_open=row.revoked_at is None and row.expires_at > now,
            created_by=Cause(row.cause_kind, row.cause_id),
        )
        for row in session.execute(_LINKS, {"ids": ids})
    }
