"""What people do with a refund: ask, change, approve, reject, cancel, try again, pay by hand."""

from datetime import datetime

from sqlmodel import col, select

from reconciler.books import consent, refunds as rules
from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.consent import RefundPolicy
from reconciler.books.refund_routes import Route
from reconciler.books.refund_sending import KEY_IS_FORGOTTEN, put_back
from reconciler.books.refunds import PlannedLeg, RefundStatus
from reconciler.errors import Conflict, Forbidden, Refused
from reconciler.failpoints import failpoint
from reconciler.money import shown
from reconciler.services import (
    audit,
    refund_consent,
    refund_following,
    refund_legs,
    refund_limits,
    refund_requests,
    refund_sending,
)
from reconciler.services.refund_by_hand import settle_by_hand
from reconciler.services.refund_changes import change
from reconciler.services.refund_grounds import RefundAsk
from reconciler.services.refund_legs import Whole
from reconciler.services.refund_requests import request
from reconciler.store import claims
from reconciler.store.claims import PaymentRow
from reconciler.store.payments import Payment
from reconciler.store.refunds import RefundAttempt, RefundLeg
from reconciler.work import Task, Work

__all__ = [
    "RefundAsk",
    "RefundPolicy",
    "approve",
    "cancel",
    "change",
    "reject",
    "request",
    "retry",
    "settle_by_hand",
]

# Not sent, so nothing has to be taken back from anybody.
_OURS_ALONE = frozenset({RefundStatus.REQUESTED, RefundStatus.APPROVED, RefundStatus.MANUAL})
_DONE = frozenset({RefundStatus.SUCCEEDED, RefundStatus.FAILED, RefundStatus.CANCELED})


def approve(
    work: Work, refund_id: str, *, policy: RefundPolicy | None = None, rev: int | None = None
) -> None:
    """Let a requested refund go as it stands now. `policy`: the limits of what is paid by hand.

    What a rail is sent is held to the day's limits where it is sent. Raises Forbidden for who asked
    for it or changed it, Conflict if it was changed meanwhile, and Refused if the money went
    another way since, or for more by hand than may leave today.
    """
    rows = _hold_money(work, refund_id)
    whole = refund_legs.lock_one(work, refund_id, rev=rev)
    before = whole.refund.status
    authors = refund_consent.authors(whole.refund)
    consent.approve(whole.status, authors=authors, by=work.cause.id)
    refund_following.has_room_for(work, rows, whole)
    refund_limits.hold_by_hand(work, whole, policy or RefundPolicy())
    refund_requests.release(work, whole, approved_by=work.cause.id)
    _note(work, "refund.approved", whole, before)
    failpoint("approve.before_commit")


def reject(work: Work, refund_id: str, *, why: str | None = None, rev: int | None = None) -> None:
    """Decline a requested refund. Raises Conflict if it is not requested any more."""
    _hold_money(work, refund_id)
    whole = refund_legs.lock_one(work, refund_id, rev=rev)
    before = whole.refund.status
    consent.reject(whole.status)
    for leg in whole.live:
        if leg.status == RefundStatus.REQUESTED.value:
            refund_legs.move(work, leg, RefundStatus.REJECTED, why=why)
    refund_legs.follow_legs(work, whole)
    _note(work, "refund.rejected", whole, before, why=why)


def cancel(work: Work, refund_id: str, *, rev: int | None = None) -> None:
    """Call a refund off: at once while it is ours alone, through the rail while it waits there.

    A rail cancels only what waits for the customer. Raises Conflict for what is beyond recall.
    """
    _hold_money(work, refund_id)
    whole = refund_legs.lock_one(work, refund_id, rev=rev)
    open_legs = [leg for leg in whole.live if RefundStatus(leg.status) not in _DONE]
    if not open_legs:
        raise Conflict(f"the refund is {whole.status.value}; there is nothing left to cancel")
    for leg in open_legs:
        _may_be_canceled(work, whole, leg)
    before = whole.refund.status
    for leg in open_legs:
        if leg.status == RefundStatus.REQUIRES_ACTION.value:
            leg.is_cancel_wanted = True
            leg.due_at = work.now
            work.session.add(leg)
            work.nudge(Task.SUBMIT_REFUNDS)
        else:
            refund_legs.move(work, leg, RefundStatus.CANCELED)
    refund_legs.follow_legs(work, whole)
    _note(work, "refund.canceled", whole, before)


