"""What people call the things that audit lines and notes are about: number, whose, how much."""

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session

# By their ids, ours and of disputes also the rail's; each branch looks up its own by key.
_SUBJECTS = sa.text(
    """select p.id, 'payment' as noun, '' as number, coalesce(c.name,
        p.facts -> 'payer' -> 'name' ->> 1, p.facts -> 'payer' -> 'email' ->> 1) as whose,
      p.captured as amount, p.currency, p.id as page
    from payment p left join customer c on c.id = p.customer_id where p.id = any(:ids)
    union all
    select r.id, 'refund', coalesce(i.number, d.code, ''), c.name, r.amount, r.currency, r.id
    from refund r left join customer c on c.id = r.customer_id
      left join invoice i on i.id = r.invoice_id left join deposit d on d.id = r.deposit_id
    where r.id = any(:ids)
    union all
    select i.id, 'invoice', i.number, c.name, i.total, i.currency, i.id
    from invoice i join customer c on c.id = i.customer_id where i.id = any(:ids)
    union all
    select d.id, 'deposit', d.code, c.name, d.amount, d.currency, d.id
    from deposit d join customer c on c.id = d.customer_id where d.id = any(:ids)
    union all
    select c.id, 'customer', '', c.name, null, null, c.id from customer c where c.id = any(:ids)
    union all
    select j.id, 'project', j.name, c.name, j.approved_price, j.currency, j.id
    from project j join customer c on c.id = j.customer_id where j.id = any(:ids)
    union all
    select m.id, 'milestone', m.name || ' of ' || j.name, c.name, m.amount, m.currency, j.id
    from milestone m join project j on j.id = m.project_id
      join customer c on c.id = j.customer_id where m.id = any(:ids)
    union all
    select o.id, 'proposal', o.name, c.name, o.price, o.currency, o.id
    from proposal o join customer c on c.id = o.customer_id where o.id = any(:ids)
    union all
    select q.id, 'question', q.kind, coalesce(c.name, p.facts -> 'payer' -> 'name' ->> 1,
      p.facts -> 'payer' -> 'email' ->> 1), q.amount, q.currency, q.id
    from review_item q left join payment p on p.id = q.payment_id
      left join customer c on c.id = p.customer_id where q.id = any(:ids)
    union all
    select s.rail_dispute_id, 'dispute', '', c.name, s.amount, s.currency, s.id
    from dispute s join payment p on p.id = s.payment_id
      left join customer c on c.id = p.customer_id where s.rail_dispute_id = any(:ids)
    union all
    select s.id, 'dispute', '', c.name, s.amount, s.currency, s.id
    from dispute s join payment p on p.id = s.payment_id
      left join customer c on c.id = p.customer_id where s.id = any(:ids)
    union all
    select o.id, 'payout', '', null, o.amount, o.currency, o.id from payout o where o.id = any(:ids)
    union all
    select b.id, 'bill', b.number, v.name, b.total, b.currency, b.id
    from bill b join vendor v on v.id = b.vendor_id where b.id = any(:ids)
    union all
    select a.id, 'prepayment', a.code, v.name, a.amount, a.currency, a.id
    from prepayment a join vendor v on v.id = a.vendor_id where a.id = any(:ids)
    union all
    select v.id, 'vendor', '', v.name, null, null, v.id from vendor v where v.id = any(:ids)
    union all
    select l.id, 'bank line', l.reference, nullif(coalesce(nullif(l.counterparty, ''), l.text), ''),
      l.amount, l.currency, l.statement_id
    from bank_line l where l.id = any(:ids)
    union all
    select t.id, 'link', '', c.name, null, null, c.id
    from portal_link t join customer c on c.id = t.customer_id where t.id = any(:ids)
    union all
    select k.id, 'pay link', coalesce(i.number, d.code), c.name, k.amount, k.currency,
      coalesce(i.id, d.id)
    from pay_link k left join invoice i on i.id = k.invoice_id
      left join deposit d on d.id = k.deposit_id
      left join customer c on c.id = coalesce(i.customer_id, d.customer_id)
    where k.id = any(:ids)
    union all
    select u.id, 'person', '', u.name, null, null, null from user_account u where u.id = any(:ids)
    union all
    select k.id, 'key', '', k.name, null, null, null from api_key k where k.id = any(:ids)
    union all
    select a.id, 'match with', coalesce(i.number, d.code), null, null, null, coalesce(i.id, d.id)
    from allocation a left join invoice i on i.id = a.invoice_id
      left join deposit d on d.id = a.deposit_id where a.id = any(:ids)
    union all
    select x.id, 'use of', d.code, null, null, null, d.id
    from application x join deposit d on d.id = x.deposit_id where x.id = any(:ids)
    union all
    select n.id, 'credit note', coalesce(n.number, ''), null, n.amount, i.currency, i.id
    from credit_note n join invoice i on i.id = n.invoice_id where n.id = any(:ids)
    union all
    select y.id, 'bank fee on', i.number, null, y.amount, i.currency, i.id
    from short_payment y join invoice i on i.id = y.invoice_id where y.id = any(:ids)
    union all
    select g.id, 'run over', g.rail, null, null, null, g.id
    from reconciliation_run g where g.id = any(:ids)
    union all
    select of.key, 'movement', '', q.details ->> 'category', -q.amount, q.currency, of.key
    from unnest(cast(:ids as text[])) of(key) join lateral (
      select * from review_item r where r.kind = 'unclassified_movement'
        and r.subject = regexp_replace(of.key, '^.*/', '')
      order by r.opened_at desc, r.id desc limit 1) q on of.key like '%/%'"""
)


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing: `noun` says of which kind, `number` its own, of a question its kind.

    `whose` is the customer, vendor or payer, where it is anybody's; minor units of `currency`.
    `page` is the id of what the page that shows it is about, None where there is none.
    """

    id: str
    noun: str
    number: str
    whose: str | None
    amount: int | None
    currency: str | None
    page: str | None = None


def told(session: Session, ids: Collection[str]) -> dict[str, Subject]:
    """Those of these things that have a name, by id."""
    rows = session.execute(_SUBJECTS, {"ids": sorted(set(ids))})
    return {row.id: Subject(**row._asdict()) for row in rows}
