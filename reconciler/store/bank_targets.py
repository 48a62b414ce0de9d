"""What bank lines may be the bank's side of, each in the words of its own table.

A new kind of target is one more query that gives `kind, id, amount, currency, occurred_at, day,
name, title, names`: `amount` as the bank shows it, `name` a word of ours that finds it whatever the
amount, `title` what people call it, and `names` what a bank's text may call it.
"""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.bank_fees import SHARE
from reconciler.books.bank_lines import EARLY, LATE, Target, TargetKind
from reconciler.books.bank_sums import TOGETHER_MAX


def _unshown(kind: str, key: str) -> str:
    """What is on a line already is not looked for again."""
    return f"""not exists (select 1 from bank_line t where t.target_kind = '{kind}'
      and t.target_id = {key})
    and not exists (select 1 from bank_line_part t where t.target_kind = '{kind}'
      and t.target_id = {key})"""


def on_statement(kind: TargetKind, key: str) -> str:
    """The statement on whose line something stands, as SQL; null where it is on none."""
    return f"""(select l.statement_id from bank_line l
      where (l.target_kind, l.target_id) = ('{kind.value}', {key})
      or l.id = (select t.line_id from bank_line_part t
        where (t.target_kind, t.target_id) = ('{kind.value}', {key})))"""


_PAYOUTS = f"""select 'payout' as kind, p.id, p.amount, p.currency, p.occurred_at,
    coalesce(p.arrival_at, p.occurred_at)::date as day, p.rail_payout_id as name,
    p.rail_payout_id as title,
    array_remove(array[p.rail_payout_id, p.facts->>'trace_id'], null) as names
  from payout p
  where p.status in ('in_transit', 'paid', 'pending') and p.currency is not null and p.amount <> 0
    and {_unshown("payout", "p.id")}"""
_RECEIPTS = f"""select 'receipt' as kind, p.id, p.captured as amount, p.currency, p.occurred_at,
    p.occurred_at::date as day, null as name, '' as title,
    array_remove(array[p.facts->'texts'->'reference'->>1] || array(
      select i.number from allocation a join invoice i on i.id = a.invoice_id
      where a.payment_id = p.id), null) as names
  from payment p
  where p.rail = 'manual' and p.captured > 0
    and {_unshown("receipt", "p.id")}"""
_BILL_PAYMENTS = f"""select 'bill_payment' as kind, p.id, -p.amount as amount, b.currency,
    p.paid_on::timestamptz as occurred_at, p.paid_on as day, null as name,
    b.number || ', ' || v.name as title,
    array_remove(array[p.reference, b.number], null) as names
  from bill_payment p join bill b on b.id = p.bill_id join vendor v on v.id = b.vendor_id
  where p.closed_at is null
    and {_unshown("bill_payment", "p.id")}"""
_PREPAYMENTS = f"""select 'prepayment' as kind, p.id, -p.amount as amount, p.currency,
    p.paid_on::timestamptz as occurred_at, p.paid_on as day, null as name,
    p.code || ', ' || v.name as title,
    array_remove(array[p.reference, p.code], null) as names
  from prepayment p join vendor v on v.id = p.vendor_id
  where p.voided_at is null and p.kind = 'paid_ahead'
    and {_unshown("prepayment", "p.id")}"""
_VENDOR_REFUNDS = f"""select 'vendor_refund' as kind, p.id, p.amount, q.currency,
    p.received_on::timestamptz as occurred_at, p.received_on as day, null as name,
    q.code || ', ' || v.name as title,
    array_remove(array[p.reference, q.code], null) as names
  from vendor_refund p join prepayment q on q.id = p.prepayment_id
  join vendor v on v.id = q.vendor_id
  where p.closed_at is null
    and {_unshown("vendor_refund", "p.id")}"""
# What people paid back counts on the day that the sighting of it says, as in the ledger.
PAID_BACK_ON = """to_timestamp(
      (y.facts -> 'refunds' -> ('hand_' || substr(p.id, 5)) ->> 'created')::bigint)"""
