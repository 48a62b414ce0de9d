"""Consent in the books: given to a refund's terms as they stand, taken back when they change.

What is sent is compared with what was approved before every sending, here and by the database.
"""

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.consent import Part, Terms
from reconciler.services.refund_legs import Whole
from reconciler.store.refunds import Refund
from reconciler.work import Work

_IS_AS_APPROVED = sa.text(
    "select coalesce(approved_terms = refund_terms(id), false) from refund where id = :id"
)
_WAS_SENT = sa.text("select refund_was_sent(:id)")


def give(work: Work, whole: Whole, *, by: str | None) -> None:
    """Approve these terms and no others. `by` None: the house's limits let them go."""
    refund = whole.refund
    refund.approved_by = by or refund.approved_by
    refund.approved_at = work.now
    refund.approved_terms = _terms(whole).digest()
    work.session.add(refund)
    work.session.flush()


def holds(whole: Whole) -> bool:
    """Whether what the refund asks for now is what was approved."""
    return whole.refund.approved_terms == _terms(whole).digest()


def is_as_approved(session: Session, refund_id: str) -> bool:
    """The same as the database sees it at this moment."""
    return bool(session.execute(_IS_AS_APPROVED, {"id": refund_id}).scalar())


def was_sent(session: Session, refund_id: str) -> bool:
    """Whether bytes of any of its legs, the replaced ones too, may have left for a rail."""
    return bool(session.execute(_WAS_SENT, {"id": refund_id}).scalar())


def authors(refund: Refund) -> frozenset[str]:
    """Who asked for it or changed it: none of them can be the second person."""
    return frozenset({refund.requested_by, *refund.edited_by})


def _terms(whole: Whole) -> Terms:
    refund = whole.refund
    return Terms(
        refund_id=refund.id,
        asked_of=refund.payment_id or refund.invoice_id or refund.deposit_id or "",
        amount=refund.amount,
        currency=refund.currency,
        treatment=refund.treatment,
        reason=refund.reason,
        parts=tuple(Part(leg.payment_id, leg.target_id, leg.amount) for leg in whole.live),
        method=refund.method,
    )
