"""Where an id leads: ours, a rail's, an invoice number or a deposit code."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session

_JUMP = sa.text(
    """select 'payment' as kind, id from payment where id = :q or rail_payment_id = :q
    union all select 'payment', a.payment_id from payment_alias a where a.object_id = :q
      and not exists (select 1 from dispute d where d.rail_dispute_id = :q and d.kind <> 'return')
    union all select 'dispute', id from dispute
      where id = :q or (rail_dispute_id = :q and kind <> 'return')
    union all select 'invoice', id from invoice
      where id = :q or lower(btrim(number)) = lower(:q)
    union all select 'deposit', id from deposit where id = :q or lower(btrim(code)) = lower(:q)
    union all select 'event', rail_event_id from inbox_event where rail_event_id = :q
    union all select 'refund', refund_id from refund_leg where rail_refund_id = :q
    union all select 'refund', id from refund where id = :q
    union all select 'customer', id from customer where id = :q
    union all select 'customer', customer_id from customer_rail_id where rail_customer_id = :q
    union all select 'payout', id from payout where id = :q or rail_payout_id = :q
    union all select 'vendor', id from vendor where id = :q
    union all select 'bill', id from bill
      where id = :q or (lower(btrim(number)) = lower(:q) and state <> 'void')
    union all select 'prepayment', id from prepayment
      where id = :q or lower(btrim(code)) = lower(:q)
    limit 20"""
)
_LOOK = sa.text(
    """(select 'customer' as kind, c.id, c.name as title, coalesce(c.email, '') as subtitle
      from customer c where c.name ilike :like or c.email ilike :like
      order by c.id desc limit 12)
    union all
    (select 'invoice', i.id, i.number, c.name
      from invoice i join customer c on c.id = i.customer_id
      where i.number ilike :like or c.name ilike :like or c.email ilike :like
      order by i.created_at desc limit 12)
    union all
    (select 'deposit', d.id, d.code, c.name from deposit d join customer c on c.id = d.customer_id
      where d.code ilike :like or c.name ilike :like or c.email ilike :like
      order by d.created_at desc limit 12)
    union all
    (select 'vendor', v.id, v.name, coalesce(v.email, '') from vendor v
      where v.name ilike :like or v.email ilike :like order by v.id desc limit 12)
    union all
    (select 'bill', b.id, b.number, v.name from bill b join vendor v on v.id = b.vendor_id
      where b.number ilike :like or v.name ilike :like order by b.created_at desc limit 12)
    union all
    (select 'prepayment', q.id, q.code, v.name
      from prepayment q join vendor v on v.id = q.vendor_id
      where q.code ilike :like or q.reference ilike :like or v.name ilike :like
      order by q.created_at desc limit 12)
    union all
    (select 'payment', p.id, p.rail_payment_id,
        coalesce(c.name, p.facts -> 'payer' -> 'name' ->> 1,
          p.facts -> 'payer' -> 'email' ->> 1, '')
      from payment p left join customer c on c.id = p.customer_id
      where p.rail_payment_id ilike :like or c.name ilike :like
        or p.facts -> 'payer' -> 'name' ->> 1 ilike :like
        or p.facts -> 'payer' -> 'email' ->> 1 ilike :like
      order by p.occurred_at desc limit 12)"""
)


@dataclass(frozen=True, slots=True)
class Hit:
    """Something found."""

    kind: str
    id: str
    title: str
    subtitle: str


def jump(session: Session, query: str) -> tuple[str, str] | None:
    """What kind of thing has exactly this id, and our id of it; None if none or several have."""
    found = {tuple(row) for row in session.execute(_JUMP, {"q": query})}
    return (str(first[0]), str(first[1])) if len(found) == 1 and (first := found.pop()) else None


def look(session: Session, query: str) -> list[Hit]:
    """Documents and payments whose number or payer holds these words."""
    escaped = query.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return [Hit(*row) for row in session.execute(_LOOK, {"like": f"%{escaped}%"})]