PAID_BACK = """p.status = 'succeeded' and p.replaced_by is null and p.settled_by is not null
    and p.route <> 'kept' and p.method is distinct from 'cash'"""
REFUNDED_NAME = "concat_ws(', ', coalesce(i.number, d.code, y.rail_payment_id), c.name)"
REFUNDED = """refund_leg p join refund r on r.id = p.refund_id join payment y on y.id = p.payment_id
    left join invoice i on i.id = r.invoice_id left join deposit d on d.id = r.deposit_id
    left join customer c on c.id = r.customer_id"""
_REFUNDS = f"""select 'refund' as kind, p.id, -p.amount as amount, r.currency,
    {PAID_BACK_ON} as occurred_at, ({PAID_BACK_ON} at time zone 'UTC')::date as day, null as name,
    {REFUNDED_NAME} as title,
    array_remove(array[p.settled_reference, i.number, d.code], null) as names
  from {REFUNDED}
  where {PAID_BACK}
    and {_unshown("refund", "p.id")}"""
_BY_HAND = " union all ".join(
    f"({one})" for one in (_RECEIPTS, _BILL_PAYMENTS, _PREPAYMENTS, _VENDOR_REFUNDS, _REFUNDS)
)
_ALL = f"({_PAYOUTS}) union all {_BY_HAND}"
# Joined by what is equal, so that ten thousand lines cost one pass over the targets. The order is
# ours, for of tables that a first file or a backfill has just filled the planner knows nothing, and
# took for each line every payout first.
_NEAR = sa.text(
    f"""with l as materialized (select id, amount, currency, booked_on, text, reference
      from bank_line where id = any(:lines)),
    word as materialized (select distinct l.id, w.word from l cross join lateral
      regexp_split_to_table(l.text || ' ' || l.reference, '[^0-9A-Za-z_]+') as w(word)
      where length(w.word) > 5),
    payouts as materialized ({_PAYOUTS}),
    named as materialized (
      select word.id as line_id, c.* from word join payouts c on c.name = word.word),
    by_hand as materialized (select * from ({_BY_HAND}) h
      where (h.currency, h.amount) in (select currency, amount from l))
    select l.id as line_id, c.kind, c.id, c.amount, c.currency, c.day, c.title, c.names
    from l
    join payouts c on c.currency = l.currency and c.amount = l.amount
      and c.occurred_at between l.booked_on - interval '40 days'
        and l.booked_on + interval '40 days'
    union all
    select l.id, c.kind, c.id, c.amount, c.currency, c.day, c.title, c.names
    from l join named c on c.line_id = l.id and c.currency = l.currency and c.amount <> l.amount
      and c.occurred_at between l.booked_on - interval '40 days'
        and l.booked_on + interval '40 days'
    union all
    select l.id, c.kind, c.id, c.amount, c.currency, c.day, c.title, c.names
    from l join by_hand c on c.currency = l.currency and c.amount = l.amount
      and c.occurred_at between l.booked_on - interval '22 days'
        and l.booked_on + interval '22 days'"""
)
_OF_THE_DAYS = """c.day between l.booked_on - cast(:late as integer)
      and l.booked_on + cast(:early as integer)"""
# What came to a little more than the bank shows, which then took a fee.
_IS_A_LITTLE_MORE = f"""c.currency = l.currency
    and sign(c.amount) = sign(l.amount) and c.amount > l.amount
    and c.amount - l.amount <= greatest(abs(c.amount) / cast(:share as bigint),
      cast(:fee as bigint))
    and c.occurred_at between l.booked_on - interval '40 days'
      and l.booked_on + interval '40 days'
    and {_OF_THE_DAYS}"""
