"""Asking for a refund: what it is taken from, whether there is that much, who has to approve it.

The payments are locked before anything is counted, so that of two requests for the same money
exactly one finds it.
"""

from dataclasses import dataclass

from reconciler import ids
from reconciler.books import refunds as rules
from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.allocations import REFUND_TREATMENTS, Treatment
from reconciler.books.consent import RefundPolicy
from reconciler.books.refund_routes import ASKED_BY, Method, Route
from reconciler.books.refunds import PlannedLeg, RefundReason, RefundStatus
from reconciler.errors import Invalid, Refused
from reconciler.money import MINOR_MAX, shown
from reconciler.services import (
    audit,
    deposit_terms,
    refund_consent,
    refund_grounds,
    refund_legs,
    refund_limits,
)
from reconciler.services.refund_grounds import Ground, RefundAsk
from reconciler.services.refund_legs import Whole
from reconciler.store.payments import Payment
from reconciler.store.refunds import Refund, RefundLeg
from reconciler.work import Task, Work

NOTE_CHARS_MAX = 2_000
PROGRAM = "api_key"  # the kind of cause that is no person


@dataclass(frozen=True, slots=True)
class Plan:
    """An ask that can be carried out, and the parts it is split into."""

    reason: RefundReason
    treatment: Treatment
    currency: str
    customer_id: str | None
    legs: list[PlannedLeg]
    by_hand: frozenset[str] = frozenset()  # payments that a rail brought and people give back

    @property
    def amount(self) -> int:
        """What they come to, in minor units."""
        return sum(leg.amount for leg in self.legs)

    def elsewhere(self, leg: PlannedLeg, by: str) -> "Elsewhere | None":
        """How a leg goes instead of by its payment's rail, as `by` chose; None by the rail."""
        if leg.payment_id not in self.by_hand:
            return None
        return Elsewhere(Route.HAND, Method.BANK_TRANSFER, by)


def request(work: Work, ask: RefundAsk, policy: RefundPolicy) -> str:
    """Ask for a refund; gives its id. It is approved at once where `policy` lets it.

    Raises Invalid for what is malformed or names an unknown target, and Refused with the field
    at fault for more than can be refunded, for nothing, for disputed money and for more by hand
    than may leave today.
    """
    plan = planned(work, ask, policy)
    refund = Refund(
        id=ids.new_id("rfd"),
        payment_id=ask.payment_id,
        invoice_id=ask.invoice_id,
        deposit_id=ask.deposit_id,
        customer_id=plan.customer_id,
        amount=plan.amount,
        currency=plan.currency,
        reason=plan.reason.value,
        note=ask.note,
        terms_override=deposit_terms.override(work, ask.terms_override),
        terms_overridden_by=work.cause.id if ask.terms_override else None,
        treatment=plan.treatment.value,
        method=ask.method,
        status=RefundStatus.REQUESTED.value,
        requested_by=work.cause.id,
        requested_at=work.now,
        needs_second_person=policy.needs_second_person(
            plan.amount, plan.currency, is_person=work.cause.kind != PROGRAM
        ),
    )
    work.session.add(refund)
    refund_legs.write_step(work, refund.id, None, RefundStatus.REQUESTED)
    legs = [
        add_leg(work, refund, leg, number, plan.elsewhere(leg, work.cause.id))
        for number, leg in enumerate(plan.legs, 1)
    ]
    whole = Whole(refund, legs)
    if not refund.needs_second_person:
        refund_limits.hold_by_hand(work, whole, policy)
        release(work, whole)
    audit.note(work, "refund.requested", refund.id, after=as_said(refund), why=refund.note)
    return refund.id


def as_said(refund: Refund) -> dict[str, object]:
    """What a refund asks for, as the audit trail keeps it; the amount in minor units."""
    said: dict[str, object] = {
        "target": refund.payment_id or refund.invoice_id or refund.deposit_id,
        "amount": refund.amount,
        "currency": refund.currency,
        "reason": refund.reason,
        "treatment": refund.treatment,
        "method": refund.method,
        "status": refund.status,
        "needs_second_person": refund.needs_second_person,
    }
    return said | ({"terms_override": refund.terms_override} if refund.terms_override else {})


def planned(
    work: Work, ask: RefundAsk, policy: RefundPolicy, *, instead_of: str | None = None
) -> Plan:
    """How an ask would be carried out; everything that it draws on is locked from here on.

    The money that the refund `instead_of` holds counts as free. Raises as `request` does.
    """
    reason, treatment = _checked(ask)
    deposit_terms.override(work, ask.terms_override)
    ground = refund_grounds.of(work, ask, instead_of)
    legs = _split(ask, ground)
    plan = Plan(reason, treatment, ground.currency, ground.customer_id, legs, _by_hand(ask, ground))
    policy.may_ever_go(plan.amount, plan.currency)
    return plan


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another way than the payment's rail: how, and who chose it."""

    route: Route
    method: str
    by: str


