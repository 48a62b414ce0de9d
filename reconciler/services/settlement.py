"""Everything that follows from claims: what targets take up, what lowers their debt, the entries.

`settle` is the only writer of allocated, applied, credited and written-off amounts. It recomputes
them from facts and claims (books/allocations.py decides) and posts the differences, so that it may
run any number of times, after anything.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from reconciler.books import accounts, allocations, invoice_lines, refund_terms
from reconciler.books.allocations import Claim, Claimed, Offer, Take
from reconciler.books.invoices import InvoiceState
from reconciler.books.journal import JournalEntry, lines
from reconciler.books.matching import Strategy
from reconciler.books.posting_rules import position
from reconciler.books.refund_terms import Terms
from reconciler.errors import Collision
from reconciler.money import Money
from reconciler.services import ledger, news, notices, rivals
from reconciler.services.news import Stand
from reconciler.store import claims as store, claims_written as written, refund_terms as store_terms
from reconciler.store.claims import (
    AllocationRow,
    ApplicationRow,
    DepositRow,
    InvoiceRow,
    PaymentRow,
)
from reconciler.work import Work

_Row = TypeVar("_Row", bound=AllocationRow | ApplicationRow)


@dataclass(slots=True)
class Scene:
    """The rows one settling looks at, all locked that have to be.

    `payments` are those whose facts or claims changed. Claims of other payments on the same
    targets are here too: their offers stand, only what is taken up of them may change.
    """

    payments: dict[str, PaymentRow]
    allocations: dict[str, AllocationRow] = field(default_factory=dict)
    applications: dict[str, ApplicationRow] = field(default_factory=dict)
    deposits: dict[str, DepositRow] = field(default_factory=dict)
    invoices: dict[str, InvoiceRow] = field(default_factory=dict)
    _allocations_by: dict[str, list[AllocationRow]] = field(default_factory=dict)
    _applications_by: dict[str, list[ApplicationRow]] = field(default_factory=dict)

    def claims_by(self, owner_id: str) -> list[AllocationRow]:
        """The claims of a payment in their order, or on an invoice or deposit, the oldest first."""
        return self._allocations_by.get(owner_id, [])

    def uses_by(self, owner_id: str) -> list[ApplicationRow]:
        """The uses of a deposit, or on an invoice, the oldest first."""
        return self._applications_by.get(owner_id, [])

    def hold(
        self, allocations: Iterable[AllocationRow], applications: Iterable[ApplicationRow]
    ) -> None:
        """Take in the claims to settle, findable from both of their ends."""
        self.allocations = {a.id: a for a in allocations}
        self.applications = {u.id: u for u in applications}
        for a in sorted(self.allocations.values(), key=lambda claim: claim.place):
            self._allocations_by.setdefault(a.payment_id, []).append(a)
        for a in _by_age(self.allocations.values()):
            self._allocations_by.setdefault(a.target, []).append(a)
        for u in _by_age(self.applications.values()):
            self._applications_by.setdefault(u.deposit_id, []).append(u)
            if u.invoice_id:
                self._applications_by.setdefault(u.invoice_id, []).append(u)


def settle(
    work: Work,
    *,
    payments: Collection[str] = (),
    deposits: Collection[str] = (),
    invoices: Collection[str] = (),
) -> Scene:
    """Recompute all that follows from claims of and on these, and post the differences."""
    rows = store.lock_payments(work.session, payments)
    scene = stage(work, rows, deposits=deposits, invoices=invoices)
    finish(work, scene)
    return scene


def stage(
    work: Work,
    payments: dict[str, PaymentRow],
    *,
    new_claims: Collection[AllocationRow] = (),
    new_applications: Collection[ApplicationRow] = (),
    deposits: Collection[str] = (),
    invoices: Collection[str] = (),
) -> Scene:
    """Lock and read all that settling these payments needs. The payments are locked already."""
    scene = Scene(payments)
    own = [*store.allocations_of(work.session, [p for p in payments if not payments[p].is_new])]
    own += new_claims
    deposit_ids = {*deposits, *(a.deposit_id for a in own if a.deposit_id)}
    deposit_ids |= {a.deposit_id for a in new_applications}
    invoice_ids = {*invoices, *(a.invoice_id for a in own if a.invoice_id)}
    invoice_ids |= {a.invoice_id for a in new_applications if a.invoice_id}
    _follow_uses(work, invoice_ids, deposit_ids)
    scene.deposits = store.lock_deposits(work.session, deposit_ids)
    scene.invoices = store.lock_invoices(work.session, invoice_ids)
    # Once both ends are held no application of theirs can come or go.
    uses = store.applications_touching(work.session, invoice_ids, deposit_ids)
    used_on = {u.invoice_id for u in uses if u.invoice_id}
    if used_on - invoice_ids or {u.deposit_id for u in uses} - deposit_ids:
        raise Collision("a deposit was applied to one of these invoices meanwhile")
    # Our own claims are among these, read anew: whoever held a target may have changed them.
    standing = store.allocations_on(work.session, invoice_ids, deposit_ids)
    scene.hold((*standing, *new_claims), (*uses, *new_applications))
    return scene


def _follow_uses(work: Work, invoice_ids: set[str], deposit_ids: set[str]) -> None:
    """Add the deposits used on these invoices, the invoices they are used on, and so on.

    Deposits that share an invoice compete for it, so that all of them are settled together.
    """
    count = -1
    while count < len(invoice_ids) + len(deposit_ids):
        count = len(invoice_ids) + len(deposit_ids)
        for use in store.applications_touching(work.session, invoice_ids, deposit_ids):
            invoice_ids |= {use.invoice_id} if use.invoice_id else set()
            deposit_ids.add(use.deposit_id)


def finish(work: Work, scene: Scene) -> None:
    """Settle a scene: sources first, then deposits, then invoices; write rows and entries."""
    before, stood = _amounts(scene), Stand.of(scene.invoices.values(), scene.deposits.values())
    lowered = {i.id: _lowered(i) for i in scene.invoices.values()}
    surer_before = _surer(scene)
    terms = store_terms.of(work.session, {r.id: r.facts for r in scene.payments.values()})
    for row in scene.payments.values():
        _offer(scene, row, refund_terms.of_payment(position(row.facts), terms))
    for deposit in scene.deposits.values():
        _settle_deposit(scene, deposit)
    for invoice in scene.invoices.values():
        _settle_invoice(scene, invoice)
    for deposit in scene.deposits.values():
        _count_applied(scene, deposit)
    due = [*_claim_entries(work, scene, before), *_lowering_entries(work, scene, lowered)]
    cause = (work.cause.kind, work.cause.id)
    written.write_allocations(work.session, scene.allocations.values(), cause=cause, now=work.now)
    written.write_applications(work.session, scene.applications.values(), cause=cause, now=work.now)
    written.write_deposits(work.session, scene.deposits.values())
    written.write_invoices(work.session, scene.invoices.values())
    ledger.post(work, due)
    rivals.ask_about(work, _rivals(scene, before))
    rivals.seek_again(work, _left_otherwise(surer_before, _surer(scene)))
    taken_up = [c for c in scene.allocations.values() if c.amount > before.get(c.id, 0)]
    notices.of_payments(work, {claim.payment_id for claim in taken_up})
    news.of_documents(work, stood, scene.invoices.values(), scene.deposits.values(), taken_up)


def unapplied(scene: Scene, payment_id: str) -> int:
    """What of a payment no target has taken up, in minor units."""
    kept = position(scene.payments[payment_id].facts).kept
    return kept - sum(a.amount for a in scene.claims_by(payment_id))


def taken_from(scene: Scene, row: PaymentRow, terms: Terms) -> dict[str, dict[str, int]]:
    """Of each refund of a payment, by the rail's id, what it takes from which target."""
    claims, unused = _sources(scene, row)
    return refund_terms.split(position(row.facts), claims, unused, terms)