# Smaller things of the days around each line, of which it may be the sum. A line beside which
# there are more than can be told apart has none.
_IS_SMALLER = f"""c.currency = l.currency
    and sign(c.amount) = sign(l.amount) and abs(c.amount) < abs(l.amount) and {_OF_THE_DAYS}"""


def _parts(targets: str) -> str:
    return f"""near as (
      select l.id as line_id, c.kind, c.id, c.amount, c.currency, c.day, c.title, c.names
      from l join {targets} c on {_IS_SMALLER}),
    counted as (select near.*, count(*) over (partition by line_id, kind) as n from near)"""


_LINES = "l as (select id, amount, currency, booked_on from bank_line where id = any(:lines))"
_PARTS = sa.text(
    f"""with {_LINES}, {_parts(f"({_ALL})")}
    select line_id, kind, id, amount, currency, day, title, names from counted where n <= :most"""
)
# Both, for the lines of a page: what there is is gone through once for the two, and what it is
# called is put together of the days around them alone.
_AROUND = sa.text(
    f"""with {_LINES}, c as materialized (select c.* from ({_ALL}) c
      where c.day between (select min(booked_on) from l) - cast(:late as integer)
        and (select max(booked_on) from l) + cast(:early as integer)), {_parts("c")},
    short as (
      select l.id as line_id, c.kind, c.id, c.amount, c.currency, c.day, c.title, c.names
      from l join c on {_IS_A_LITTLE_MORE} order by l.id, c.amount - l.amount, c.id limit 500)
    select short.*, false as is_part from short
    union all
    select line_id, kind, id, amount, currency, day, title, names, true
    from counted where n <= :most"""
)
_TARGETS = {
    kind: sa.text(f"{query} and p.id = :id")
    for kind, query in (
        (TargetKind.PAYOUT, _PAYOUTS),
        (TargetKind.RECEIPT, _RECEIPTS),
        (TargetKind.BILL_PAYMENT, _BILL_PAYMENTS),
        (TargetKind.PREPAYMENT, _PREPAYMENTS),
        (TargetKind.VENDOR_REFUND, _VENDOR_REFUNDS),
        (TargetKind.REFUND, _REFUNDS),
    )
}


def targets_near(session: Session, line_ids: Sequence[str]) -> Iterator[tuple[str, Target]]:
    """For each line, what of its currency lies near it in time and is shown by no line yet."""
    for row in session.execute(_NEAR, {"lines": list(line_ids)}):
        yield row.line_id, _target(row)


def targets_around(
    session: Session, line_ids: Sequence[str], *, fee: int
) -> Iterator[tuple[str, Target, bool]]:
    """For each line, what is of its days and shown by no line yet: a little more, or smaller.

    True beside what is smaller, and may be a part of it. `fee` is the largest that is allowed, in
    minor units of whatever currency.
    """
    given = {**_around(line_ids), "share": SHARE, "fee": fee}
    for row in session.execute(_AROUND, given):
        yield row.line_id, _target(row), row.is_part


def parts_near(session: Session, line_ids: Sequence[str]) -> Iterator[tuple[str, Target]]:
    """For each line, what is smaller, of its days, and shown by no line yet."""
    for row in session.execute(_PARTS, _around(line_ids)):
        yield row.line_id, _target(row)


def _around(line_ids: Sequence[str]) -> dict[str, object]:
    return {
        "lines": list(line_ids), "late": LATE.days, "early": EARLY.days, "most": TOGETHER_MAX,
    }  # fmt: skip


def target(session: Session, kind: TargetKind, target_id: str) -> Target | None:
    """One thing that a line can be tied to; None if there is none, or a line shows it already."""
    row = session.execute(_TARGETS[kind], {"id": target_id}).first()
    return None if row is None else _target(row)


def _target(row: sa.Row[tuple[object, ...]]) -> Target:
    return Target(
        kind=TargetKind(row.kind),
        id=row.id,
        amount=row.amount,
        currency=row.currency,
        day=row.day,
        title=row.title,
        names=tuple(name for name in row.names if name),
    )
