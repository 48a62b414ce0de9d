"""People and programs decide where a payment's money belongs, and undo it by reversal."""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.books.invoices import InvoiceState
from reconciler.books.matching import Document, Strategy
from reconciler.books.reviews import ReviewKind
from reconciler.errors import Conflict, NotFound, Refused
from reconciler.money import shown
from reconciler.services import (
    audit,
    matching,
    payment_writing,
    reviews,
    settlement,
    short_payments,
)
from reconciler.services.payment_writing import LEFT_OVER
from reconciler.services.settlement import Scene
from reconciler.store import claims as store, documents, overpayments
from reconciler.store.claims import AllocationRow, PaymentRow
from reconciler.work import Work

_TAKEN_BACK = "A person took it back from where it was"


@dataclass(frozen=True, slots=True)
class Part:
    """Money for one target, in minor units; `amount` None takes what is owed and left."""

    invoice_id: str | None = None
    deposit_id: str | None = None
    amount: int | None = None

    @property
    def target(self) -> str:
        """The invoice or deposit."""
        return self.invoice_id or self.deposit_id or ""


def allocate(work: Work, payment_id: str, parts: Sequence[Part]) -> list[str]:
    """Set a payment's unapplied money against invoices and deposits; gives the allocations' ids.

    Whatever the program had claimed for itself without taking it up is given up first: from
    here on a person has decided. Raises Refused, naming the field, when it does not fit.
    """
    row = _locked(work, payment_id)
    if not parts:
        raise Refused("say at least one invoice or deposit", field="allocations")
    if len({p.target for p in parts}) != len(parts):
        raise Refused("each invoice or deposit may be named once", field="allocations")
    named = {d.id: d for d in documents.by_names(work.session, [p.target for p in parts])}
    current = store.allocations_of(work.session, [payment_id])
    fresh = [
        matching.new_claim(work, payment_id, _document(named, part), 0, Strategy.PERSON)
        for part in parts
        if part.target not in {c.target for c in current}
    ]
    scene = settlement.stage(work, {row.id: row}, new_claims=fresh)
    left = settlement.unapplied(scene, row.id)
    claims = {c.target: c for c in scene.claims_by(row.id)}
    for claim in claims.values():
        pin(scene, claim)
    given: list[dict[str, object]] = []
    for part in parts:
        amount = _fitting(scene, row, named[part.target], part, left)
        _widen(claims[part.target], amount)
        left -= amount
        claim = claims[part.target]
        given.append({"allocation": claim.id, "target": part.target, "amount": amount})
    row.strategy, row.reasons = Strategy.PERSON.value, ["A person decided"]
    row.is_held, row.clues = False, []
    row.customer_id = row.customer_id or named[parts[0].target].customer_id
    payment_writing.save(work, [row])
    settlement.finish(work, scene)
    payment_writing.ask_about_unapplied(work, scene, row)
    audit.note(work, "payment.allocated", payment_id, after={"allocations": given})
    return [claims[part.target].id for part in parts]


def unallocate(work: Work, payment_id: str, allocation_id: str) -> None:
    """Undo an allocation: a reversing entry is posted and the money is unapplied again.

    Raises NotFound, or Conflict when it is undone already.
    """
    row = _locked(work, payment_id)
    scene = settlement.stage(work, {row.id: row})
    claims = {c.id: c for c in scene.claims_by(row.id)}
    claim = claims.get(allocation_id)
    if claim is None:
        raise NotFound(f"payment {payment_id} has no live allocation {allocation_id}")
    if claim.deposit_id:
        still_unused(scene, claim)
    undone = {"allocation": claim.id, "target": claim.target, "amount": claim.amount}
    audit.note(work, "payment.unallocated", payment_id, before=undone)
    for other in claims.values():
        pin(scene, other)
    claim.wanted = 0
    kind, row.reasons = _asked_before(work, scene, row, claim)
    row.strategy = Strategy.PERSON.value
    payment_writing.save(work, [row])
    settlement.finish(work, scene)
    payment_writing.ask_about_unapplied(work, scene, row, kind=kind)
    if kind is ReviewKind.OVERPAYMENT:
        overpayments.note_seen(work.session, row.id)  # no policy does what a person took back
    if claim.invoice_id:
        short_payments.take_back_with(work, payment_id, claim.invoice_id)


