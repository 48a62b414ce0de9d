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
    before = _amounts(work, payment_id)
    deed(work)
    work.session.flush()
    after = _amounts(work, payment_id)
    return [
        Effect(
            kind=kind, id=one, name=name, measure=measure, currency=currency,
            before=before.get((kind, one, name, currency, measure), 0), after=amount,
        )
        for (kind, one, name, currency, measure), amount in after.items()
        if before.get((kind, one, name, currency, measure), 0) != amount
    ]  # fmt: skip


def _amounts(work: Work, payment_id: str) -> dict[tuple[str, str, str, str, str], int]:
    rows = work.session.execute(_AMOUNTS, {"payment": payment_id})
    return {(r.kind, r.id, r.name, r.currency or "", r.measure): r.amount for r in rows}