def retry(work: Work, refund_id: str, *, rev: int | None = None) -> None:
    """Try again what failed or was given up to a person. Raises Conflict where nothing did.

    What failed for good gets a leg of its own, with a reference of its own. What may have been
    sent is looked for on the rail before anything is sent. Where a second person is needed and
    the one who asked tries again, it waits for a second person again.
    """
    rows = _hold_money(work, refund_id)
    whole = refund_legs.lock_one(work, refund_id, rev=rev)
    again = [leg for leg in whole.live if _may_be_tried_again(work, leg)]
    if not again:
        raise Conflict(f"the refund is {whole.status.value}; there is nothing to try again")
    held = refund_legs.held_on(work, rows)
    for leg in again:
        # What may have been sent is looked for first, and its money may be what is gone.
        if leg.status == RefundStatus.FAILED.value or leg.unsettled_since is None:
            others = [h for h in held if h.payment_id == leg.payment_id and h.id != leg.id]
            on_it = [h.reserved for h in others]
            _is_still_there(leg, whole, rules.refundable(rows[leg.payment_id].facts, on_it))
    by_requester = work.cause.id in refund_consent.authors(whole.refund)
    waits = whole.refund.needs_second_person and by_requester
    before = whole.refund.status
    for leg in again:
        _put_back(work, whole, leg)
    if waits:
        refund_legs.void_approval(whole.refund)
        refund_legs.follow_legs(work, whole)
    else:
        second = work.cause.id if whole.refund.needs_second_person else None
        refund_requests.release(work, whole, approved_by=second)
    _note(work, "refund.retried", whole, before)


def _hold_money(work: Work, refund_id: str) -> dict[str, PaymentRow]:
    """Its payments, locked: what a refund holds of them is counted, and let go, under that lock."""
    return claims.lock_payments(work.session, refund_legs.payments_of(work, refund_id))


def _note(work: Work, action: str, whole: Whole, before: str, *, why: str | None = None) -> None:
    audit.note(
        work,
        action,
        whole.refund.id,
        before={"status": before},
        after={"status": whole.refund.status},
        why=why,
    )


def _put_back(work: Work, whole: Whole, leg: RefundLeg) -> None:
    if leg.status == RefundStatus.FAILED.value:
        plan = PlannedLeg(leg.payment_id, leg.target_id, leg.amount)
        number = len(whole.legs) + 1
        leg.replaced_by = rules.reference(whole.refund.id, number)
        work.session.add(leg)
        work.session.flush()
        whole.legs.append(refund_requests.add_leg(work, whole.refund, plan, number))
        return
    refund_sending.keep(work, leg, put_back(refund_sending.sending(leg), work.now))


def _may_be_tried_again(work: Work, leg: RefundLeg) -> bool:
    if leg.status == RefundStatus.FAILED.value:
        return True
    return leg.status == RefundStatus.MANUAL.value and not _is_by_hand(work, leg)


def _is_by_hand(work: Work, leg: RefundLeg) -> bool:
    if leg.route != Route.RAIL.value:
        return True
    payment = work.session.get(Payment, leg.payment_id)
    return payment is not None and payment.rail == MANUAL_RAIL


def _is_still_there(leg: RefundLeg, whole: Whole, left: int) -> None:
    if leg.amount > left:
        currency = whole.refund.currency
        raise Refused(
            f"only {shown(left, currency)} of {shown(leg.amount, currency)} can still be refunded",
            field="amount",
        )


def _may_be_canceled(work: Work, whole: Whole, leg: RefundLeg) -> None:
    status = RefundStatus(leg.status)
    if status is RefundStatus.REQUIRES_ACTION:
        return
    if status not in _OURS_ALONE:
        raise Conflict(f"the refund is {status.value}; what was sent cannot be called back")
    sent_at = _last_sent_at(work, leg)
    if sent_at is None:
        return
    if work.now - sent_at < KEY_IS_FORGOTTEN:
        raise Conflict("it was sent, and what came of it is not known; wait a day, then look again")
    is_own = work.cause.id in refund_consent.authors(whole.refund)
    if whole.refund.needs_second_person and is_own:
        raise Forbidden("it was sent once; a second person has to call it off")


def _last_sent_at(work: Work, leg: RefundLeg) -> datetime | None:
    sent = select(RefundAttempt.last_sent_at).where(
        RefundAttempt.leg_id == leg.id, col(RefundAttempt.last_sent_at).is_not(None)
    )
    return max((at for at in work.session.exec(sent) if at is not None), default=None)
