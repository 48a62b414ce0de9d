"""A leg as it may be looked for on the rail by somebody who will not send it."""

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import refunds
from reconciler.services.refund_sending import Lease, Turn
from reconciler.store import claims
from reconciler.store.refunds import Refund, RefundLeg

_FACTS = sa.text("select facts::text from payment where id = :id")


def as_it_stands(session: Session, leg: RefundLeg) -> Turn:
    """A leg without a lease: it can be looked for, and not be sent."""
    whole = session.get(Refund, leg.refund_id)
    facts = session.execute(_FACTS, {"id": leg.payment_id}).scalar_one()
    assert whole is not None, f"leg {leg.id} is of no refund"
    return Turn(
        lease=Lease(leg.id, leg.refund_id, leg.payment_id, token=""),
        facts=claims.decode_facts(facts),
        amount=leg.amount,
        currency=whole.currency,
        reason=whole.reason,
        reference=leg.reference,
        key=refunds.idempotency_key(leg.id, leg.generation),
        generation=leg.generation,
    )
