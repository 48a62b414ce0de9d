"""What the books were made of, in the order in which it happened, and what they came to.

Read from one snapshot of the real books. What holds a step in its place is the instant, and among
those of one instant the transaction that wrote it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

_ROWS_AT_A_TIME = 1_000

# All of it is read from one snapshot, which takes as long as it takes.
_PATIENT = sa.text(
    """select set_config('statement_timeout', '0', true),
      set_config('idle_in_transaction_session_timeout', '0', true)"""
)
_STEPS = sa.text(
    """select what, id, at from (
      select 'event' as what, o.seq::text as id, o.applied_at as at, o.xmin::text::bigint as xid,
        0 as place, o.seq as seq
      from inbox_outcome o where o.status = 'applied'
      union all
      select 'refund', r.id, r.requested_at, coalesce((select min(s.xmin::text::bigint)
        from refund_step s where s.refund_id = r.id), r.xmin::text::bigint), 1, 0 from refund r
      union all
      select 'project', j.id, j.created_at, j.xmin::text::bigint, 1, 0 from project j
      union all
      select 'refund_decision', d.payment_id, d.created_at, d.xmin::text::bigint, 1, 0
      from refund_decision d
      union all
      select 'dispute_decision', d.payment_id, d.at, d.xmin::text::bigint, 1, d.seq
      from dispute_decision d
      union all
      select 'act', a.seq::text, a.at, a.xmin::text::bigint, 2, a.seq
      from audit_line a where a.action = any(:actions)
      union all
      select 'payment', p.id, p.updated_at, p.xmin::text::bigint, 3, 0 from payment p
      union all
      select 'payout', p.id, p.updated_at, p.xmin::text::bigint, 3, 0 from payout p
      union all
      select 'movement', concat_ws('/', m.rail, m.account, m.rail_movement_id), m.created_at,
        m.xmin::text::bigint, 3, 0 from balance_movement m
    ) s order by at, xid, place, seq, id"""
)
_EVENTS = sa.text("select * from inbox_event where seq = any(cast(:ids as bigint[]))")
# By what it is of: our ids of payments, payouts, and of each claim of a payment on a target.
_KNOWN = {
    "pay": sa.text(
        """select id from payment
        where rail = :one and account = :two and rail_payment_id = :three"""
    ),
    "po": sa.text(
        """select id from payout
        where rail = :one and account = :two and rail_payout_id = :three"""
    ),
    "alo": sa.text(
        """select id from allocation where payment_id = :one
          and coalesce(invoice_id, deposit_id) = :two and :three = '' order by created_at, id"""
    ),
}
_MADE = sa.text("select id from allocation where id = any(:ids)")
_ACT = sa.text(
    """select l.action, l.subject, l.cause_kind, l.cause_id, l.at, w.body,
      p.rail_payment_id
    from audit_line l left join audit_words w on w.seq = l.seq
    left join payment p on p.id = l.subject where l.seq = cast(:id as bigint)"""
)
_PAYMENT = sa.text(
    """select p.id, p.facts::text as facts, p.customer_id, p.strategy, p.reasons,
      array(select a.object_id from payment_alias a where a.payment_id = p.id order by 1) as aliases
    from payment p where p.id = :id"""
)
_PAYOUT = sa.text("select id, facts::text as facts from payout where id = :id")
_MOVEMENT = sa.text(
    """select * from balance_movement
    where concat_ws('/', rail, account, rail_movement_id) = :id"""
)
_TOUCHED = sa.text(
    """select distinct payment_id from allocation
    where payment_id = :id or invoice_id = :id or deposit_id = :id
    union select id from payment where id = :id order by 1"""
)
# What stands for itself: rows that people decided, taken as they are.
_TAKEN = {
    "refund": ("refund", "id"),
    "refund_leg": ("refund_leg", "refund_id"),
    "refund_decision": ("refund_decision", "payment_id"),
    "dispute_decision": ("dispute_decision", "payment_id"),
    "project": ("project", "id"),
    "change_order": ("change_order", "project_id"),
    "milestone": ("milestone", "project_id"),
}
_TAKE = {
    name: sa.text(f"select to_jsonb(t)::text from {table} t where {column} = :id")
    for name, (table, column) in _TAKEN.items()
}
_PUT = {
    name: sa.text(
        f"""insert into {table} overriding system value
        select * from jsonb_populate_record(null::{table}, cast(:row as jsonb))
        on conflict do nothing"""
    )
    for name, (table, _) in _TAKEN.items()
}
_HAS_PAYMENT = sa.text("select 1 from payment where id = :id")
_UNAPPLIED_EVENTS = sa.text(
    """select e.rail_event_id, coalesce(o.status, 'new') as status, o.error from inbox_event e
    left join inbox_outcome o on o.seq = e.seq where coalesce(o.status, 'new') <> 'applied'
    order by e.seq"""
)
# What both books hold, under a name by which people know it.
HELD = {
    "the journal": """select concat_ws(' ', coalesce(e.payment_id, e.payout_id, ''),
        coalesce(e.invoice_id, e.deposit_id, ''), e.prepayment_id, e.bill_id), a.role,
        concat_ws(' ', a.rail, nullif(a.category, '')), a.currency,
        sum(x.amount)::bigint
      from posting x join journal_entry e on e.id = x.entry_id
        join ledger_account a on a.id = x.account_id
      group by 1, 2, 3, 4 having sum(x.amount) <> 0""",
    "payment": """select id, '', '', coalesce(currency, ''), concat_ws('/', status, captured,
      refunded, lost, disputed, fee) from payment""",
    "payout": """select id, '', '', coalesce(currency, ''), concat_ws('/', status, amount)
      from payout""",
    "invoice": """select id, number, '', currency, concat_ws('/', state, total, tax, paid,
      credit_notes, refund_credits, write_offs, outstanding) from invoice""",
    "deposit": """select id, code, '', currency, concat_ws('/', amount, received, applied, refunded)
      from deposit""",
    "bill": """select id, number, '', currency, concat_ws('/', state, total, tax, paid)
      from bill""",
    "prepayment": """select id, code, '', currency, concat_ws('/', amount, applied, refunded,
      voided_at is not null) from prepayment""",
    "claim": """select concat_ws(' ', payment_id, coalesce(invoice_id, deposit_id)), '', '', '',
      concat_ws('/', sum(amount), sum(credited), sum(reopened), sum(written_off))
      from allocation group by 1
      having sum(amount) <> 0 or sum(credited + reopened + written_off) <> 0""",
    "application": """select concat_ws(' ', deposit_id, invoice_id), '', '', '',
      concat_ws('/', sum(amount), sum(credited), sum(reopened), sum(written_off))
      from application group by 1
      having sum(amount) <> 0 or sum(credited + reopened + written_off) <> 0""",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened: what it was, by which id, and when."""

    what: str
    id: str
    at: datetime


