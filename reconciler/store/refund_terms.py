"""The terms of refunds and losses as they stand: as asked for here, and as people decided."""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlmodel import Field, Session

from reconciler.books import disputes
from reconciler.books.allocations import Take, Treatment
from reconciler.books.observations import PaymentFacts
from reconciler.books.refund_terms import Terms
from reconciler.store import base, dispute_rows
from reconciler.store.base import SQLModel, datetime


class RefundDecision(SQLModel, table=True):
    """One part of what a person decided about a refund that was made outside.

    All open rows of one refund are the decision. It is never changed: it is closed, and another
    is made.
    """

    __tablename__ = "refund_decision"
    __table_args__ = (
        base.holds("decided_amount_is_positive", "amount > 0"),
        base.holds("decided_treatment_is_known", "treatment in ('credit', 'reopen')"),
        sa.Index(
            "uq_refund_decision_open",
            "payment_id",
            "rail_refund_id",
            "place",
            unique=True,
            postgresql_where=sa.text("closed_at is null"),
        ),
    )

    id: str = base.key()
    payment_id: str = base.reference("payment.id")
    rail_refund_id: str = base.text()
    review_item_id: str | None = base.reference("review_item.id", nullable=True)
    place: int = base.whole()
    target_id: str | None = base.text_or_none()  # an invoice or deposit; none: as the rule has it
    amount: int = Field(sa_type=sa.BigInteger, nullable=False)
    treatment: str = base.text()
    cause_kind: str = base.text()
    cause_id: str = base.text()
    created_at: datetime = base.instant()
    closed_at: datetime | None = base.instant_or_none()
    closed_by: str | None = base.text_or_none()


_ASKED = sa.text(
    """select l.reference, r.treatment, coalesce(l.target_id, r.invoice_id, r.deposit_id) as target
    from refund_leg l join refund r on r.id = l.refund_id where l.reference = any(:references)"""
)
_DECIDED = sa.text(
    """select rail_refund_id, amount, treatment, target_id from refund_decision
    where payment_id = any(:payments) and closed_at is null order by rail_refund_id, place"""
)


def of(session: Session, payments: Mapping[str, PaymentFacts]) -> Terms:
    """The terms of all refunds and losses of these payments, which are given by our ids."""
    with_refunds = [one for one, facts in payments.items() if facts.refunds]
    refunds = [refund for one in with_refunds for refund in payments[one].refunds.values()]
    return Terms(
        _asked(session, [refund.reference for refund in refunds if refund.reference]),
        _decided(session, with_refunds),
        _losses(session, [one for one, facts in payments.items() if disputes.taken(facts)]),
    )


def _asked(session: Session, references: list[str]) -> dict[str, tuple[Treatment, str | None]]:
    if not references:
        return {}
    rows = session.execute(_ASKED, {"references": references})
    return {row.reference: (Treatment(row.treatment), row.target) for row in rows}


def _losses(session: Session, payments: list[str]) -> dict[str, Treatment]:
    if not payments:
        return {}
    decided = dispute_rows.decisions(session, payments)
    return {dispute: disputes.treatment(said) for (_, dispute), said in decided.items()}


def _decided(session: Session, payments: list[str]) -> dict[str, list[Take]]:
    if not payments:
        return {}
    found: dict[str, list[Take]] = {}
    for row in session.execute(_DECIDED, {"payments": payments}):
        part = Take(row.amount, Treatment(row.treatment), row.target_id)
        found.setdefault(row.rail_refund_id, []).append(part)
    return found
