"""Money that an invoice takes no longer, because less is owed on it or nothing: nothing vanishes.

What a deposit had put there is the deposit's again. What payments had put there is unapplied, and
becomes what a person said: credit of the customer, a deposit, or a refund that is asked for. All of
it is claims that are given up and made, so that each step is a reversal or a new entry.

Payments are locked before the invoice, as everywhere; if a payment came to the invoice meanwhile,
all of it is done again.
"""

from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from reconciler.books.allocations import Treatment
from reconciler.books.consent import RefundPolicy
from reconciler.books.invoices import InvoiceState
from reconciler.books.matching import Strategy
from reconciler.books.refunds import RefundReason
from reconciler.books.reviews import MATCHING_KINDS, ReviewKind
from reconciler.errors import Collision, Conflict, Invalid, NotFound, Refused
from reconciler.services import (
    allocations,
    audit,
    deposits,
    payment_writing,
    refund_requests,
    reviews,
    settlement,
)
from reconciler.services.allocations import Part
from reconciler.services.deposits import NewDeposit
from reconciler.services.refund_grounds import RefundAsk
from reconciler.services.settlement import Scene
from reconciler.store import claims
from reconciler.store.claims import AllocationRow, ApplicationRow, InvoiceRow
from reconciler.work import Work

_PAYMENTS_ON = sa.text(
    "select distinct payment_id from allocation where invoice_id = :id and closed_at is null"
)


class To(StrEnum):
    """What becomes of money that is free again."""

    CREDIT = "credit"  # it stays with us, as credit of the customer
    DEPOSIT = "deposit"
    REFUND = "refund"  # asked for, and released as every refund is


OF_A_VOID = (To.CREDIT, To.DEPOSIT)


@dataclass(slots=True)
class Held:
    """An invoice with everything that pays it, locked, and what each payment had put there."""

    scene: Scene
    invoice: InvoiceRow
    before: dict[str, int]

    @property
    def freed(self) -> dict[str, int]:
        """By payment, what of it is free now and was not before; in minor units."""
        after = _on(self.scene, self.invoice.id)
        changes = {one: amount - after.get(one, 0) for one, amount in self.before.items()}
        return {one: amount for one, amount in changes.items() if amount > 0}


def hold(work: Work, invoice_id: str) -> Held:
    """Lock an invoice and what pays it. Raises NotFound."""
    payments = set(work.session.scalars(_PAYMENTS_ON, {"id": invoice_id}))
    rows = claims.lock_payments(work.session, payments)
    scene = settlement.stage(work, rows, invoices=[invoice_id])
    invoice = scene.invoices.get(invoice_id)
    if invoice is None:
        raise NotFound(f"there is no invoice {invoice_id}")
    before = _on(scene, invoice_id)
    if before.keys() - rows.keys():
        raise Collision("another payment came to the invoice meanwhile")
    return Held(scene, invoice, before)


def release(work: Work, invoice_id: str, to: str, *, rev: int | None = None) -> None:
    """Take everything off an invoice that is about to be void; `to` is credit or deposit.

    Raises NotFound, Conflict for an old rev, Invalid for another word, and Refused where credit
    notes are on it: those are documents of their own, and the rest is credited likewise.
    """
    where = _known(to, OF_A_VOID, field="release_to")
    held = hold(work, invoice_id)
    invoice, scene = held.invoice, held.scene
    if rev is not None and rev != invoice.rev:
        raise Conflict(f"invoice {invoice.number} was changed meanwhile", field="rev")
    if invoice.state != InvoiceState.SENT:
        return
    _nothing_was_lowered(invoice)
    for claim in [*scene.claims_by(invoice_id)]:
        for other in scene.claims_by(claim.payment_id):
            allocations.pin(scene, other)
    leaving: list[AllocationRow | ApplicationRow] = [*scene.claims_by(invoice_id)]
    leaving += scene.uses_by(invoice_id)
    for one in leaving:
        one.wanted, one.is_changed = 0, True
    for row in scene.payments.values():
        row.strategy = Strategy.PERSON.value
        row.reasons = [f"{invoice.number} was voided"]
    payment_writing.save(work, scene.payments.values())
    settlement.finish(work, scene)
    put(work, held, where, why=f"{invoice.number} was voided")


def _nothing_was_lowered(invoice: InvoiceRow) -> None:
    if invoice.bank_fees:
        raise Refused(f"a bank's fee is borne on {invoice.number}: take that back first")
    if invoice.credit_notes:
        raise Refused(
            f"invoice {invoice.number} has credit notes; credit the rest instead of voiding it"
        )


def put(work: Work, held: Held, to: To, *, why: str, policy: RefundPolicy | None = None) -> None:
    """What was freed becomes what was said; the invoice is settled already."""
    freed = held.freed
    if freed:
        moved = {"to": to.value, "freed": freed, "currency": held.invoice.currency}
        audit.note(work, "invoice.money_freed", held.invoice.id, after=moved, why=why)
    if freed and to is To.DEPOSIT:
        _deposit(work, held, freed, why)
    for payment_id, amount in freed.items():
        if to is To.REFUND:
            ask = RefundAsk(
                reason=RefundReason.OVERPAYMENT.value,
                payment_id=payment_id,
                amount=amount,
                note=why,
                treatment=Treatment.REOPEN.value,
            )
            refund_requests.request(work, ask, policy or RefundPolicy())
    if to is not To.DEPOSIT:
        _answered(work, held, freed, to, why)


def known(to: str | None) -> To | None:
    """What a person said that becomes of money that a credit note frees. Raises Invalid."""
    return None if to is None else _known(to, tuple(To), field="freed_to")


def _known(to: str, words: tuple[To, ...], *, field: str) -> To:
    if to not in words:
        raise Invalid(f"{field} is one of {', '.join(words)}", field=field)
    return To(to)


def _on(scene: Scene, invoice_id: str) -> dict[str, int]:
    return {claim.payment_id: claim.amount for claim in scene.claims_by(invoice_id)}


def _deposit(work: Work, held: Held, freed: dict[str, int], why: str) -> None:
    new = NewDeposit(
        customer_id=held.invoice.customer_id,
        currency=held.invoice.currency,
        amount=sum(freed.values()),
        notes=why,
    )
    deposit_id = deposits.create(work, new)
    for payment_id, amount in freed.items():
        allocations.allocate(work, payment_id, [Part(deposit_id=deposit_id, amount=amount)])


def _answered(work: Work, held: Held, freed: dict[str, int], to: To, why: str) -> None:
    """The question where that money belongs is asked and answered in one: by who freed it."""
    for payment_id in freed:
        # In the words in which the next news of the payment would ask, so that it does not.
        is_claimed = any(claim.wanted != 0 for claim in held.scene.claims_by(payment_id))
        kind = ReviewKind.OVERPAYMENT if is_claimed else ReviewKind.UNMATCHED_PAYMENT
        row = held.scene.payments[payment_id]
        payment_writing.ask_about_unapplied(work, held.scene, row, kind=kind)
    said = "its refund is asked for" if to is To.REFUND else "kept as credit"
    reviews.close_items(work, MATCHING_KINDS, list(freed), resolution=f"{said}: {why}")
