"""A refund made outside failed and is asked for again: what was known of it is not typed anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.books import refund_words
from reconciler.books.refund_routes import Route
from reconciler.books.refunds import RefundReason
from reconciler.books.reviews import ReviewKind
from reconciler.errors import NotFound
from reconciler.rails.protocol import Remark
from reconciler.reads import refund_splits, review_queue, screens_payments
from reconciler.reads.screens_payments import ClaimLine
from reconciler.web.admin import outside_refunds, question_words
from reconciler.web.admin.desk import Desk

# A rail's words for why a refund was made, where they say as much as ours.
_REASONS = {word.value for word in (RefundReason.DUPLICATE, RefundReason.FRAUDULENT)}


@dataclass(frozen=True, slots=True)
class Failed:
    """The refund that failed: why, in words, what its money is on now, and how the form begins."""

    why: str
    is_closed: bool  # the card that it was sent to takes nothing any more
    claims: Sequence[ClaimLine]
    typed: Mapping[str, str]


def failed(desk: Desk, question: str, payment_id: str) -> Failed | None:
    """What a question says of a refund of this payment that failed; None if it is about another."""
    with desk.runtime.read() as session:
        try:
            item = review_queue.one(session, question)
        except NotFound:
            return None
        if item.kind is not ReviewKind.REFUND_FAILED or item.payment_id != payment_id:
            return None
        payment = screens_payments.payment(session, payment_id)
        remark = outside_refunds.remark_of(desk, payment, item.subject, session)
        claims = [one for one in screens_payments.claims(session, payment_id) if one.amount]
        treatment = refund_splits.last_treatment(session, payment_id, item.subject)
    said = [refund_words.why(one) or "" for one in item.details.get("why") or []]
    why = " and ".join(one for one in said if one)
    is_closed = question_words.is_closed(item)
    typed = _typed(item.subject, why, remark) | {"treatment": treatment}
    if is_closed:
        typed["method"] = Route.HAND.value
    return Failed(why, is_closed, claims, typed)


def _typed(refund_id: str, why: str, remark: Remark | None) -> dict[str, str]:
    reason = remark.code if remark and remark.code in _REASONS else RefundReason.OTHER.value
    note = f"A refund made at the payment provider did not arrive{f': {why}' if why else ''}."
    is_other = reason == RefundReason.OTHER
    if remark and (remark.description or (is_other and remark.reason)):
        made = remark.reason if is_other else ""
        said = ": ".join(one for one in (made, remark.description) if one)
        note += f" Why it was made: {said.rstrip('.')}."
    return {"reason": reason, "note": f"{note} It is {refund_id} there."}
