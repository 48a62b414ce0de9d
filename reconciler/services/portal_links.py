"""Links to the client's page: 256 bits shown once, kept as a hash, found by it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import col

from reconciler.books.portal import Scope
from reconciler.errors import Invalid, NotFound
from reconciler.ids import new_id, new_token
from reconciler.services import audit
from reconciler.store.portal import PortalLink
from reconciler.work import Work

DAYS_DEFAULT = 30
DAYS_MAX = 366
_CHARS_MAX = 100
_TOUCH_EVERY = timedelta(minutes=1)
_OWNERS = {
    Scope.CUSTOMER: sa.text("select id from customer where id = :id"),
    Scope.PROJECT: sa.text("select customer_id from project where id = :id"),
}


@dataclass(frozen=True, slots=True)
class Link:
    """What a token opens. `is_over`: it was right once, and has ended or was revoked."""

    id: str
    scope: Scope
    subject_id: str
    customer_id: str
    expires_at: datetime
    is_over: bool


def create(
    work: Work, *, scope: Scope, subject_id: str, days: int = DAYS_DEFAULT
) -> tuple[str, str]:
    """A new link: its id, and the token, which nobody can read again.

    Raises NotFound, Invalid for days that are none.
    """
    if not 1 <= days <= DAYS_MAX:
        raise Invalid(f"a link lives from 1 to {DAYS_MAX} days", field="days")
    token = new_token()
    row = PortalLink(
        id=new_id("ptl"),
        token_hash=_hash(token),
        scope=scope.value,
        subject_id=subject_id,
        customer_id=_customer_of(work, scope, subject_id),
        cause_kind=work.cause.kind,
        cause_id=work.cause.id,
        created_at=work.now,
        expires_at=work.now + timedelta(days=days),
    )
    work.session.add(row)
    work.session.flush()
    after = {"scope": row.scope, "subject_id": subject_id, "expires_at": row.expires_at}
    audit.note(work, "portal_link.created", row.id, after=after)
    return row.id, token


def revoke(work: Work, link_id: str) -> str:
    """From here on it opens nothing; gives its customer. Twice is once. Raises NotFound."""
    row = work.session.get(PortalLink, link_id, with_for_update={"key_share": True})
    if row is None:
        raise NotFound(f"there is no link {link_id}")
    work.has_only_looked = row.revoked_at is not None
    if row.revoked_at is None:
        row.revoked_at = work.now
        audit.note(work, "portal_link.revoked", row.id, after={"revoked_at": work.now})
    work.session.flush()
    return row.customer_id


def link_of(work: Work, token: str, *, is_visit: bool) -> Link | None:
    """What this token opens; None if it never opened anything. A visit is remembered."""
    if not token or len(token) > _CHARS_MAX:
        return None
    found = sa.select(PortalLink).where(col(PortalLink.token_hash) == _hash(token))
    row = work.session.scalars(found).first()
    if row is None:
        return None
    is_over = row.revoked_at is not None or row.expires_at <= work.now
    seen = row.last_seen_at
    if is_visit and not is_over and (seen is None or seen < work.now - _TOUCH_EVERY):
        which = col(PortalLink.id) == row.id
        work.session.execute(sa.update(PortalLink).where(which).values(last_seen_at=work.now))
    return Link(row.id, Scope(row.scope), row.subject_id, row.customer_id, row.expires_at, is_over)


def _customer_of(work: Work, scope: Scope, subject_id: str) -> str:
    query = _OWNERS.get(scope)
    owner = work.session.scalar(query, {"id": subject_id}) if query is not None else None
    if owner is None:
        raise NotFound(f"there is no {scope.value} {subject_id}")
    return str(owner)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
