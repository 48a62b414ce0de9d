"""Mail that goes out: what was written to whom, once for each reason."""

import sqlalchemy as sa
from sqlmodel import Field

from reconciler.books.mail import MessageKind, MessageState
from reconciler.store import base
from reconciler.store.base import SQLModel, datetime


class Message(SQLModel, table=True):
    """One mail. `once` says why it was written: a second clock with that reason writes nothing.

    A reminder has its words from the last look on, right before it leaves. `name` is what its
    Message-ID is made of: the same at every sending. `unknowns` counts sendings whose answer was
    lost.
    """

    __tablename__ = "message"
    __table_args__ = (
        base.one_of("message_kind_is_known", "kind", MessageKind),
        base.one_of("message_state_is_known", "state", MessageState),
        base.holds("a_message_that_left_has_words", "state <> 'sent' or body_text <> ''"),
        base.holds("a_message_waits_for_an_instant", "state <> 'waiting' or due_at is not null"),
        base.holds(
            "a_claimed_message_has_a_lease",
            "(state = 'claimed') = (lease_until is not null)",
        ),
        sa.Index(
            "ix_message_due",
            "due_at",
            "id",
            postgresql_where=sa.text("state in ('waiting', 'claimed')"),
        ),
        sa.Index("ix_message_failed", "created_at", postgresql_where=sa.text("state = 'failed'")),
        sa.Index("ix_message_created", "created_at", "id"),
        sa.Index("ix_message_about", "about", "kind"),
    )

    id: str = base.key()
    kind: str = base.text()
    state: str = base.text()
    once: str = base.text(unique=True)
    name: str = base.text(unique=True)
    customer_id: str | None = base.reference("customer.id", nullable=True)
    about: str = base.text()  # the invoice, payment or refund it speaks of
    step: int | None = Field(default=None, sa_type=sa.BigInteger, nullable=True)
    recipient: str = base.text()
    recipient_name: str = base.text()
    subject: str = base.text()
    body_text: str = base.text()
    body_html: str = base.text()
    due_at: datetime | None = base.instant_or_none()
    lease_until: datetime | None = base.instant_or_none()
    tries: int = base.whole()
    unknowns: int = base.whole()
    why: str | None = base.text_or_none()  # why it waits, failed or was dropped
    carried_by: str | None = base.text_or_none()  # the mail server, or the file it was written to
    cause_kind: str = base.text()
    cause_id: str = base.text()
    created_at: datetime = base.instant()
    sent_at: datetime | None = base.instant_or_none()
    rev: int = base.whole(default=1)