def steps(session: Session, actions: Sequence[str]) -> Iterator[Step]:
    """All that happened, in order; of what people did, only these actions."""
    session.execute(_PATIENT)
    found = session.execute(
        _STEPS.execution_options(yield_per=_ROWS_AT_A_TIME), {"actions": list(actions)}
    )
    return (Step(row.what, row.id, row.at) for row in found)


def events(session: Session, ids: Sequence[str]) -> list[sa.Row[Any]]:
    """These events, in this order."""
    found = {str(row.seq): row for row in session.execute(_EVENTS, {"ids": list(ids)})}
    return [found[one] for one in ids]


def known(session: Session, name: str) -> list[str]:
    """Our ids of what is called so: `pay/rail/account/id`, `po/…` or `alo/payment/target`."""
    prefix, *of = name.split("/", 3)
    if prefix not in _KNOWN or not of:
        return []
    one, two, three = (*of, "", "")[:3]
    return list(session.scalars(_KNOWN[prefix], {"one": one, "two": two, "three": three}))


def made(session: Session, claims: Sequence[str]) -> list[str]:
    """Those of these claims that are there."""
    return list(session.scalars(_MADE, {"ids": list(claims)}))


def act(session: Session, seq: str) -> sa.Row[Any]:
    """A line of the audit trail and its words, which may be erased."""
    return session.execute(_ACT, {"id": seq}).one()


def payment(session: Session, payment_id: str) -> sa.Row[Any]:
    """A payment's facts, and the rail's ids that lead to it."""
    return session.execute(_PAYMENT, {"id": payment_id}).one()


def payout(session: Session, payout_id: str) -> sa.Row[Any]:
    """A payout's facts."""
    return session.execute(_PAYOUT, {"id": payout_id}).one()


def movement(session: Session, name: str) -> sa.Row[Any]:
    """A movement of no payment."""
    return session.execute(_MOVEMENT, {"id": name}).one()


def touched(session: Session, subject: str) -> list[str]:
    """The payments that have or had to do with a payment, invoice or deposit."""
    return list(session.scalars(_TOUCHED, {"id": subject}))


def taken(session: Session, name: str, subject: str) -> list[str]:
    """Rows as they stand, as text."""
    return list(session.scalars(_TAKE[name], {"id": subject}))


def put(session: Session, name: str, rows: Sequence[str]) -> None:
    """The same rows elsewhere."""
    for row in rows:
        session.execute(_PUT[name], {"row": row})


def has_payment(session: Session, payment_id: str) -> bool:
    """Whether it is known."""
    return session.scalar(_HAS_PAYMENT, {"id": payment_id}) is not None


def unapplied_events(session: Session) -> list[sa.Row[Any]]:
    """Events that did not come through."""
    return list(session.execute(_UNAPPLIED_EVENTS))


def held(session: Session, noun: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is held of a noun, by id: that and the words beside it, then the amounts."""
    session.execute(_PATIENT)
    in_order = ", ".join(f'{name} collate "C"' for name in "abcd")
    statement = sa.text(
        f"select a, b, c, d, coalesce(held::text, '') from ({HELD[noun]}) h(a, b, c, d, held)"
        f" order by {in_order}"
    )
    found = session.execute(statement.execution_options(yield_per=_ROWS_AT_A_TIME))
    return ((tuple(row[:-1]), row[-1]) for row in found)
