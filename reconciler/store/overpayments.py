"""Open questions about money beyond what is owed, and what paid those invoices."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.overpayments import Paid, PaidTwice, paid_twice

# What is still being heard of is let come to rest first.
_DUE = """from review_item r join payment p on p.id = r.payment_id
      join customer c on c.id = p.customer_id
    where r.state = 'open' and r.kind = 'overpayment' and r.opened_at <= :until
      and c.overpayment_policy <> 'hold' and p.fetch_due_at is null
      and r.policy_seen is distinct from r.amount
      and (c.overpayment_policy <> 'next_invoice' or exists (select 1 from invoice i
        where i.customer_id = c.id and i.currency = r.currency and i.state = 'sent'
          and i.outstanding > 0))"""
_PAYMENTS_DUE = sa.text(f"select r.payment_id {_DUE} order by r.opened_at, r.id limit :limit")
_ANY_DUE = sa.text(f"select exists (select 1 {_DUE})")
_QUESTION = sa.text(
    """select r.id, r.amount, r.currency, p.customer_id, c.overpayment_policy as policy
    from review_item r join payment p on p.id = r.payment_id join customer c on c.id = p.customer_id
    where r.payment_id = :payment and r.state = 'open' and r.kind = 'overpayment'"""
)
_SEEN = sa.text(
    """update review_item set policy_seen = amount
    where payment_id = :payment and state = 'open' and kind = 'overpayment'"""
)
_OWED = sa.text(
    """select id, number, outstanding from invoice
    where customer_id = :customer and currency = :currency and state = 'sent' and outstanding > 0
    order by due_on nulls last, created_at, id limit 20"""
)
_PAYERS = sa.text(
    """select m.id as asked, i.id as invoice_id, i.total - i.credited as owed, p.id,
      extract(epoch from p.occurred_at)::bigint as at,
      p.captured - p.refunded - p.lost as kept, p.captured - p.refunded - p.lost
        - coalesce((select sum(l.amount) from allocation l where l.payment_id = p.id), 0)::bigint
        as waiting,
      case when p.rail <> 'manual' then p.rail
        else coalesce(p.facts -> 'payer' -> 'method' ->> 1, 'manual') end as channel
    from (select distinct a.payment_id as id, a.invoice_id from allocation a
        where a.payment_id = any(:ids) and a.invoice_id is not null and a.closed_at is null) m
      join invoice i on i.id = m.invoice_id and i.state = 'sent'
      join allocation a on a.invoice_id = i.id and a.closed_at is null
      join payment p on p.id = a.payment_id"""
)


@dataclass(frozen=True, slots=True)
class Overpaid:
    """An open question with the customer's standing word about it. Minor units."""

    item_id: str
    amount: int
    currency: str
    customer_id: str
    policy: str


@dataclass(frozen=True, slots=True)
class Owed:
    """An invoice that money may pay."""

    id: str
    number: str
    outstanding: int


def payments_due(session: Session, *, until: datetime, limit: int) -> list[str]:
    """Payments with an excess that a policy speaks of, asked about before `until`."""
    return list(session.scalars(_PAYMENTS_DUE, {"until": until, "limit": limit}))


def are_any_due(session: Session, *, until: datetime) -> bool:
    """Whether there are such."""
    return bool(session.scalar(_ANY_DUE, {"until": until}))


def question(session: Session, payment_id: str) -> Overpaid | None:
    """The open question about a payment's excess."""
    row = session.execute(_QUESTION, {"payment": payment_id}).first()
    return Overpaid(*row) if row else None


def note_seen(session: Session, payment_id: str) -> None:
    """A policy was looked at for this excess: it is not looked at again until that changes."""
    session.execute(_SEEN, {"payment": payment_id})


def owed_by(session: Session, customer_id: str, currency: str) -> list[Owed]:
    """What a customer owes, the oldest due first."""
    rows = session.execute(_OWED, {"customer": customer_id, "currency": currency})
    return [Owed(*row) for row in rows]


def twice(session: Session, payments: Collection[str]) -> dict[str, PaidTwice]:
    """Of these payments, those whose invoice was paid twice: which payment is one too many."""
    if not payments:
        return {}
    found: dict[tuple[str, str], tuple[int, list[Paid]]] = {}
    for row in session.execute(_PAYERS, {"ids": list(payments)}):
        paid = found.setdefault((row.asked, row.invoice_id), (row.owed, []))[1]
        paid.append(Paid(row.id, row.at, row.kept, row.channel, row.waiting))
    answers = {asked: paid_twice(owed, paid) for (asked, _), (owed, paid) in found.items()}
    return {asked: answer for asked, answer in answers.items() if answer}
