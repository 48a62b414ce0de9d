"""Where an id leads: ours, a rail's, an invoice number or a deposit code."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session

from reconciler import currencies, money
from reconciler.errors import Invalid
from reconciler.store import words

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
_SIGNS = "$€£¥"
SHOWN_MAX = 12  # of each kind
# Words that so many bear are not told apart by them: more are not looked at.
_MOST = 500
_NEWEST = 200  # payments: to make words of each takes as long as to find hundreds by them


def _found(name: str, table: str, words_of: str) -> str:
    return f"""{name} as materialized (select id from {table}
      where {words_of} @@ cast(:asked as tsquery) limit {_MOST})"""


def _paid(words_of: str) -> str:
    """Payments; a word that every payer bears is told by the newest, before the index names all.

    Where a page of the newest bear it, those are what is shown.
    """
    return f"""newest as materialized (select id from (select id, facts from payment
        order by occurred_at desc, id desc limit {_NEWEST}) n
      where {words_of} @@ cast(:asked as tsquery) limit {SHOWN_MAX}),
    payments as materialized (select id from newest union all (select id from payment
      where (select count(*) from newest) < {SHOWN_MAX}
        and {words_of} @@ cast(:asked as tsquery) limit {_MOST}))"""


def _theirs(table: str, owner: str, owners: str, at: str) -> str:
    """The newest of each whose own name is meant."""
    return f"""select n.* from (select id from {owners} limit {SHOWN_MAX}) o cross join lateral (
      select id from {table} where {owner} = o.id order by {at} desc, id desc
      limit {SHOWN_MAX}) n"""


def _newest(of: str, at: str) -> str:
    return f"order by {of}.{at} desc, {of}.id desc limit {SHOWN_MAX}"


_LOOK = sa.text(
    f"""with {_found("customers", "customer", words.of_customer())},
    {_found("vendors", "vendor", words.of_customer())},
    {_found("invoices", "invoice", words.of_number("number"))},
    {_found("deposits", "deposit", words.of_number("code"))},
    {_found("bills", "bill", words.of_number("number"))},
    {_found("prepayments", "prepayment", words.of_prepayment())},
    {_paid(words.of_payer())}
    (select 'customer' as kind, c.id, c.name as title, coalesce(c.email, '') as subtitle
      from customer c where c.id in (select id from customers)
      order by c.id desc limit {SHOWN_MAX})
    union all
    (select 'invoice', i.id, i.number, c.name
      from invoice i join customer c on c.id = i.customer_id
      where i.id in (select id from invoices
        union all {_theirs("invoice", "customer_id", "customers", "created_at")})
      {_newest("i", "created_at")})
    union all
    (select 'deposit', d.id, d.code, c.name from deposit d join customer c on c.id = d.customer_id
      where d.id in (select id from deposits
        union all {_theirs("deposit", "customer_id", "customers", "created_at")})
      {_newest("d", "created_at")})
    union all
    (select 'vendor', v.id, v.name, coalesce(v.email, '') from vendor v
      where v.id in (select id from vendors) order by v.id desc limit {SHOWN_MAX})
    union all
    (select 'bill', b.id, b.number, v.name from bill b join vendor v on v.id = b.vendor_id
      where b.id in (select id from bills
        union all {_theirs("bill", "vendor_id", "vendors", "created_at")})
      {_newest("b", "created_at")})
    union all
    (select 'prepayment', q.id, q.code, v.name
      from prepayment q join vendor v on v.id = q.vendor_id
      where q.id in (select id from prepayments
        union all {_theirs("prepayment", "vendor_id", "vendors", "created_at")})
      {_newest("q", "created_at")})
    union all
    (select 'payment', p.id, p.rail_payment_id,
        coalesce(c.name, p.facts -> 'payer' -> 'name' ->> 1,
          p.facts -> 'payer' -> 'email' ->> 1, '')
      from payment p left join customer c on c.id = p.customer_id
      where p.id in (select id from payments
        union all {_theirs("payment", "customer_id", "customers", "occurred_at")})
      {_newest("p", "occurred_at")})"""
)


def _of_amount(kind: str, table: str, amount: str, at: str) -> str:
    """The newest of each amount asked for, in a currency in which it is written like that.

    Said as a range and in the order of the index of amounts: an amount that nothing is of would
    else be looked for among all, the newest first.
    """
    return f"""select '{kind}' as kind, t.id, t.{amount} as amount, t.currency from asked a
      cross join lateral (select id, {amount}, currency from {table}
        where {amount} between a.amount and a.amount
          and currency = any(string_to_array(a.currencies, ' '))
        order by {amount} desc, {at} desc, id desc limit {SHOWN_MAX}) t"""


_OF_AMOUNT = sa.text(
    f"""with asked as (select * from unnest(cast(:amounts as bigint[]), cast(:currencies as text[]))
        as a(amount, currencies)),
      found as ({_of_amount("payment", "payment", "captured", "occurred_at")}
        union all {_of_amount("invoice", "invoice", "total", "created_at")}
        union all {_of_amount("deposit", "deposit", "amount", "created_at")})
    select f.kind, f.id, coalesce(i.number, d.code, p.rail_payment_id) as title, f.amount,
      f.currency, coalesce(c.name, p.facts -> 'payer' -> 'name' ->> 1,
        p.facts -> 'payer' -> 'email' ->> 1, '') as whose
    from found f left join payment p on f.kind = 'payment' and p.id = f.id
      left join invoice i on f.kind = 'invoice' and i.id = f.id
      left join deposit d on f.kind = 'deposit' and d.id = f.id
      left join customer c on c.id = coalesce(p.customer_id, i.customer_id, d.customer_id)
    order by f.kind, f.id desc"""
)
_ASKED = sa.text(words.ASKED)
# How many bear a word is known to the index alone, so it is never better to read a whole table.
_BY_INDEX = sa.text("set local enable_seqscan = off")


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
    """Documents and payments in whose number, or whose payer, each word typed begins a word."""
    asked = session.scalar(_ASKED, {"typed": query})
    if asked is None:
        return []
    session.execute(_BY_INDEX)
    return [Hit(*row) for row in session.execute(_LOOK, {"asked": asked})]


def of_amount(session: Session, query: str) -> list[Hit]:
    """Payments, invoices and deposits of exactly this amount, in any currency."""
    asked = _amounts(query)
    if not asked:
        return []
    given = {"amounts": list(asked), "currencies": list(asked.values())}
    session.execute(_BY_INDEX)
    return [
        Hit(row.kind, row.id, row.title, f"{money.shown(row.amount, row.currency)}, {row.whose}")
        for row in session.execute(_OF_AMOUNT, given)
    ]


def _amounts(query: str) -> Mapping[int, str]:
    """What may be meant, in minor units, each with the currencies that are written like that."""
    typed = query.strip().lstrip(_SIGNS).strip()
    found: dict[int, list[str]] = {}
    for currency in sorted(currencies.KNOWN):
        try:
            amount = money.parse(typed, currency).minor
        except Invalid:
            continue
        if amount > 0:
            found.setdefault(amount, []).append(currency)
    return {amount: " ".join(its) for amount, its in found.items()}
