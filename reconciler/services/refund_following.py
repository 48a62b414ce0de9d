"""What happens here when a rail shows a refund: ours takes its status, a stranger's is asked about.

A refund is known to be ours by the reference in the rail's metadata and by nothing else: two
refunds of the same amount in the same second are two refunds. What is seen outranks what was
concluded, so that a refund given up as failed that turns up after all is put right.
"""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlmodel import col, select

from reconciler.books import payments, refunds as rules
from reconciler.books.observations import PaymentFacts, RefundFact, RefundStage
from reconciler.books.refunds import RefundStatus
from reconciler.books.reviews import ReviewKind
from reconciler.money import shown
from reconciler.services import refund_legs, reviews
from reconciler.services.reviews import Question
from reconciler.store.claims import PaymentRow
from reconciler.store.refunds import RefundLeg
from reconciler.work import Work

_ASKED_ALREADY = sa.text(
    "select kind, subject from review_item where subject = any(:subjects) and kind = any(:kinds)"
)
_STRANGER_KINDS = (ReviewKind.EXTERNAL_REFUND, ReviewKind.REFUND_FAILED)


def follow(work: Work, rows: list[PaymentRow], before: dict[str, PaymentFacts]) -> None:
    """Bring our refunds to what was observed of these locked payments.

    `before` is what was known of each; refunds that it already shows as they are cost nothing.
    """
    changed = [row for row in rows if row.facts.refunds]
    if not changed:
        return
    legs = _legs(work, changed)
    strangers: list[tuple[PaymentRow, RefundFact]] = []
    seen: dict[str, RefundFact] = {}
    for row in changed:
        ours = {leg.reference: leg for leg in legs if leg.payment_id == row.id}
        shown_here, others = _sorted_out(row.facts, ours)
        seen |= shown_here
        known = {} if row.is_new else before[row.id].refunds
        strangers += [
            (row, fact) for fact in others if row.is_new or known.get(fact.id) != fact
        ] + [(row, fact) for fact in others if not row.is_new and known.get(fact.id) == fact]
    _take_status(work, [leg for leg in legs if leg.id in seen], seen)
    _ask_about(work, strangers)


def _legs(work: Work, rows: Iterable[PaymentRow]) -> list[RefundLeg]:
    references = [f.reference for row in rows for f in row.facts.refunds.values() if f.reference]
    if not references:
        return []
    wanted = select(RefundLeg).where(col(RefundLeg.reference).in_(references))
    return list(work.session.exec(wanted))
