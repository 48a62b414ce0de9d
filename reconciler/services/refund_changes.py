"""Changing what a refund asks for, as long as nothing of it was sent. It voids the approval.

The reference that a rail keeps stands for one order for ever, so changed money gets new legs:
the old ones are canceled, and what they are replaced by says where their money went.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reconciler.books import consent, refunds as rules
from reconciler.books.consent import RefundPolicy
from reconciler.books.refund_routes import Route
from reconciler.books.refunds import RefundStatus
from reconciler.errors import Collision, Invalid, NotFound
from reconciler.money import shown
from reconciler.services import (
    audit,
    refund_consent,
    refund_legs,
    refund_limits,
    refund_requests,
)
from reconciler.services.refund_grounds import RefundAsk
from reconciler.services.refund_legs import Whole
from reconciler.services.refund_requests import PROGRAM, Plan
from reconciler.store.refunds import Refund
from reconciler.work import Work

_TARGETS = ("payment_id", "invoice_id", "deposit_id")


def change(
    work: Work,
    refund_id: str,
    given: Mapping[str, Any],
    policy: RefundPolicy,
    *,
    rev: int | None = None,
) -> None:
    """Ask for something else instead: `given` names fields of RefundAsk, the rest stays.

    Who changes it is one of those who cannot approve it. It waits for approval again, or goes
    at once where `policy` lets it. Raises Conflict once anything of it was sent, and what
    asking for it anew would raise.
    """
    before = _asked(work, refund_id)
    at_rev, ask = before.rev, _changed(before, given)
    plan = refund_requests.planned(work, ask, policy, instead_of=refund_id)
    whole = refund_legs.lock_one(work, refund_id, rev=rev)
    refund = whole.refund
    if refund.rev != at_rev:
        raise Collision(f"refund {refund_id} was changed while its money was counted")
    _may_be_changed(work, whole)
    if plan.currency != refund.currency:
        raise Invalid(
            f"it was asked for in {refund.currency}; cancel it, and ask for {plan.currency} anew",
            field="currency",
        )
    why = _what_changed(refund, ask, plan)
    said = refund_requests.as_said(refund)
    is_program = work.cause.kind == PROGRAM and not refund.needs_second_person
    _put(work, refund, ask, plan)
    refund.needs_second_person = policy.needs_second_person(
        plan.amount, plan.currency, is_person=not is_program
    )
    refund.edited_by = sorted({*refund.edited_by, work.cause.id})
    refund_legs.ask_again(work, whole, why=why)
    _replan(work, whole, plan)
    refund_legs.follow_legs(work, whole)
    if not refund.needs_second_person:
        refund_limits.hold_by_hand(work, whole, policy)
        refund_requests.release(work, whole)
    was, now = audit.changes(said, refund_requests.as_said(refund))
    audit.note(work, "refund.changed", refund_id, before=was, after=now, why=ask.note)


def _asked(work: Work, refund_id: str) -> Refund:
    found = work.session.get(Refund, refund_id, populate_existing=True)
    if found is None:
        raise NotFound(f"there is no refund {refund_id}")
    return found


def _changed(refund: Refund, given: Mapping[str, Any]) -> RefundAsk:
    now = RefundAsk(
        reason=refund.reason,
        payment_id=refund.payment_id,
        invoice_id=refund.invoice_id,
        deposit_id=refund.deposit_id,
        amount=refund.amount,
        note=refund.note,
        treatment=refund.treatment,
        terms_override=refund.terms_override,
        method=refund.method,
    )
    if any(given.get(name) for name in _TARGETS):
        now = replace(now, payment_id=None, invoice_id=None, deposit_id=None)
    return replace(now, **given)


def _may_be_changed(work: Work, whole: Whole) -> None:
    was_sent = refund_consent.was_sent(work.session, whole.refund.id)
    legs = [RefundStatus(leg.status) for leg in whole.live]
    consent.change(whole.status, legs, was_sent=was_sent)


def _what_changed(refund: Refund, ask: RefundAsk, plan: Plan) -> str:
    said = []
    if plan.amount != refund.amount:
        was, now = (shown(a, refund.currency) for a in (refund.amount, plan.amount))
        said.append(f"{was} became {now}")
    if [getattr(ask, name) for name in _TARGETS] != [getattr(refund, name) for name in _TARGETS]:
        said.append("it is asked of something else")
    said += [
        f"{name} is {after} now"
        for name, before, after in (
            ("treatment", refund.treatment, plan.treatment.value),
            ("reason", refund.reason, plan.reason.value),
        )
        if before != after
    ]
    if ask.method != refund.method:
        said.append(_GOES_BY[ask.method])
    if ask.terms_override != refund.terms_override:
        aside = f"are set aside: {ask.terms_override}" if ask.terms_override else "hold again"
        said.append(f"the deposit's terms {aside}")
    if ask.note != refund.note:
        said.append("the note is another")
    return "changed: " + ("; ".join(said) or "nothing, but looked at anew")


_GOES_BY = {
    Route.RAIL.value: "it goes back the way it was paid now",
    Route.HAND.value: "people pay it by bank transfer now",
}


def _put(work: Work, refund: Refund, ask: RefundAsk, plan: Plan) -> None:
    for name in _TARGETS:
        setattr(refund, name, getattr(ask, name))
    refund.customer_id = plan.customer_id
    refund.amount, refund.method = plan.amount, ask.method
    refund.reason, refund.treatment = plan.reason.value, plan.treatment.value
    if ask.terms_override != refund.terms_override:
        refund.terms_overridden_by = work.cause.id if ask.terms_override else None
    refund.note, refund.terms_override = ask.note, ask.terms_override


def _replan(work: Work, whole: Whole, plan: Plan) -> None:
    now = {
        (leg.payment_id, leg.target_id, leg.amount, leg.route == Route.HAND.value)
        for leg in whole.live
    }
    if now == {
        (leg.payment_id, leg.target_id, leg.amount, leg.payment_id in plan.by_hand)
        for leg in plan.legs
    }:
        return
    first = len(whole.legs) + 1
    names = {
        leg.payment_id: rules.reference(whole.refund.id, number)
        for number, leg in enumerate(plan.legs, first)
    }
    for leg in whole.live:
        refund_legs.move(work, leg, RefundStatus.CANCELED, why="changed before it was sent")
        leg.replaced_by = names.get(leg.payment_id, rules.reference(whole.refund.id, first))
    work.session.flush()
    for number, planned in enumerate(plan.legs, first):
        elsewhere = plan.elsewhere(planned, work.cause.id)
        whole.legs.append(refund_requests.add_leg(work, whole.refund, planned, number, elsewhere))
