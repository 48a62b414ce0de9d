"""On what terms a refund takes money back: as it was asked for here, or as a stranger's.

A refund that we did not ask for (made in the rail's dashboard) lowers what is owed, so that
nobody is chased for money that was given back on purpose.
"""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.allocations import Treatment
from reconciler.books.observations import PaymentFacts, RefundFact

Terms = dict[str, tuple[Treatment, str | None]]  # our reference -> treatment, asked-for target

_TERMS = sa.text(
    """select l.reference, r.treatment, coalesce(l.target_id, r.invoice_id, r.deposit_id) as target
    from refund_leg l join refund r on r.id = l.refund_id where l.reference = any(:references)"""
)
_STRANGERS = (Treatment.CREDIT, None)


def of(session: Session, payments: Iterable[PaymentFacts]) -> Terms:
    """The terms of all refunds of these payments that carry a reference of ours."""
    references = [
        refund.reference
        for facts in payments
        for refund in facts.refunds.values()
        if refund.reference
    ]
    if not references:
        return {}
    rows = session.execute(_TERMS, {"references": references})
    return {row.reference: (Treatment(row.treatment), row.target) for row in rows}


def for_refund(terms: Terms, refund: RefundFact) -> tuple[Treatment, str | None]:
    """What this refund does to what it takes from."""
    return terms.get(refund.reference or "", _STRANGERS)
