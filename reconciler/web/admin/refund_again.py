"""A refund made outside failed and is asked for again: what was known of it is not typed anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from reconciler import money
from reconciler.books import refund_words
from reconciler.books.allocations import REFUND_TREATMENTS
from reconciler.books.people import Role
from reconciler.books.refund_routes import Route
from reconciler.books.refunds import RefundReason
from reconciler.books.reviews import ReviewKind
from reconciler.errors import NotFound, Refused
from reconciler.rails.protocol import Remark
from reconciler.reads import refund_splits, review_queue, screens_payments, told_apart
from reconciler.reads.screens_payments import ClaimLine
from reconciler.services import refund_preview
from reconciler.services.refund_limits import policy_of
from reconciler.services.refunds import RefundAsk
from reconciler.web import forms
from reconciler.web.admin import consequences, outside_refunds, question_words, words
from reconciler.web.admin.desk import Desk

# A rail's words for why a refund was made, where they say as much as ours.
_REASONS = {word.value for word in (RefundReason.DUPLICATE, RefundReason.FRAUDULENT)}


@dataclass(frozen=True, slots=True)
class Failed:
    """The refund that failed: why, in words, what its money is on now, and how the form begins.

    `what_for` says of each document it is on in one line what that is for.
    """

    why: str
    is_closed: bool  # the card that it was sent to takes nothing any more
    claims: Sequence[ClaimLine]
    what_for: Mapping[str, str]
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
        on = [one.invoice_id or one.deposit_id or "" for one in claims]
        what_for = told_apart.told(session, on, today=desk.today)
        treatment = refund_splits.last_treatment(session, payment_id, item.subject)
    said = [refund_words.why(one) or "" for one in item.details.get("why") or []]
    why = " and ".join(one for one in said if one)
    is_closed = question_words.is_closed(item)
    typed = _typed(item.subject, why, remark)
    if treatment:  # somebody said so: by rule alone either may be meant, and it is asked
        typed["treatment"] = treatment
    if is_closed:
        typed["method"] = Route.HAND.value
    return Failed(why, is_closed, claims, what_for, typed)


def after_each(
    desk: Desk, before: Failed, payment_id: str, currency: str, typed: Mapping[str, str]
) -> dict[str, str]:
    """By treatment, what is owed after the amount as typed has gone back; empty if it cannot."""
    try:
        amount = money.parse(typed.get("amount", ""), currency).minor
    except Refused:  # the form says why, once it is sent
        return {}
    if not desk.may(Role.RECONCILER.value):
        return {}
    owed = ", ".join(
        f"{one.target} is owed {words.shown(one.outstanding, currency)}, as now"
        for one in before.claims
        if one.invoice_id and one.outstanding is not None
    )
    policy, found = policy_of(desk.runtime.settings), {}
    for treatment in REFUND_TREATMENTS:
        ask = RefundAsk(
            RefundReason.GOODWILL.value,
            amount=amount,
            treatment=treatment,
            payment_id=payment_id,
        )
        deed = partial(refund_preview.carried_out, ask=ask, policy=policy)
        foreseen = consequences.of_payment(desk, payment_id, deed)
        if foreseen.entries:
            found[treatment.value] = foreseen.after or owed
    return found


def _typed(refund_id: str, why: str, remark: Remark | None) -> dict[str, str]:
    reason = remark.code if remark and remark.code in _REASONS else RefundReason.OTHER.value
    note = f"A refund made at the payment provider did not arrive{f': {why}' if why else ''}."
    is_other = reason == RefundReason.OTHER
    if remark and (remark.description or (is_other and remark.reason)):
        made = remark.reason if is_other else ""
        said = ": ".join(one for one in (made, remark.description) if one)
        note += f" Why it was made: {said.rstrip('.')}."
    note += f" It is {refund_id} there."
    for name, text in (remark.metadata if remark else {}).items():
        note += f" {name.replace('_', ' ').capitalize()}: {text.rstrip('.')}."
    return {"reason": reason, "note": note[: forms.NOTE_CHARS_MAX]}
