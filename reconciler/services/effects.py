"""What a deed does in money to all that hangs on a payment: seen before it is done.

The amounts are read, the deed is done, they are read again, and the transaction is given up
(Runtime.rehearse). So a preview says exactly what the deed will do.
"""

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from reconciler.work import Work

# What a payment pays, directly or through a deposit of its.
_AMOUNTS = sa.text(
    """with touched as (
      select a.invoice_id, a.deposit_id from allocation a where a.payment_id = :payment
      union
      select u.invoice_id, null from application u join allocation a on a.deposit_id = u.deposit_id
      where a.payment_id = :payment)
    select 'invoice' as kind, i.id, i.number as name, i.currency, 'outstanding' as measure,
      i.outstanding as amount
      from invoice i where i.state = 'sent' and i.id in (select invoice_id from touched)
    union all select 'invoice', i.id, i.number, i.currency, 'credited', i.credited
      from invoice i where i.id in (select invoice_id from touched)
    union all select 'invoice', i.id, i.number, i.currency, 'written_off', i.write_offs
      from invoice i where i.id in (select invoice_id from touched)
    union all select 'invoice', i.id, i.number, i.currency, 'paid', i.paid
      from invoice i where i.id in (select invoice_id from touched)
    union all select 'deposit', d.id, d.code, d.currency, 'remaining',
      d.received - d.applied - d.refunded
      from deposit d where d.id in (select deposit_id from touched)
    union all select 'payment', p.id, p.rail_payment_id, p.currency, 'unapplied',
      p.captured - p.refunded - p.lost - coalesce(
        (select sum(a.amount) from allocation a where a.payment_id = p.id), 0)::bigint
      from payment p where p.id = :payment
    order by 1, 3, 5 desc"""
)


# All around an invoice: what pays it, and the deposits that its customer has.
_AROUND = sa.text(
    """with this as (select * from invoice where id = :invoice)
    select 'invoice' as kind, i.id, i.number as name, i.currency, 'outstanding' as measure,
      case when i.state = 'sent' then i.outstanding else 0 end as amount from this i
    union all select 'invoice', i.id, i.number, i.currency, 'paid', i.paid from this i
    union all select 'invoice', i.id, i.number, i.currency, 'credited', i.credited from this i
    union all select 'deposit', d.id, d.code, d.currency, 'remaining',
      d.received - d.applied - d.refunded
      from deposit d join this i on i.customer_id = d.customer_id and i.currency = d.currency
    union all select 'payment', p.id, p.rail_payment_id, p.currency, 'unapplied',
      p.captured - p.refunded - p.lost - coalesce(
        (select sum(a.amount) from allocation a where a.payment_id = p.id), 0)::bigint
      from payment p where p.id in (select a.payment_id from allocation a join this i
        on i.id = a.invoice_id)
    order by 1, 3, 5 desc"""
)


_Amounts = dict[tuple[str, str, str, str, str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One amount before and after, in minor units of `currency`.

    `measure` is outstanding, paid, credited or, of that, written_off of an invoice, remaining of a
    deposit, unapplied of a payment.
    """

    kind: str
    id: str
    name: str
    measure: str
    currency: str
    before: int
    after: int


def of(work: Work, payment_id: str, deed: Callable[[Work], object]) -> list[Effect]:
    """Do `deed` and give every amount around the payment that is another afterwards."""
    return _changed(work, deed, lambda: _amounts(work, _AMOUNTS, payment=payment_id))


def of_invoice(work: Work, invoice_id: str, deed: Callable[[Work], object]) -> list[Effect]:
    """Do `deed` and give every amount around the invoice that is another afterwards."""
    return _changed(work, deed, lambda: _amounts(work, _AROUND, invoice=invoice_id))


def _changed(
    work: Work, deed: Callable[[Work], object], look: Callable[[], _Amounts]
) -> list[Effect]:
    before = look()
    deed(work)
    work.session.flush()
    after = look()
    return [
        Effect(
            kind=kind, id=one, name=name, measure=measure, currency=currency,
            before=before.get((kind, one, name, currency, measure), 0), after=amount,
        )
        for (kind, one, name, currency, measure), amount in after.items()
        if before.get((kind, one, name, currency, measure), 0) != amount
    ]  # fmt: skip


def _amounts(work: Work, query: sa.TextClause, **about: str) -> _Amounts:
    rows = work.session.execute(query, about)
    return {(r.kind, r.id, r.name, r.currency or "", r.measure): r.amount for r in rows}