def _offer(scene: Scene, row: PaymentRow, takes: list[Take]) -> None:
    rows = scene.claims_by(row.id)
    if not rows:
        return
    captured = position(row.facts).captured
    gross = allocations.offers([claim.as_claim for claim in rows], captured, (), {})
    for claim in rows:
        _set_offer(claim, gross[claim.id])
    claims, unused = _sources(scene, row)
    for claim_id, offer in allocations.offers(claims, captured, takes, unused).items():
        _set_offer(scene.allocations[claim_id], offer)


def _sources(scene: Scene, row: PaymentRow) -> tuple[list[Claim], dict[str, int]]:
    """A payment's claims in their order, and what of each deposit no invoice has used."""
    rows = scene.claims_by(row.id)
    unused = {a.target: _unused(scene, a.target) for a in rows if a.deposit_id}
    return [claim.as_claim for claim in rows], unused


def _unused(scene: Scene, deposit_id: str) -> int:
    return allocations.unused(
        scene.deposits[deposit_id].amount,
        sum(a.offer.gross for a in scene.claims_by(deposit_id)),
        [use.as_claim for use in scene.uses_by(deposit_id)],
    )


def _settle_deposit(scene: Scene, deposit: DepositRow) -> None:
    claimed = [Claimed(a.id, a.offer, a.amount) for a in scene.claims_by(deposit.id)]
    uses = [use.as_claim for use in scene.uses_by(deposit.id)]
    settled = allocations.settle_deposit(deposit.amount, claimed, uses)
    for claim_id, amount in settled.amounts.items():
        _set_amount(scene.allocations[claim_id], amount)
    for claim_id, offer in settled.applications.items():
        use = scene.applications[claim_id]
        _set_offer(use, offer)
        if use.invoice_id is None:  # nobody else takes up what is kept
            _set_amount(use, offer.net)
    if (deposit.received, deposit.refunded) != (settled.received, settled.refunded):
        deposit.received, deposit.refunded = settled.received, settled.refunded
        deposit.is_changed = True


