"""What happened, as other programs are told of it: written by the transaction that does it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.books import payments
from reconciler.books.disputes import Stage
from reconciler.books.observations import PaymentFacts
from reconciler.books.refunds import RefundStatus
from reconciler.books.webhooks import Told, invoice_told
from reconciler.services import webhooks
from reconciler.services.webhooks import News
from reconciler.store.claims import AllocationRow, DepositRow, InvoiceRow, PaymentRow
from reconciler.store.dispute_rows import DisputeRow
from reconciler.store.invoices import Invoice
from reconciler.store.proposals import Proposal
from reconciler.store.refunds import Refund
from reconciler.work import Work


@dataclass(frozen=True, slots=True)
class Stand:
    """What documents came to before something changed them: paid and outstanding, or received."""

    invoices: Mapping[str, tuple[int, int]]
    deposits: Mapping[str, int]

    @classmethod
    def of(cls, invoices: Iterable[InvoiceRow], deposits: Iterable[DepositRow]) -> "Stand":
        """As these stand now."""
        return cls(
            {i.id: (i.paid, i.outstanding) for i in invoices},
            {d.id: d.received for d in deposits},
        )


def of_documents(
    work: Work,
    before: Stand,
    invoices: Iterable[InvoiceRow],
    deposits: Iterable[DepositRow],
    matched: Iterable[AllocationRow],
) -> None:
    """Invoices and deposits whose amounts changed, and claims of payments that were taken up."""
    if work.is_past:
        return
    invoices = [i for i in invoices if (i.paid, i.outstanding) != before.invoices.get(i.id)]
    deposits = [d for d in deposits if d.received > before.deposits.get(d.id, 0)]
    matched = list(matched)
    if not (invoices or deposits or matched) or not webhooks.is_wanted(work.session):
        return
    told = [News(
        kind=Told.PAYMENT_MATCHED, object_id=a.payment_id, key=f"{a.id}/{a.amount}/{a.turns}",
        data={"payment_id": a.payment_id, "invoice_id": a.invoice_id, "deposit_id": a.deposit_id,
              "amount": a.amount},
    ) for a in matched]  # fmt: skip
    told += [news for i in invoices if (news := _invoice(i, before))]
    told += [News(
        kind=Told.DEPOSIT_RECEIVED, object_id=d.id, key=str(d.rev + 1),
        data={"deposit_id": d.id, "code": d.code, "customer_id": d.customer_id,
              "currency": d.currency, "amount": d.amount, "received": d.received},
    ) for d in deposits]  # fmt: skip
    webhooks.tell(work, told)


def _invoice(row: InvoiceRow, before: Stand) -> News | None:
    paid, outstanding = before.invoices.get(row.id, (0, row.total))
    kind = invoice_told(
        paid_before=paid,
        paid=row.paid,
        outstanding_before=outstanding,
        outstanding=row.outstanding,
    )
    if kind is None:
        return None
    data = {
        "invoice_id": row.id,
        "number": row.number,
        "customer_id": row.customer_id,
        "currency": row.currency,
        "total": row.total,
        "paid": row.paid,
        "outstanding": row.outstanding,
    }
    return News(kind=kind, object_id=row.id, key=str(row.rev + 1), data=data)


def of_state(work: Work, invoice: Invoice, kind: Told) -> None:
    """An invoice was sent or voided by somebody."""
    data = {
        "invoice_id": invoice.id,
        "number": invoice.number,
        "customer_id": invoice.customer_id,
        "currency": invoice.currency,
        "total": invoice.total,
    }
    if webhooks.is_wanted(work.session):
        webhooks.tell(work, [News(kind=kind, object_id=invoice.id, key="once", data=data)])


def of_proposal(work: Work, proposal: Proposal, kind: Told) -> None:
    """A client has answered what was offered to them."""
    data = {
        "proposal_id": proposal.id,
        "version": proposal.version,
        "name": proposal.name,
        "customer_id": proposal.customer_id,
        "currency": proposal.currency,
        "price": proposal.price,
        "decided_by": proposal.decided_by,
        "project_id": proposal.project_id,
        "reason": proposal.reason,
    }
    if webhooks.is_wanted(work.session):
        said = News(kind=kind, object_id=proposal.id, key=str(proposal.version), data=data)
        webhooks.tell(work, [said])


def of_payments(work: Work, rows: Iterable[PaymentRow], before: Mapping[str, PaymentFacts]) -> None:
    """Payments of which more was taken than was known."""
    told = []
    for row in rows:
        taken = payments.captured(row.facts)
        known = 0 if row.is_new else payments.captured(before[row.id])
        if taken > known:
            told.append(_received(row, taken))
    if told and webhooks.is_wanted(work.session):
        webhooks.tell(work, told)


def _received(row: PaymentRow, captured: int) -> News:
    data = {
        "payment_id": row.id,
        "rail": row.facts.rail,
        "rail_payment_id": row.facts.payment_id,
        "customer_id": row.customer_id,
        "currency": row.facts.currency,
        "captured": captured,
    }
    return News(kind=Told.PAYMENT_RECEIVED, object_id=row.id, key=str(captured), data=data)


def of_held(work: Work, held: Iterable[tuple[PaymentRow, str, int]]) -> None:
    """Payments whose money waits for a person: why, and how much of it."""
    told = [News(
        kind=Told.PAYMENT_UNMATCHED, object_id=row.id, key=f"{kind}/{amount}",
        data={"payment_id": row.id, "kind": kind, "currency": row.facts.currency,
              "amount": amount},
    ) for row, kind, amount in held]  # fmt: skip
    if told and webhooks.is_wanted(work.session):
        webhooks.tell(work, told)


def of_refund(work: Work, refund: Refund) -> None:
    """A refund of ours has left, or failed."""
    kinds = {
        RefundStatus.SUCCEEDED.value: Told.REFUND_SUCCEEDED,
        RefundStatus.FAILED.value: Told.REFUND_FAILED,
    }
    kind = kinds.get(refund.status)
    if kind is None or not webhooks.is_wanted(work.session):
        return
    data = {
        "refund_id": refund.id,
        "invoice_id": refund.invoice_id,
        "deposit_id": refund.deposit_id,
        "payment_id": refund.payment_id,
        "currency": refund.currency,
        "amount": refund.amount,
        "failure": refund.failure,
    }
    webhooks.tell(work, [News(kind=kind, object_id=refund.id, key=str(refund.rev), data=data)])


def of_disputes(work: Work, changes: Iterable[tuple[DisputeRow | None, DisputeRow]]) -> None:
    """Disputes that were opened, lost or won."""
    told = []
    for before, after in changes:
        if before is None:
            told.append(_dispute(Told.DISPUTE_OPENED, after))
        if before is None or before.stage != after.stage:
            if after.stage == Stage.LOST:
                told.append(_dispute(Told.DISPUTE_LOST, after))
            if after.stage == Stage.WON:
                told.append(_dispute(Told.DISPUTE_WON, after))
    if told and webhooks.is_wanted(work.session):
        webhooks.tell(work, told)


def _dispute(kind: Told, row: DisputeRow) -> News:
    data = {
        "payment_id": row.payment_id,
        "rail_dispute_id": row.rail_dispute_id,
        "kind": row.kind,
        "stage": row.stage,
        "currency": row.currency,
        "amount": row.amount,
        "lost": row.lost,
    }
    return News(kind=kind, object_id=row.rail_dispute_id, key=f"{row.stage}/{row.lost}", data=data)
