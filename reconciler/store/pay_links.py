"""Checkouts that were made for invoices and deposits, each under a key of its own."""

import sqlalchemy as sa

from reconciler.books.pay_links import PayLinkState
from reconciler.store import base
from reconciler.store.base import SQLModel, datetime


class PayLink(SQLModel, table=True):
    """A page of the rail on which `amount` can be paid; made before the rail is asked for it.

    `object_id` is the rail's, once it is known; the rail is asked again under the same `key`.
    """

    __tablename__ = "pay_link"
    __table_args__ = (
        base.holds("a_pay_link_has_one_target", "num_nonnulls(invoice_id, deposit_id) = 1"),
        base.holds("pay_link_amount_is_positive", "amount > 0"),
        base.one_of("pay_link_state_is_known", "state", PayLinkState),
        base.holds(
            "an_open_pay_link_leads_somewhere",
            "state <> 'open' or (object_id is not null and url is not null)",
        ),
        sa.Index(
            "uq_pay_link_one_live",
            sa.text("coalesce(invoice_id, deposit_id)"),
            unique=True,
            postgresql_where=sa.text("state in ('planned', 'open')"),
        ),
        sa.Index("ix_pay_link_unended", "id", postgresql_where=sa.text("state <> 'closed'")),
    )

    id: str = base.key()
    rail: str = base.text()
    invoice_id: str | None = base.reference("invoice.id", nullable=True)
    deposit_id: str | None = base.reference("deposit.id", nullable=True)
    amount: int = base.minor_units()
    currency: str = base.text()
    state: str = base.text()
    key: str = base.text(unique=True)
    object_id: str | None = base.text_or_none()
    url: str | None = base.text_or_none()
    portal_link_id: str | None = base.reference("portal_link.id", nullable=True)
    why: str | None = base.text_or_none()
    cause_kind: str = base.text()
    cause_id: str = base.text()
    created_at: datetime = base.instant()
    expires_at: datetime = base.instant()
    closed_at: datetime | None = base.instant_or_none()