def add_leg(
    work: Work,
    refund: Refund,
    plan: PlannedLeg,
    number: int,
    elsewhere: Elsewhere | None = None,
) -> RefundLeg:
    """One leg more, as requested: by the payment's rail, or by another way."""
    reference = rules.reference(refund.id, number)
    leg = RefundLeg(
        id=ids.new_id("leg", of=(reference,)),
        refund_id=refund.id,
        payment_id=plan.payment_id,
        target_id=plan.target_id,
        amount=plan.amount,
        status=RefundStatus.REQUESTED.value,
        reference=reference,
        route=elsewhere.route.value if elsewhere else Route.RAIL.value,
        method=elsewhere.method if elsewhere else None,
        routed_by=elsewhere.by if elsewhere else None,
    )
    work.session.add(leg)
    refund_legs.write_step(work, refund.id, None, RefundStatus.REQUESTED, leg_id=leg.id)
    return leg


def release(work: Work, whole: Whole, *, approved_by: str | None = None) -> None:
    """Let the requested legs go: to the rail, or to a person where no rail gives money back."""
    refund_consent.give(work, whole, by=approved_by)
    for leg in whole.live:
        if leg.status != RefundStatus.REQUESTED.value:
            continue
        if leg.route == Route.HAND.value:
            refund_legs.move(work, leg, RefundStatus.MANUAL, why=_ASKED_BY_HAND)
            continue
        refund_legs.move(work, leg, RefundStatus.APPROVED)
        payment = work.session.get(Payment, leg.payment_id)
        assert payment is not None, f"leg {leg.id} is on no payment"
        if payment.rail == MANUAL_RAIL:
            why = "received by hand, so it is given back by hand"
            refund_legs.move(work, leg, RefundStatus.MANUAL, why=why)
        else:
            leg.due_at = work.now
            work.session.add(leg)
            work.nudge(Task.SUBMIT_REFUNDS)
    refund_legs.follow_legs(work, whole)


_ASKED_BY_HAND = "asked for by bank transfer: somebody other than who asked pays it"


def _checked(ask: RefundAsk) -> tuple[RefundReason, Treatment]:
    if sum(target is not None for target in (ask.payment_id, ask.invoice_id, ask.deposit_id)) != 1:
        raise Invalid("name exactly one of payment_id, invoice_id, deposit_id", field="payment_id")
    if ask.reason not in set(RefundReason):
        raise Invalid(f"reason is one of {', '.join(RefundReason)}", field="reason")
    reason = RefundReason(ask.reason)
    treatment = ask.treatment or rules.DEFAULT_TREATMENT[reason].value
    if treatment not in REFUND_TREATMENTS:
        raise Invalid(f"treatment is one of {', '.join(REFUND_TREATMENTS)}", field="treatment")
    if ask.method not in ASKED_BY:
        raise Invalid(f"method is one of {', '.join(ASKED_BY)}", field="method")
    if ask.note is not None and len(ask.note) > NOTE_CHARS_MAX:
        raise Invalid(f"a note has at most {NOTE_CHARS_MAX} characters", field="note")
    if ask.amount is not None and not 0 < ask.amount <= MINOR_MAX:
        raise Invalid("the amount must be more than nothing", field="amount")
    return reason, Treatment(treatment)


def _split(ask: RefundAsk, ground: Ground) -> list[PlannedLeg]:
    step = min((source.step for source in ground.sources), default=1)
    if ask.amount is not None and ask.amount % step:
        raise Refused(
            f"the rail takes {ground.currency} in steps of {shown(step, ground.currency)} only",
            field="amount",
        )
    most = sum(leg.amount for leg in rules.plan_legs(None, ground.sources, ground.pools))
    if not most:
        why = ground.kept or _why_nothing(ground)
        raise Refused(f"nothing can be refunded here: {why}", field=ground.field)
    if ask.amount is not None and ask.amount > most:
        held_up = " while a dispute is open" if _is_disputed(ground) else ""
        raise Refused(
            f"{shown(ask.amount, ground.currency)} is more than the {shown(most, ground.currency)} "
            f"that can be refunded here{held_up}{'; ' if ground.kept else ''}{ground.kept}",
            field="amount",
        )
    return rules.plan_legs(ask.amount or most, ground.sources, ground.pools)


def _why_nothing(ground: Ground) -> str:
    if not ground.sources:
        return "no payment has paid for it"
    if _is_disputed(ground):
        return "the payment is disputed, and the bank decides who gets the money"
    return "all of it was refunded, is on its way back, or was never captured"


def _is_disputed(ground: Ground) -> bool:
    return any(rules.is_disputed(row.facts) for row in ground.payments.values())


def _by_hand(ask: RefundAsk, ground: Ground) -> frozenset[str]:
    if ask.method != Route.HAND:
        return frozenset()
    rows = ground.payments.values()
    return frozenset(row.id for row in rows if row.facts.rail != MANUAL_RAIL)
