"""Links to the client's page: 256 bits shown once, kept as a hash, found by it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import col

from reconciler.books.portal import Scope
from reconciler.errors import Invalid, NotFound
from reconciler.ids import new_id, new_token
from reconciler.services import audit, mail
from reconciler.store.messages import Message
from reconciler.store.portal import PortalLink
from reconciler.work import Cause, Work

DAYS_DEFAULT = 30
DAYS_MAX = 366
DAYS_OF_MAIL = 60  # a mail is looked up again long after it came
OF_MAIL = "message"
_CHARS_MAX = 100
_TOUCH_EVERY = timedelta(minutes=1)
_OWNERS = {
    Scope.CUSTOMER: sa.text("select id from customer where id = :id"),
    Scope.PROJECT: sa.text("select customer_id from project where id = :id"),
    Scope.PROPOSAL: sa.text("select customer_id from proposal where id = :id"),
}
_MADE_OF_IT = sa.text("select project_id from proposal where id = :id")


@dataclass(frozen=True, slots=True)
class Link:
    """What a token opens. `is_over`: it was right once, and has ended or was revoked.

    `project_id` is the one project that it shows; of a proposal, that which was made of it.
    """

    id: str
    scope: Scope
    subject_id: str
    customer_id: str
    project_id: str | None
    expires_at: datetime
    is_over: bool


def create(
    work: Work,
    *,
    scope: Scope,
    subject_id: str,
    days: int = DAYS_DEFAULT,
    by: Cause | None = None,
    token_of: Callable[[str], str] | None = None,
) -> tuple[str, str]:
    """A new link: its id, and the token, which nobody can read again.

    `by` says for what it was made, if not for whoever does this; `token_of` gives the token by the
    link's id, if it is not to be chance. Raises NotFound, Invalid for days that are none.
    """
    if not 1 <= days <= DAYS_MAX:
        raise Invalid(f"a link lives from 1 to {DAYS_MAX} days", field="days")
    link_id, cause = new_id("ptl"), by or work.cause
    token = token_of(link_id) if token_of else new_token()
    row = PortalLink(
        id=link_id,
        token_hash=_hash(token),
        scope=scope.value,
        subject_id=subject_id,
        customer_id=_customer_of(work, scope, subject_id),
        cause_kind=cause.kind,
        cause_id=cause.id,
        created_at=work.now,
        expires_at=work.now + timedelta(days=days),
    )
    work.session.add(row)
    work.session.flush()
    after = {"scope": row.scope, "subject_id": subject_id, "expires_at": row.expires_at}
    audit.note(work, "portal_link.created", row.id, after=after)
    return row.id, token


def for_mail(work: Work, message: Message, scope: Scope, subject_id: str) -> str:
    """The token of the link that one sending of a mail carries; it is kept nowhere but there.

    Links of earlier sendings end, where these surely came to nothing.
    """
    if message.tries and mail.has_surely_not_left(message):
        earlier = sa.select(col(PortalLink.id)).where(
            col(PortalLink.cause_kind) == OF_MAIL,
            col(PortalLink.cause_id) == message.id,
            col(PortalLink.revoked_at).is_(None),
        )
        for link_id in work.session.scalars(earlier).all():
            revoke(work, link_id)
    by = Cause(OF_MAIL, message.id)
    return create(work, scope=scope, subject_id=subject_id, days=DAYS_OF_MAIL, by=by)[1]


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
    return Link(
        id=row.id,
        scope=Scope(row.scope),
        subject_id=row.subject_id,
        customer_id=row.customer_id,
        project_id=_project_of(work, row),
        expires_at=row.expires_at,
        is_over=is_over,
    )


def _project_of(work: Work, row: PortalLink) -> str | None:
    match Scope(row.scope):
        case Scope.CUSTOMER:
            return None
        case Scope.PROJECT:
            return row.subject_id
        case Scope.PROPOSAL:
            made: str | None = work.session.scalar(_MADE_OF_IT, {"id": row.subject_id})
            return made


def _customer_of(work: Work, scope: Scope, subject_id: str) -> str:
    owner = work.session.scalar(_OWNERS[scope], {"id": subject_id})
    if owner is None:
        raise NotFound(f"there is no {scope.value} {subject_id}")
    return str(owner)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
