"""Asking for a refund: what it is taken from, whether there is that much, who has to approve it.

The payments are locked before anything is counted, so that of two requests for the same money
exactly one finds it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from reconciler import currencies, ids
from reconciler.books import refunds as rules
from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.allocations import REFUND_TREATMENTS, Treatment
from reconciler.books.consent import RefundPolicy
from reconciler.books.refund_routes import Route
from reconciler.books.refunds import PlannedLeg, RefundReason, RefundStatus, Source
from reconciler.errors import Collision, Invalid, Refused
from reconciler.money import MINOR_MAX, shown
from reconciler.services import audit, deposit_terms, refund_consent, refund_legs
from reconciler.services.refund_legs import Held, Whole
from reconciler.store import claims
from reconciler.store.claims import AllocationRow, DepositRow, InvoiceRow, PaymentRow
from reconciler.store.payments import Payment
from reconciler.store.refunds import Refund, RefundLeg
from reconciler.work import Task, Work

NOTE_CHARS_MAX = 2_000
PROGRAM = "api_key"  # the kind of cause that is no person


@dataclass(frozen=True, slots=True)
class RefundAsk:
    """What somebody wants back: of exactly one payment, invoice or deposit.

    `amount` in minor units; None for all that can be refunded there. `treatment` None: as the
    reason has it. `terms_override`: why a deposit's terms are set aside, said by a person.
    """

    reason: str
    payment_id: str | None = None
    invoice_id: str | None = None
    deposit_id: str | None = None
    amount: int | None = None
    note: str | None = None
    treatment: str | None = None
    terms_override: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """An ask that can be carried out, and the parts it is split into."""

    reason: RefundReason
    treatment: Treatment
    currency: str
    customer_id: str | None
    legs: list[PlannedLeg]

    @property
    def amount(self) -> int:
        """What they come to, in minor units."""
        return sum(leg.amount for leg in self.legs)


@dataclass(frozen=True, slots=True)
class _Ground:
    """What a request may draw on: everything is locked, newest payment first."""

    field: str
    currency: str
    customer_id: str | None
    sources: list[Source]
    pools: dict[str, int]
    payments: dict[str, PaymentRow]
    kept: str = ""  # what a deposit's terms keep, in words


def request(work: Work, ask: RefundAsk, policy: RefundPolicy) -> str:
    """Ask for a refund; gives its id. It is approved at once where `policy` lets it.

    Raises Invalid for what is malformed or names an unknown target, and Refused with the field
    at fault for more than can be refunded, for nothing and for disputed money.
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
        status=RefundStatus.REQUESTED.value,
        requested_by=work.cause.id,
        requested_at=work.now,
        needs_second_person=policy.needs_second_person(
            plan.amount, plan.currency, is_person=work.cause.kind != PROGRAM
        ),
    )
    work.session.add(refund)
    refund_legs.write_step(work, refund.id, None, RefundStatus.REQUESTED)
    whole = Whole(refund, [add_leg(work, refund, leg, n) for n, leg in enumerate(plan.legs, 1)])
    if not refund.needs_second_person:
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
    ground = _ground(work, ask, instead_of)
    legs = _split(ask, ground)
    plan = Plan(reason, treatment, ground.currency, ground.customer_id, legs)
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


def _checked(ask: RefundAsk) -> tuple[RefundReason, Treatment]:
    if sum(target is not None for target in (ask.payment_id, ask.invoice_id, ask.deposit_id)) != 1:
        raise Invalid("name exactly one of payment_id, invoice_id, deposit_id", field="payment_id")
    if ask.reason not in set(RefundReason):
        raise Invalid(f"reason is one of {', '.join(RefundReason)}", field="reason")
    reason = RefundReason(ask.reason)
    treatment = ask.treatment or rules.DEFAULT_TREATMENT[reason].value
    if treatment not in REFUND_TREATMENTS:
        raise Invalid(f"treatment is one of {', '.join(REFUND_TREATMENTS)}", field="treatment")
    if ask.note is not None and len(ask.note) > NOTE_CHARS_MAX:
        raise Invalid(f"a note has at most {NOTE_CHARS_MAX} characters", field="note")
    if ask.amount is not None and not 0 < ask.amount <= MINOR_MAX:
        raise Invalid("the amount must be more than nothing", field="amount")
    return reason, Treatment(treatment)


def _split(ask: RefundAsk, ground: _Ground) -> list[PlannedLeg]:
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


def _why_nothing(ground: _Ground) -> str:
    if not ground.sources:
        return "no payment has paid for it"
    if _is_disputed(ground):
        return "the payment is disputed, and the bank decides who gets the money"
    return "all of it was refunded, is on its way back, or was never captured"


def _is_disputed(ground: _Ground) -> bool:
    return any(rules.is_disputed(row.facts) for row in ground.payments.values())


def _ground(work: Work, ask: RefundAsk, without: str | None) -> _Ground:
    if ask.payment_id is not None:
        return _ground_of_payment(work, ask.payment_id, without, ask.terms_override)
    if ask.deposit_id is not None:
        return _ground_of_deposit(work, ask.deposit_id, without, ask.terms_override)
    return _ground_of_invoice(work, ask.invoice_id or "", without)


