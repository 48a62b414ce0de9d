"""Links to the client's page: a token's hash, what it shows, and until when."""

import sqlalchemy as sa

from reconciler.books.portal import Scope
from reconciler.store import base
from reconciler.store.base import SQLModel, datetime


class PortalLink(SQLModel, table=True):
    """Whoever carries the token sees `subject_id`, and nothing else, until it ends."""

    __tablename__ = "portal_link"
    __table_args__ = (
        base.one_of("portal_link_scope_is_known", "scope", Scope),
        base.holds("portal_link_lives_for_a_while", "expires_at > created_at"),
        sa.Index("ix_portal_link_customer", "customer_id", "created_at", "id"),
        sa.Index(
            "ix_portal_link_mail", "cause_id", postgresql_where=sa.text("cause_kind = 'message'")
        ),
    )

    id: str = base.key()
    token_hash: str = base.text(unique=True)
    scope: str = base.text()
    subject_id: str = base.text()
    customer_id: str = base.reference("customer.id", index=False)
    cause_kind: str = base.text()
    cause_id: str = base.text()
    created_at: datetime = base.instant()
    expires_at: datetime = base.instant()
    revoked_at: datetime | None = base.instant_or_none()
    last_seen_at: datetime | None = base.instant_or_none()
