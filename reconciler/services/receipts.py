"""Money received by hand: cash, a cheque, a transfer seen on the bank's statement.

It becomes a payment on the rail `manual` with facts, components and claims like any other, so
that what holds for a card payment (allocation, take-back, refund, undo) holds for it.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from reconciler import ids
from reconciler.books import posting_rules, texts
from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.invoices import InvoiceState
from reconciler.books.matching import Document, Strategy
from reconciler.books.observations import ChargeFact, PaymentFacts
from reconciler.books.receipts import ReceiptSource
from reconciler.books.reviews import ReviewKind
from reconciler.errors import Collision, Invalid, NotFound, Refused
from reconciler.money import shown
from reconciler.services import audit, ledger, matching, payment_writing, settlement
from reconciler.services.settlement import Scene
from reconciler.store import documents
from reconciler.store.claims import PaymentRow
from reconciler.timestamps import to_epoch
from reconciler.work import Task, Work

SOURCES = tuple(source.value for source in ReceiptSource)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a person took in; `amount` in minor units, None for all that is owed."""

    source: str
    received_on: date
    amount: int | None = None
    reference: str | None = None
    may_overpay: bool = False


def receive(work: Work, target_id: str, receipt: Receipt) -> str:
    """Book money received by hand for an invoice or deposit; gives the payment's id.

    Raises NotFound for an unknown target and Refused, naming the excess, for more than is owed
    unless overpayment is allowed on purpose: then the rest becomes customer credit.
    """
    if receipt.source not in SOURCES:
        raise Invalid(f"source is one of {', '.join(SOURCES)}", field="source")
    texts.day_come(receipt.received_on, field="received_on", today=work.now.date())
    document = next(iter(documents.by_names(work.session, [target_id])), None)
    if document is None or document.id != target_id:
        raise NotFound(f"there is no {target_id}")
    payment_id = ids.new_id("pay")
    facts = _facts(payment_id, document, receipt)
    claim = matching.new_claim(
        work,
        payment_id,
        document,
        None if receipt.may_overpay else receipt.amount,
        Strategy.BY_HAND,
    )
    row = PaymentRow(
        id=payment_id,
        facts=facts,
        booked={},
        customer_id=document.customer_id,
        strategy=Strategy.BY_HAND.value,
        reasons=[f"Received by hand for {document.number}"],
        is_new=True,
    )
    entries, row.booked = posting_rules.entries_due(facts, {}, ours=row.id)
    scene = settlement.stage(work, {row.id: row}, new_claims=[claim])
    _check(scene, document, receipt)
    payment_writing.save(work, [row])
    ledger.post(work, entries)
    settlement.finish(work, scene)
    payment_writing.ask_about_unapplied(work, scene, row, kind=ReviewKind.OVERPAYMENT)
    work.nudge(Task.TIE_BANK_LINES)
    audit.note(work, "payment.received_by_hand", row.id, after=_as_said(target_id, receipt, facts))
    return row.id


def hold(work: Work, customer_id: str, currency: str, receipt: Receipt) -> str:
    """Keep money of a customer as credit, tied to nothing; gives the payment's id.

    Nobody is asked where it belongs: that it stays as credit is the answer.
    """
    assert receipt.amount, "credit is of some amount"
    payment_id = ids.new_id("pay")
    facts = _taken(payment_id, currency, receipt.amount, receipt)
    row = PaymentRow(
        id=payment_id,
        facts=facts,
        booked={},
        customer_id=customer_id,
        strategy=Strategy.BY_HAND.value,
        reasons=["Kept as credit of the customer"],
        is_new=True,
    )
    entries, row.booked = posting_rules.entries_due(facts, {}, ours=row.id)
    payment_writing.save(work, [row])
    ledger.post(work, entries)
    return payment_id


def _facts(ours: str, document: Document, receipt: Receipt) -> PaymentFacts:
    amount = document.outstanding if receipt.amount is None else receipt.amount
    if amount <= 0:
        why = (
            "nothing is owed" if receipt.amount is None else "the amount must be more than nothing"
        )
        raise Refused(why, field="amount")
    return _taken(ours, document.currency, amount, receipt)


def _taken(ours: str, currency: str, amount: int, receipt: Receipt) -> PaymentFacts:
    payment_id = ids.new_id("hand", of=(ours,))
    received = datetime.combine(receipt.received_on, time(), UTC)
    at = to_epoch(received)
    texts = {"reference": (at, receipt.reference)} if receipt.reference else {}
    return PaymentFacts(
        rail=MANUAL_RAIL,
        account="",
        payment_id=payment_id,
        currency=currency,
        charges={
            payment_id: ChargeFact(
                id=payment_id, authorized=amount, captured=amount, is_final=True, is_whole=True,
                created=at,
            )
        },
        texts=texts,
        payer={"method": (at, receipt.source)},
        livemode=True,
        created=at,
    )  # fmt: skip


def _as_said(target_id: str, receipt: Receipt, facts: PaymentFacts) -> dict[str, object]:
    return {
        "target": target_id,
        "amount": facts.charges[facts.payment_id].captured,
        "currency": facts.currency,
        "source": receipt.source,
        "received_on": receipt.received_on,
        "reference": receipt.reference,
        "asked": receipt.amount,
        "may_overpay": receipt.may_overpay,
    }


def _check(scene: Scene, document: Document, receipt: Receipt) -> None:
    """Under the locks: the target can take it."""
    if document.is_deposit:
        deposit = scene.deposits[document.id]
        owed = deposit.amount - deposit.received
    else:
        invoice = scene.invoices[document.id]
        if invoice.state != InvoiceState.SENT:
            raise Refused(f"invoice {invoice.number} is {invoice.state}", field="invoice_id")
        owed = invoice.outstanding
    amount = document.outstanding if receipt.amount is None else receipt.amount
    if receipt.amount is None and amount != owed:
        raise Collision(f"what is owed on {document.number} has changed meanwhile")
    if amount > owed and not receipt.may_overpay:
        over = shown(amount - owed, document.currency)
        raise Refused(
            f"that is {over} more than is owed on {document.number}; allow overpayment to keep "
            "the rest as customer credit",
            field="amount",
        )
