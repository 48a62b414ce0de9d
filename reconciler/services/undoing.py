"""What somebody did, taken back from the line that it left in the audit trail.

Always by a new deed that says the opposite: an entry is reversed, never deleted. What something
else stands on by now is refused, with the reason; so is what was taken back before, or done anew
since: nothing newer is ever taken back by an older line.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import msgspec
import sqlalchemy as sa

from reconciler.books.deeds import TOLD_BY, Deed, Fate, fate
from reconciler.books.disputes import Decision
from reconciler.errors import Conflict, NotFound, Refused
from reconciler.services import (
    applications,
    credits_taken_back,
    disputes,
    forfeits,
    matches,
    portal_links,
    receipts_taken_back,
    refunds,
    reminders,
    resolutions,
    review_desk,
    short_payments,
    suspense,
    undoing_purchases,
)
from reconciler.services.allocations import Part
from reconciler.services.undoing_purchases import GONE
from reconciler.store import audit as trail, claims
from reconciler.work import Work

_LINE = sa.text(
    """select l.action, l.subject, w.body from audit_line l
    left join audit_words w on w.seq = l.seq where l.seq = :seq"""
)
_ASSIGNED_TO = sa.text("select assigned_to from review_item where id = :id for no key update")
_SNOOZED_UNTIL = sa.text(
    "select snoozed_until::text from review_item where id = :id for no key update"
)
_DISPUTE = sa.text("select id from dispute where rail_dispute_id = :id")
OVERTAKEN = "something newer was done about it since, which this would take back instead"
_DECISIONS = frozenset({"credit", "reopen", "split", "chase", "write_off", "answered"})


def undo(work: Work, seq: int) -> None:
    """Take back what line number `seq` says.

    Raises NotFound, Refused where that cannot be taken back, and Conflict where it is taken back
    already or something else stands on it.
    """
    row = work.session.execute(_LINE, {"seq": seq}).first()
    if row is None:
        raise NotFound(f"there is no line {seq}")
    if row.body is None:
        raise Refused("what was said about it was erased, so nothing can tell what to take back")
    said = msgspec.json.decode(row.body, type=dict[str, Any])
    deed = Deed(row.action, row.subject, said["before"], said["after"])
    if not may_be_undone(deed.action, deed.after):
        raise Refused(why_not(deed.action))
    _must_stand(work, seq, deed)
    _UNDOING[deed.action](work, deed)
    # Once more, now that all it is about is held: whoever was there meanwhile is committed.
    _must_stand(work, seq, deed)


def _must_stand(work: Work, seq: int, deed: Deed) -> None:
    became = fate(deed, trail.since(work.session, [seq], TOLD_BY)[seq])
    if became is Fate.TAKEN_BACK:
        raise Conflict(GONE)
    if became is Fate.OVERTAKEN:
        raise Conflict(OVERTAKEN)


def may_be_undone(action: str, after: Mapping[str, Any]) -> bool:
    """Whether a deed is of a kind that can be taken back at all."""
    if action == "review_item.resolved":
        return after.get("action") in _DECISIONS
    if action == "dispute.decided":
        return after.get("decision") != Decision.UNDECIDED
    return action in _UNDOING


def why_not(action: str) -> str:
    """Why a deed of this kind cannot be taken back, and what to do instead."""
    return _WHY_NOT.get(action, "This changed no money, so there is nothing to reverse.")


def _allocated(work: Work, deed: Deed) -> None:
    given = {one["allocation"]: one["amount"] for one in deed.after["allocations"]}
    claims.lock_payments(work.session, [deed.subject])
    live = {
        claim.id: claim
        for claim in claims.allocations_of(work.session, [deed.subject])
        if claim.id in given and claim.amount
    }
    if not live:
        raise Conflict(GONE)
    for claim_id, claim in live.items():
        _must_be_alone(claim.amount, given[claim_id])
        matches.take_back(work, deed.subject, claim_id)


def _must_be_alone(amount: int, given: int) -> None:
    if amount > given:
        raise Conflict("more was put there since: unmatch it on the payment's own page")


def _unallocated(work: Work, deed: Deed) -> None:
    target, amount = deed.before["target"], deed.before["amount"]
    is_deposit = target.startswith("dep_")
    part = Part(
        invoice_id=None if is_deposit else target,
        deposit_id=target if is_deposit else None,
        amount=amount,
    )
    matches.put_back(work, deed.subject, part)


def _applied(work: Work, deed: Deed) -> None:
    try:
        applications.unapply(work, deed.subject, deed.after["application"])
    except NotFound:
        raise Conflict(GONE) from None


def _forfeited(work: Work, deed: Deed) -> None:
    try:
        forfeits.take_back(work, deed.subject, deed.after["application"])
    except NotFound:
        raise Conflict(GONE) from None


def _unapplied(work: Work, deed: Deed) -> None:
    applications.apply(work, deed.subject, deed.after["invoice"], deed.after["amount"])


def _credited(work: Work, deed: Deed) -> None:
    credits_taken_back.take_back(work, deed.after["credit_note"])


def _borne(work: Work, deed: Deed) -> None:
    short_payments.take_back(work, deed.after["short_payment"])


def _received(work: Work, deed: Deed) -> None:
    receipts_taken_back.take_back(work, deed.subject)


def _refund_requested(work: Work, deed: Deed) -> None:
    refunds.cancel(work, deed.subject)


def _resolved(work: Work, deed: Deed) -> None:
    resolutions.undo(work, deed.subject)


def _loss_decided(work: Work, deed: Deed) -> None:
    dispute = work.session.scalar(_DISPUTE, {"id": deed.subject})
    if dispute is None:
        raise NotFound(f"there is no dispute {deed.subject}")
    disputes.decide(work, dispute, Decision.UNDECIDED)


def _assigned(work: Work, deed: Deed) -> None:
    _must_be_so(work, _ASSIGNED_TO, deed, deed.after["assigned_to"])
    review_desk.assign(work, deed.subject, deed.before["assigned_to"])


def _snoozed(work: Work, deed: Deed) -> None:
    _must_be_so(work, _SNOOZED_UNTIL, deed, deed.after["snoozed_until"])
    until = deed.before["snoozed_until"]
    review_desk.snooze(work, deed.subject, date.fromisoformat(until) if until else None)


def _must_be_so(work: Work, statement: sa.TextClause, deed: Deed, said: str | None) -> None:
    """The question is as the deed left it: news of it put it in sight without anybody."""
    row = work.session.execute(statement, {"id": deed.subject}).first()
    if row is not None and row[0] != said:
        raise Conflict(OVERTAKEN)


def _paused(work: Work, deed: Deed) -> None:
    reminders.resume(work, deed.subject)


def _link_made(work: Work, deed: Deed) -> None:
    portal_links.revoke(work, deed.subject)
    if work.has_only_looked:
        raise Conflict(GONE)


def _moved(work: Work, deed: Deed) -> None:
    suspense.put_back(work, deed.subject, turn=deed.after.get("turn"))


_UNDOING: Mapping[str, Callable[[Work, Deed], None]] = {
    "payment.allocated": _allocated,
    "payment.unallocated": _unallocated,
    "deposit.applied": _applied,
    "deposit.unapplied": _unapplied,
    "deposit.forfeited": _forfeited,
    "invoice.credited": _credited,
    "invoice.short_payment_accepted": _borne,
    "payment.received_by_hand": _received,
    "refund.requested": _refund_requested,
    "review_item.resolved": _resolved,
    "dispute.decided": _loss_decided,
    "review_item.assigned": _assigned,
    "review_item.snoozed": _snoozed,
    "reminders.paused": _paused,
    "portal_link.created": _link_made,
    "suspense.moved": _moved,
    **undoing_purchases.UNDOING,
}
UNDOABLE = frozenset(_UNDOING)  # the kinds of deeds that there is a way back from
_WHY_NOT: Mapping[str, str] = {
    "invoice.sent": "An invoice that was sent is not unsent: void it, or write a credit note.",
    "invoice.voided": "A void stands: write the invoice anew.",
    "invoice.short_payment_taken_back": "Say again on the invoice that it is a bank's fee.",
    "invoice.credit_taken_back": "Write the credit note anew: it gets a number of its own.",
    "payment.receipt_taken_back": "Note it as received again, on its invoice or deposit.",
    "dispute.decided": "Decide again on the dispute's page.",
    "refund.approved": "It may be on its way: open the refund and cancel it while it waits.",
    "refund.paid_back": "The money has left.",
    "deposit.forfeit_reversed": "Keep it again on the deposit's page, if its terms still do.",
    "refund.kept": "The customer agreed to it: apply or refund what was kept.",
    "note.added": "A note stays as it was written: write another one.",
    "review_item.resolved": "A closed question is asked again by itself if it comes up again.",
    "suspense.put_back": "Say again what it was, on the page of suspense.",
    "switch.turned_off": "Turn it on again on the page of switches.",
    "switch.turned_on": "Turn it off again on the page of switches.",
    **undoing_purchases.WHY_NOT,
}
