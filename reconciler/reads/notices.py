"""What a receipt or a mail about a refund has to say, as of now."""

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlmodel import Session


@dataclass(frozen=True, slots=True)
class Target:
    """Where part of a payment went: the document's number, how much, and what it is still owed."""

    number: str
    is_deposit: bool
    amount: int
    left: int


@dataclass(frozen=True, slots=True)
class PaymentNews:
    """A payment as a receipt speaks of it. Minor units of `currency`."""

    id: str
    currency: str
    amount: int
    untied: int
    received_on: date
    targets: list[Target]


@dataclass(frozen=True, slots=True)
class RefundNews:
    """A refund as a mail speaks of it. Minor units of `currency`."""

    id: str
    currency: str
    amount: int
    status: str
    target: str | None


_PAYMENT = sa.text(
    """select id, currency, captured - refunded - lost as amount,
      (occurred_at at time zone 'UTC')::date as received_on from payment where id = :id"""
)
_TARGETS = sa.text(
    """select i.number, false as is_deposit, a.amount, i.outstanding as left_over, a.created_at
    from allocation a join invoice i on i.id = a.invoice_id
    where a.payment_id = :id and a.amount > 0
    union all
    select d.code, true, a.amount, d.amount - d.received, a.created_at
    from allocation a join deposit d on d.id = a.deposit_id
    where a.payment_id = :id and a.amount > 0
    order by created_at, number"""
)
_REFUND = sa.text(
    """select r.id, r.currency, r.amount, r.status,
      coalesce('invoice ' || i.number, 'deposit ' || d.code) as target
    from refund r left join invoice i on i.id = r.invoice_id
    left join deposit d on d.id = r.deposit_id where r.id = :id"""
)


def of_payment(session: Session, payment_id: str, *, is_whole: bool = False) -> PaymentNews | None:
    """A payment's receipt; None where nothing of it has a place any more, unless it `is_whole`."""
    found = session.execute(_PAYMENT, {"id": payment_id}).one()
    targets = [
        Target(row.number, row.is_deposit, row.amount, row.left_over)
        for row in session.execute(_TARGETS, {"id": payment_id})
    ]
    if not targets and not is_whole:
        return None
    untied = found.amount - sum(target.amount for target in targets)
    return PaymentNews(found.id, found.currency, found.amount, untied, found.received_on, targets)


def of_refund(session: Session, refund_id: str) -> RefundNews:
    """A refund."""
    return RefundNews(*session.execute(_REFUND, {"id": refund_id}).one())