def _settle_invoice(scene: Scene, invoice: InvoiceRow) -> None:
    in_order: list[AllocationRow | ApplicationRow] = _by_age(
        [*scene.claims_by(invoice.id), *scene.uses_by(invoice.id)]
    )
    is_sent = invoice.state == InvoiceState.SENT
    capacity = invoice.total - invoice.credit_notes if is_sent else 0
    settled = allocations.settle_invoice(
        capacity, [Claimed(c.id, c.offer, c.amount) for c in in_order]
    )
    for claim in in_order:
        _set_amount(claim, settled.amounts[claim.id])
    tax_credited = invoice_lines.tax_share(
        tax=invoice.tax, total=invoice.total, credited=invoice.credited_by_notes + settled.credited
    )
    if (settled.paid, settled.credited, settled.written_off, tax_credited) != (
        invoice.paid,
        *_lowered(invoice),
    ):
        invoice.paid, invoice.refund_credits = settled.paid, settled.credited
        invoice.write_offs, invoice.tax_credited = settled.written_off, tax_credited
        invoice.is_changed = True


def _lowered(invoice: InvoiceRow) -> tuple[int, int, int]:
    return invoice.refund_credits, invoice.write_offs, invoice.tax_credited


def _rivals(scene: Scene, before: dict[str, int]) -> set[str]:
    """Payments that only shared a target, and of which now more or less is taken up."""
    return {
        a.payment_id
        for a in scene.allocations.values()
        if a.amount != before[a.id] and a.payment_id not in scene.payments
    }


def _surer(scene: Scene) -> dict[str, tuple[int, int]]:
    """By target: what claims other than guesses by equal amount bring, and how many guesses do."""
    found: dict[str, tuple[int, int]] = {}
    for a in scene.allocations.values():
        brings, guesses = found.get(a.target, (0, 0))
        row = scene.payments.get(a.payment_id)  # what its match rests on now, if it was decided
        if ((row and row.strategy) or a.strategy) == Strategy.CUSTOMER_AMOUNT:
            found[a.target] = (brings, guesses + bool(a.offer.gross))
        else:
            found[a.target] = (brings + a.offer.gross - a.offer.reopened, guesses)
    return found


def _left_otherwise(
    before: dict[str, tuple[int, int]], now: dict[str, tuple[int, int]]
) -> list[str]:
    return [
        target
        for target, (brings, guesses) in now.items()
        if brings != before[target][0] or guesses < before[target][1]
    ]


def _count_applied(scene: Scene, deposit: DepositRow) -> None:
    uses = scene.uses_by(deposit.id)
    applied = sum(u.amount for u in uses)
    forfeited = sum(u.amount for u in uses if u.invoice_id is None)
    if (applied, forfeited) != (deposit.applied, deposit.forfeited):
        deposit.applied, deposit.forfeited = applied, forfeited
        deposit.is_changed = True