def _ground_of_payment(
    work: Work, payment_id: str, without: str | None, override: str | None
) -> _Ground:
    rows = claims.lock_payments(work.session, [payment_id])
    if payment_id not in rows:
        raise Invalid(f"there is no payment {payment_id}", field="payment_id")
    row = rows[payment_id]
    can = _refundable(rows, refund_legs.held_on(work, rows, without=without))[payment_id]
    currency = row.facts.currency or ""
    claims_of = claims.allocations_of(work.session, [payment_id])
    own = {claim.deposit_id: claim.amount for claim in claims_of if claim.deposit_id}
    claims.lock_deposits(work.session, own)  # what their terms keep is not changed meanwhile
    kept = {} if override else deposit_terms.kept_or_forfeited(work.session, own, work.now.date())
    stays = sum(min(held.amount + held.forfeited, own[one]) for one, held in kept.items())
    can = max(0, can - stays)
    source = Source(payment_id, can, can, step=_step(row))
    why = deposit_terms.kept_in_words(stays, currency, [held.why for held in kept.values()])
    return _Ground("payment_id", currency, row.customer_id, [source], {}, rows, why)


def _ground_of_deposit(
    work: Work, deposit_id: str, without: str | None, override: str | None
) -> _Ground:
    on_it = claims.allocations_on(work.session, (), [deposit_id])
    rows = claims.lock_payments(work.session, {a.payment_id for a in on_it})
    deposit = _deposit(work, deposit_id)
    held = refund_legs.held_on(work, rows, without=without)
    on_it = claims.allocations_on(work.session, (), [deposit_id])
    spoken_for = sum(leg.amount for leg in _unseen(held, rows) if leg.target_id == deposit_id)
    left = deposit.received - deposit.applied - deposit.refunded - spoken_for
    kept = {} if override else deposit_terms.held_back(work.session, [deposit_id], work.now.date())
    stays = sum(one.amount for one in kept.values())
    pools = {deposit_id: max(0, left - stays)}
    sources = _sources(on_it, rows, held, pool_of={a.id: deposit_id for a in on_it})
    why = deposit_terms.kept_in_words(stays, deposit.currency, [one.why for one in kept.values()])
    return _Ground("deposit_id", deposit.currency, deposit.customer_id, sources, pools, rows, why)


def _ground_of_invoice(work: Work, invoice_id: str, without: str | None) -> _Ground:
    deposit_ids = _deposits_used_on(work, invoice_id)
    paying = claims.allocations_on(work.session, [invoice_id], deposit_ids)
    rows = claims.lock_payments(work.session, {a.payment_id for a in paying})
    claims.lock_deposits(work.session, deposit_ids)
    invoice = _invoice(work, invoice_id)
    held = refund_legs.held_on(work, rows, without=without)
    paying = claims.allocations_on(work.session, [invoice_id], deposit_ids)
    pools: dict[str, int] = {}
    for use in claims.applications_touching(work.session, [invoice_id], ()):
        # What of the deposit's use is already on its way back for this very invoice.
        gone = sum(
            leg.amount
            for leg in _unseen(held, rows)
            if (leg.target_id, leg.invoice_id) == (use.deposit_id, invoice_id)
        )
        if use.deposit_id not in deposit_ids:
            raise Collision("a deposit was used on the invoice while those known were locked")
        pools[use.deposit_id] = pools.get(use.deposit_id, 0) + max(0, use.amount - gone)
    by_pool = {a.id: a.deposit_id for a in paying if a.deposit_id in pools}
    sources = _sources(
        [a for a in paying if a.invoice_id or a.id in by_pool], rows, held, pool_of=by_pool
    )
    return _Ground("invoice_id", invoice.currency, invoice.customer_id, sources, pools, rows)


def _deposits_used_on(work: Work, invoice_id: str) -> set[str]:
    uses = claims.applications_touching(work.session, [invoice_id], ())
    return {use.deposit_id for use in uses}


def _deposit(work: Work, deposit_id: str) -> DepositRow:
    found = claims.lock_deposits(work.session, [deposit_id])
    if deposit_id not in found:
        raise Invalid(f"there is no deposit {deposit_id}", field="deposit_id")
    return found[deposit_id]


def _invoice(work: Work, invoice_id: str) -> InvoiceRow:
    found = claims.lock_invoices(work.session, [invoice_id])
    if invoice_id not in found:
        raise Invalid(f"there is no invoice {invoice_id}", field="invoice_id")
    return found[invoice_id]


def _sources(
    paying: Iterable[AllocationRow],
    rows: Mapping[str, PaymentRow],
    held: Collection[Held],
    *,
    pool_of: Mapping[str, str | None],
) -> list[Source]:
    """What each payment put there and can give back, the newest payment first."""
    can = _refundable(rows, held)
    unseen = _unseen(held, rows)
    sources = []
    for claim in paying:
        row = rows.get(claim.payment_id)
        if row is None:
            raise Collision("another payment came while those known were locked")
        gone = sum(
            leg.amount
            for leg in unseen
            if (leg.payment_id, leg.target_id) == (claim.payment_id, claim.target)
        )
        sources.append(
            Source(
                payment_id=claim.payment_id,
                refundable=can[claim.payment_id],
                available=max(0, claim.amount - gone),
                target_id=claim.target,
                pool=pool_of.get(claim.id),
                step=_step(row),
            )
        )
    return sorted(
        sources, key=lambda s: (rows[s.payment_id].facts.created, s.payment_id), reverse=True
    )


def _refundable(rows: Mapping[str, PaymentRow], held: Iterable[Held]) -> dict[str, int]:
    return {
        row.id: rules.refundable(row.facts, [h.reserved for h in held if h.payment_id == row.id])
        for row in rows.values()
    }


def _unseen(held: Iterable[Held], rows: Mapping[str, PaymentRow]) -> list[Held]:
    return [
        leg
        for leg in held
        if leg.reference not in {f.reference for f in rows[leg.payment_id].facts.refunds.values()}
    ]


def _step(row: PaymentRow) -> int:
    if row.facts.rail == MANUAL_RAIL:
        return 1
    return currencies.step(row.facts.currency or "")