def _asked_before(
    work: Work, scene: Scene, row: PaymentRow, undone: AllocationRow
) -> tuple[ReviewKind, list[str]]:
    """Why the money is looked at again: as it was asked before the match.

    That is where nothing else stays, or where what is left is too much again, as it was then.
    """
    is_rest = any(claim.wanted for claim in scene.claims_by(row.id))
    left = settlement.unapplied(scene, row.id) + undone.amount
    asked = reviews.asked_last(work, row.id, excess=left if is_rest else None)
    if asked is None:
        return ReviewKind.UNMATCHED_PAYMENT, [_TAKEN_BACK]
    kind, reasons = asked
    # What takes no more is said anew, by what stands now.
    said = (one for one in reasons if one != _TAKEN_BACK and not one.endswith(LEFT_OVER))
    return kind, [*said, _TAKEN_BACK]


def _locked(work: Work, payment_id: str) -> PaymentRow:
    row = store.lock_payments(work.session, [payment_id]).get(payment_id)
    if row is None:
        raise NotFound(f"there is no payment {payment_id}")
    return row


def _document(named: dict[str, Document], part: Part) -> Document:
    document = named.get(part.target)
    field = "deposit_id" if part.deposit_id else "invoice_id"
    if document is None or document.is_deposit is not bool(part.deposit_id):
        raise Refused(f"there is no such target: {part.target or 'nothing named'}", field=field)
    return document


def pin(scene: Scene, claim: AllocationRow) -> None:
    """Let a claim keep what it has taken up, and want no more."""
    # What a claim has taken up stays; what it only waited for is the person's to give away. What
    # refunds took back of it and count on its target belongs to it still; what they took back of
    # more than the target could take is no part of it, or they would take it from the next claim.
    if claim.deposit_id:
        taken_back = claim.offer.gross - claim.offer.net
        counted = scene.deposits[claim.deposit_id].refunded
    else:
        taken_back = claim.offer.credited + claim.offer.written_off
        invoice = scene.invoices[claim.target]
        counted = invoice.refund_credits + invoice.write_offs
    claim.wanted = claim.amount + min(taken_back, counted)
    claim.is_changed = True


def _widen(claim: AllocationRow, amount: int) -> None:
    claim.wanted = (claim.wanted or 0) + amount
    claim.is_changed = True


def _fitting(scene: Scene, row: PaymentRow, document: Document, part: Part, left: int) -> int:
    if document.currency != row.facts.currency:
        raise Refused(
            f"{document.number} is in {document.currency}, the payment in {row.facts.currency}",
            field="currency",
        )
    if part.invoice_id:
        invoice = scene.invoices[part.invoice_id]
        if invoice.state != InvoiceState.SENT:
            raise Refused(f"invoice {invoice.number} is {invoice.state}", field="invoice_id")
        owed = invoice.outstanding
    else:
        deposit = scene.deposits[part.target]
        owed = deposit.amount - deposit.received
    amount = min(owed, left) if part.amount is None else part.amount
    if amount <= 0:
        raise Refused(f"nothing can go to {document.number}", field="amount")
    if amount > left:
        over = shown(amount - left, document.currency)
        raise Refused(f"that is {over} more than is left of the payment", field="amount")
    if amount > owed:
        over = shown(amount - owed, document.currency)
        raise Refused(f"that is {over} more than is open on {document.number}", field="amount")
    return amount


def still_unused(scene: Scene, claim: AllocationRow) -> None:
    """What a claim put on its deposit is there still. Raises Conflict where it was applied."""
    deposit = scene.deposits[claim.deposit_id or ""]
    if deposit.received - deposit.refunded - claim.amount < deposit.applied:
        raise Conflict(
            f"deposit {deposit.code} is applied to invoices; unapply it first", field="deposit_id"
        )