def _happened_on(work: Work, scene: Scene, claim: AllocationRow | ApplicationRow) -> date | None:
    """The day that a change of a claim is of: the one of the news that it follows from, or today.

    Never before its invoice was issued, nor before a person made the claim.
    """
    own = getattr(claim, "payment_id", "")
    others = max((work.days[one] for one in scene.payments if one in work.days), default=None)
    day = work.days.get(own, others)
    if day is None:
        return None
    known = [day]
    invoice = scene.invoices.get(claim.invoice_id or "")
    if invoice is not None and invoice.issued_on is not None:
        known.append(invoice.issued_on)
    if isinstance(claim, ApplicationRow) or claim.strategy == Strategy.PERSON:
        known.append(claim.created_at.date())
    return max(known)


def _claim_entries(work: Work, scene: Scene, before: dict[str, int]) -> Iterable[JournalEntry]:
    for a in scene.allocations.values():
        currency = _currency(scene, a.invoice_id, a.deposit_id)
        change = a.amount - before[a.id]
        if change:
            a.turns += 1
            a.is_changed = True
            yield JournalEntry(
                key=f"allocation/{a.id}/{a.turns}",
                reverses=f"allocation/{a.id}/1" if a.turns == 2 and not a.amount else None,
                postings=allocations.placed(
                    Money(change, currency), is_deposit=a.deposit_id is not None
                ),
                payment_id=a.payment_id,
                invoice_id=a.invoice_id,
                deposit_id=a.deposit_id,
                on=_happened_on(work, scene, a),
            )
    for u in scene.applications.values():
        change = u.amount - before[u.id]
        if change:
            u.turns += 1
            u.is_changed = True
            key = f"{'application' if u.invoice_id else 'forfeit'}/{u.id}"
            to = accounts.ACCOUNTS_RECEIVABLE if u.invoice_id else accounts.FORFEITED_DEPOSITS
            yield JournalEntry(
                key=f"{key}/{u.turns}",
                reverses=f"{key}/1" if u.turns == 2 and not u.amount else None,
                postings=lines(
                    Money(change, scene.deposits[u.deposit_id].currency),
                    debit=accounts.CUSTOMER_DEPOSITS,
                    credit=to,
                ),
                invoice_id=u.invoice_id,
                deposit_id=u.deposit_id,
                on=u.on or _happened_on(work, scene, u),
            )


# What lowers an invoice: debited, and credited. The credited part of the tax is owed to the tax
# office no more, and so it is no loss of ours.
_LOWERING = (
    ("refund_credits", accounts.CREDITS, accounts.ACCOUNTS_RECEIVABLE),
    ("write_offs", accounts.CHARGEBACK_LOSSES, accounts.ACCOUNTS_RECEIVABLE),
    ("tax_credited", accounts.SALES_TAX_PAYABLE, accounts.CREDITS),
)


def _lowering_entries(
    work: Work, scene: Scene, before: dict[str, tuple[int, int, int]]
) -> Iterable[JournalEntry]:
    for invoice in scene.invoices.values():
        amounts = zip(before[invoice.id], _lowered(invoice), strict=True)
        for (what, debit, credit), (was, now) in zip(_LOWERING, amounts, strict=True):
            if was == now:
                continue
            prefix = f"invoice/{invoice.id}/{what}/"
            yield JournalEntry(
                # The revision the invoice is about to get: each change of it has its own.
                key=f"{prefix}{invoice.rev + 1}",
                reverses=None
                if now
                else ledger.lowered_by(work, invoice.id, prefix, credit.role, was),
                postings=lines(Money(now - was, invoice.currency), debit=debit, credit=credit),
                invoice_id=invoice.id,
            )


def _currency(scene: Scene, invoice_id: str | None, deposit_id: str | None) -> str:
    if invoice_id:
        return scene.invoices[invoice_id].currency
    return scene.deposits[deposit_id or ""].currency


def _amounts(scene: Scene) -> dict[str, int]:
    amounts = {a.id: a.amount for a in scene.allocations.values()}
    return amounts | {u.id: u.amount for u in scene.applications.values()}


def _set_offer(row: AllocationRow | ApplicationRow, offer: Offer) -> None:
    if row.offer != offer:
        row.offer = offer
        row.is_changed = True


def _set_amount(row: AllocationRow | ApplicationRow, amount: int) -> None:
    if row.amount != amount:
        row.amount = amount
        row.is_changed = True


def _by_age(rows: Iterable[_Row]) -> list[_Row]:
    return sorted(rows, key=lambda row: (row.created_at, row.id))
