"""A payment that came short by a bank's fee: a person says so, and the rest of the invoice is ours.

It is an expense of ours and no credit: the tax of the invoice stays owed as it was. It is taken
back by a reversing entry; also with the match of the payment that came short.
"""

from collections.abc import Mapping

import sqlalchemy as sa

from reconciler.books import bank_fees, texts
from reconciler.books.bank_fees import Owed, Short
from reconciler.books.invoices import InvoiceState
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.ids import new_id
from reconciler.services import audit, ledger, settlement
from reconciler.services.settlement import Scene
from reconciler.store.claims import InvoiceRow
from reconciler.store.invoices import ShortPayment
from reconciler.work import Work

WHY_CHARS_MAX = 300
GONE = "it is taken back already"

_OF_PAYMENT = sa.text(
    """select id from short_payment where payment_id = :payment and closed_at is null
      and (cast(:invoice as text) is null or invoice_id = :invoice) order by id"""
)


def bear(
    work: Work,
    invoice_id: str,
    *,
    why: str,
    bounds: Mapping[str, int],
    amount: int | None = None,
    payment_id: str | None = None,
) -> str:
    """Say that what is missing on an invoice is a bank's fee; all of it without an amount.

    `bounds` is the most that may be one, by currency; `payment_id` is what came short. Raises
    NotFound, Invalid, and Refused, naming the field, for what can be no fee or is above the limit.
    """
    reason = texts.line(why, field="reason", chars_max=WHY_CHARS_MAX)
    scene, invoice = _hold(work, invoice_id)
    if invoice.state != InvoiceState.SENT:
        raise Refused(f"invoice {invoice.number} is {invoice.state}", field="invoice_id")
    if payment_id is not None and not _pays(scene, payment_id, invoice_id):
        raise Invalid(f"payment {payment_id} does not pay {invoice.number}", field="payment_id")
    wanted = invoice.outstanding if amount is None else amount
    bank_fees.may_be_borne(_owed(invoice), wanted, bounds)
    short = ShortPayment(
        id=new_id("fee"),
        invoice_id=invoice_id,
        payment_id=payment_id,
        amount=wanted,
        reason=reason,
        cause_kind=work.cause.kind,
        cause_id=work.cause.id,
        created_at=work.now,
    )
    work.session.add(short)
    work.session.flush()
    _lower(invoice, wanted)
    ledger.post(work, [bank_fees.short_entry(_as_rule(short, invoice))])
    settlement.finish(work, scene)
    said = {
        "short_payment": short.id, "payment": payment_id, "amount": wanted,
        "currency": invoice.currency,
    }  # fmt: skip
    audit.note(work, "invoice.short_payment_accepted", invoice_id, after=said, why=reason)
    return short.id


def take_back(work: Work, short_id: str, *, reason: str | None = None) -> None:
    """It was no fee: reversed, and the invoice is owed again. Raises NotFound, Conflict."""
    why = texts.line(reason, field="reason", chars_max=WHY_CHARS_MAX) if reason else None
    known = work.session.get(ShortPayment, short_id)
    if known is None:
        raise NotFound(f"there is no bank fee {short_id}")
    scene, invoice = _hold(work, known.invoice_id)
    work.session.refresh(known)
    if known.closed_at is not None:
        raise Conflict(GONE)
    known.closed_at = work.now
    work.session.flush()
    _lower(invoice, -known.amount)
    ledger.post(work, [bank_fees.short_reversal(_as_rule(known, invoice))])
    settlement.finish(work, scene)
    said = {
        "short_payment": known.id, "payment": known.payment_id, "amount": known.amount,
        "currency": invoice.currency,
    }  # fmt: skip
    audit.note(work, "invoice.short_payment_taken_back", invoice.id, before=said, why=why)


def take_back_with(work: Work, payment_id: str, invoice_id: str | None = None) -> None:
    """The payment pays the invoice no more: what came short with it is taken back as well."""
    given = {"payment": payment_id, "invoice": invoice_id}
    for short_id in list(work.session.scalars(_OF_PAYMENT, given)):
        take_back(work, short_id, reason="The payment that came short was taken off")


def _hold(work: Work, invoice_id: str) -> tuple[Scene, InvoiceRow]:
    scene = settlement.stage(work, {}, invoices=[invoice_id])
    invoice = scene.invoices.get(invoice_id)
    if invoice is None:
        raise NotFound(f"there is no invoice {invoice_id}")
    return scene, invoice


def _pays(scene: Scene, payment_id: str, invoice_id: str) -> bool:
    return any(
        claim.payment_id == payment_id and claim.amount for claim in scene.claims_by(invoice_id)
    )


def _lower(invoice: InvoiceRow, amount: int) -> None:
    invoice.credit_notes += amount
    invoice.bank_fees += amount
    invoice.is_changed = True


def _owed(invoice: InvoiceRow) -> Owed:
    return Owed(
        number=invoice.number,
        currency=invoice.currency,
        asked=invoice.total - invoice.credited_by_notes,
        outstanding=invoice.outstanding,
        paid=invoice.paid,
        borne=invoice.bank_fees,
    )


def _as_rule(short: ShortPayment, invoice: InvoiceRow) -> Short:
    return Short(
        id=short.id,
        invoice_id=short.invoice_id,
        payment_id=short.payment_id,
        amount=short.amount,
        currency=invoice.currency,
    )
