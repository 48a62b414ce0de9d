"""What somebody wants back, and what that may draw on: everything is locked from here on."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from reconciler import currencies
from reconciler.books import refunds as rules
from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.refund_routes import Route
from reconciler.books.refunds import Source
from reconciler.errors import Collision, Invalid
from reconciler.services import deposit_terms, refund_legs
from reconciler.services.refund_legs import Held
from reconciler.store import claims
from reconciler.store.claims import AllocationRow, DepositRow, InvoiceRow, PaymentRow
from reconciler.work import Work


@dataclass(frozen=True, slots=True)
class RefundAsk:
    """What somebody wants back: of exactly one payment, invoice or deposit.

    `amount` in minor units; None for all that can be refunded there. `treatment` None: as the
    reason has it. `terms_override`: why a deposit's terms are set aside, said by a person.
    `method` hand: people pay it by bank transfer, though a rail brought it; the rail is sent
    nothing, and whoever asks for that never pays it.
    """

    reason: str
    payment_id: str | None = None
    invoice_id: str | None = None
    deposit_id: str | None = None
    amount: int | None = None
    note: str | None = None
    treatment: str | None = None
    terms_override: str | None = None
    method: str = Route.RAIL.value


@dataclass(frozen=True, slots=True)
class Ground:
    """What a request may draw on: everything is locked, newest payment first."""

    field: str
    currency: str
    customer_id: str | None
    sources: list[Source]
    pools: dict[str, int]
    payments: dict[str, PaymentRow]
    kept: str = ""  # what a deposit's terms keep, in words


def of(work: Work, ask: RefundAsk, without: str | None) -> Ground:
    """All that an ask may draw on; what the refund `without` holds counts as free."""
    if ask.payment_id is not None:
        ground = _ground_of_payment(work, ask.payment_id, without, ask.terms_override)
    elif ask.deposit_id is not None:
        ground = _ground_of_deposit(work, ask.deposit_id, without, ask.terms_override)
    else:
        ground = _ground_of_invoice(work, ask.invoice_id or "", without)
    if ask.method == Route.HAND:  # a person pays any amount
        return replace(ground, sources=[replace(one, step=1) for one in ground.sources])
    return ground


def _ground_of_payment(
    work: Work, payment_id: str, without: str | None, override: str | None
) -> Ground:
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
    return Ground("payment_id", currency, row.customer_id, [source], {}, rows, why)


def _ground_of_deposit(
    work: Work, deposit_id: str, without: str | None, override: str | None
) -> Ground:
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
    return Ground("deposit_id", deposit.currency, deposit.customer_id, sources, pools, rows, why)


def _ground_of_invoice(work: Work, invoice_id: str, without: str | None) -> Ground:
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
    return Ground("invoice_id", invoice.currency, invoice.customer_id, sources, pools, rows)


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
