"""What the books were made of, in the order in which it happened, and what they came to.

Read from one snapshot of the real books. What holds a step in its place is its rank, which its
transaction drew once it held all that it decided on; not the instant at which that began.
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
# What it was, by which ids, when and where it stands. A payment's or payout's row is ranked when it
# is written, and the events, deed or answer (`done`) that it was written with a little later: it is
# looked at after those. Rows from before there were ranks stand by their instant and by the
# transaction that wrote them.
_STEPS = sa.text(
    """with deed as (
      select a.at, min(a.rank) as rank, min(a.xmin::text::bigint) as xid, min(a.seq) as seq,
        string_agg(a.seq::text, ',' order by a.seq) as id,
        bool_or(a.action <> all(:outside)) as is_of_the_books
      from audit_line a
      group by a.at, a.xmin::text, a.cause_kind, a.cause_id, coalesce(a.request_id, '')
    ), events as (
      select o.applied_at as at, o.rank, min(o.xmin::text::bigint) as xid, min(o.seq) as seq,
        string_agg(o.seq::text, ',' order by o.seq) as id
      from inbox_outcome o where o.status = 'applied'
      group by o.applied_at, o.rank, case when o.rank is null then o.xmin::text end
    ), answer as (
      select s.at, s.rank, s.xmin::text::bigint as xid, s.seq, s.seq::text as id
      from refund_step s
      where s.leg_id is not null and s.before is not null and s.cause_kind in ('job', 'command')
    ), done as (
      select at, rank from deed union select at, rank from events union select at, rank from answer
    ), look as (
      select 'payment' as what, p.id, p.updated_at as at, p.rank, p.xmin::text::bigint as xid
      from payment p
      union all
      select 'payout', p.id, p.updated_at, p.rank, p.xmin::text::bigint from payout p
    )
    select what, id, at, rank from (
      select 'events' as what, id, at, rank, xid, 0 as place, seq from events
      union all
      select 'deed', id, at, rank, xid, 2, seq from deed where is_of_the_books
      union all
      select 'answer', id, at, rank, xid, 3, seq from answer
      union all
      select l.what, l.id, l.at, coalesce(min(d.rank), l.rank), l.xid, 4, 0
      from look l left join done d on d.at = l.at and d.rank >= l.rank
      group by l.what, l.id, l.at, l.rank, l.xid
      union all
      select 'movement', concat_ws('/', m.rail, m.account, m.rail_movement_id), m.created_at,
        m.rank, m.xmin::text::bigint, 4, 0 from balance_movement m
      union all
      select 'ties', '', l.settled_at, null, min(l.xmin::text::bigint), 5, 0 from bank_line l
      where l.state = 'tied' and l.tied_by is null and not exists (select 1 from audit_line a
        where a.at = l.settled_at and a.action = 'bank_lines.tied')
      group by l.settled_at
      union all
      select 'match', '', e.at, min(e.rank), 0, 5, 0 from journal_entry e
      where e.cause_kind = 'job' and e.cause_id = 'find_payments' and e.rank is not null
      group by e.at, e.xact
      union all
      select 'match', '', a.created_at, a.rank, 0, 5, 0 from allocation a
      where a.cause_kind = 'job' and a.cause_id = 'find_payments' and a.rank is not null
    ) s order by rank nulls first, at, case when rank is null then xid end, place, seq, id"""
)
# The documents that money of these events' payments was ever meant for: themselves, and where
# deposits among them were used.
_MEANT_FOR = sa.text(
    """with claim as (
      select distinct a.payment_id, a.invoice_id, a.deposit_id
      from inbox_outcome o join allocation a on a.payment_id = o.payment_id
      where o.seq = any(cast(:ids as bigint[]))
    )
    select payment_id, coalesce(invoice_id, deposit_id) from claim
    union select c.payment_id, u.invoice_id from claim c
      join application u on u.deposit_id = c.deposit_id where u.invoice_id is not null"""
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
    "leg": sa.text(
        "select id from refund_leg where reference = :one and :two = '' and :three = ''"
    ),
    "hand": sa.text(
        """select rail_payment_id from payment
        where id = :one and rail = 'manual' and :two = '' and :three = ''"""
    ),
}
_CLAIMS = sa.text(
    """select id, created_at, rank from allocation
    where payment_id = :payment and coalesce(invoice_id, deposit_id) = :target
    order by created_at, id"""
)
_MADE = sa.text("select id from allocation where id = any(:ids)")
_DEED = sa.text(
    """select l.action, l.subject, l.cause_kind, l.cause_id, l.at, w.body
    from audit_line l left join audit_words w on w.seq = l.seq
    where l.seq = any(cast(:ids as bigint[])) order by l.seq"""
)
_PAYMENT = sa.text(
    """select p.id, p.facts::text as facts, p.customer_id, p.strategy, p.reasons,
      array(select a.object_id from payment_alias a where a.payment_id = p.id order by 1) as aliases
    from payment p where p.id = :id"""
)
_PAYOUT = sa.text("select id, facts::text as facts, listed_at from payout where id = :id")
_MOVEMENT = sa.text(
    """select * from balance_movement
    where concat_ws('/', rail, account, rail_movement_id) = :id"""
)
_PAYOUT_LINES = sa.text(
    """select rail_movement_id, amount, fee, currency, category, source, moved_at
    from payout_line where payout_id = :id order by rail_movement_id"""
)
# Whatever a deed is about, by any of its ids.
_TOUCHED = sa.text(
    """select distinct payment_id from allocation
    where payment_id = any(:ids) or invoice_id = any(:ids) or deposit_id = any(:ids)
    union select id from payment where id = any(:ids)
    union select payment_id from refund_leg where refund_id = any(:ids)
    union select payment_id from review_item where id = any(:ids) and payment_id is not null
    union select payment_id from dispute where rail_dispute_id = any(:ids) order by 1"""
)
_TOUCHED_PAYOUTS = sa.text("select id from payout where id = any(:ids) order by 1")
_ANSWER = sa.text("select * from refund_step where seq = cast(:id as bigint)")
_SENT = sa.text(
    """select to_jsonb(t)::text from refund_attempt t
    where t.leg_id = :id and t.first_sent_at <= :at order by t.generation"""
)
_PUT_SENT = sa.text(
    """insert into refund_attempt
    select * from jsonb_populate_record(null::refund_attempt, cast(:row as jsonb))
    on conflict do nothing"""
)
_REFERENCES = sa.text("select reference from refund_leg where payment_id = :id")
_HAS_PAYMENT = sa.text("select 1 from payment where id = :id")
_UNAPPLIED_EVENTS = sa.text(
    """select e.rail_event_id, coalesce(o.status, 'new') as status, o.error from inbox_event e
    left join inbox_outcome o on o.seq = e.seq where coalesce(o.status, 'new') <> 'applied'
    order by e.seq"""
)
_TAKEN = {
    "lines of payouts": sa.text("select count(*) from payout_line"),
    "lines of bank statements": sa.text("select count(*) from bank_line"),
    "rows of imports": sa.text("select count(*) from imported_row"),
}
_CHANGED_BY_IMPORTS = sa.text(
    """select id, at, changed_count from import_file f where changed_count > 0
      and not exists (select 1 from imported_row k where k.import_id = f.id) order by at, id"""
)
_PAYOUTS_BY = sa.text("select id from payout where created_at <= :at order by created_at, id")
_TIED_AT = sa.text(
    """select target_id from bank_line where settled_at = :at and state = 'tied' and tied_by is null
    union select p.target_id from bank_line_part p join bank_line l on l.id = p.line_id
    where l.settled_at = :at and l.tied_by is null"""
)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened: what it was, by which ids, when, and its rank if it has one."""

    what: str
    id: str
    at: datetime
    rank: int | None


@dataclass(frozen=True, slots=True)
class Made:
    """A claim: when it was made, and its rank if it has one."""

    id: str
    at: datetime
    rank: int | None


def steps(session: Session, outside: Sequence[str]) -> Iterator[Step]:
    """All that happened, in order; of what people did, more than only actions `outside`."""
    session.execute(_PATIENT)
    found = session.execute(
        _STEPS.execution_options(yield_per=_ROWS_AT_A_TIME), {"outside": list(outside)}
    )
    return (Step(*row) for row in found)


def events(session: Session, ids: Sequence[str]) -> list[sa.Row[Any]]:
    """These events, in this order."""
    found = {str(row.seq): row for row in session.execute(_EVENTS, {"ids": list(ids)})}
    return [found[one] for one in ids]


def meant_for(session: Session, ids: Sequence[str]) -> dict[str, set[str]]:
    """By document, those of these events' payments whose money was ever meant for it."""
    found: dict[str, set[str]] = {}
    for payment_id, document in session.execute(_MEANT_FOR, {"ids": list(ids)}):
        found.setdefault(document, set()).add(payment_id)
    return found


def known(session: Session, name: str) -> list[str]:
    """Our ids of what is called so: `pay/rail/account/id`, `po/…` or `alo/payment/target`."""
    prefix, *of = name.split("/", 3)
    if prefix not in _KNOWN or not of:
        return []
    one, two, three = (*of, "", "")[:3]
    return list(session.scalars(_KNOWN[prefix], {"one": one, "two": two, "three": three}))


def claims(session: Session, payment_id: str, target: str) -> list[Made]:
    """The claims that a payment ever had on a document, the oldest first."""
    found = session.execute(_CLAIMS, {"payment": payment_id, "target": target})
    return [Made(*row) for row in found]


def made(session: Session, claims: Sequence[str]) -> list[str]:
    """Those of these claims that are there."""
    return list(session.scalars(_MADE, {"ids": list(claims)}))


def deed(session: Session, seqs: str) -> list[sa.Row[Any]]:
    """The lines of one transaction in the audit trail and their words, which may be erased."""
    return list(session.execute(_DEED, {"ids": seqs.split(",")}))


def payment(session: Session, payment_id: str) -> sa.Row[Any]:
    """A payment's facts, and the rail's ids that lead to it."""
    return session.execute(_PAYMENT, {"id": payment_id}).one()


def payout(session: Session, payout_id: str) -> sa.Row[Any]:
    """A payout's facts."""
    return session.execute(_PAYOUT, {"id": payout_id}).one()


def movement(session: Session, name: str) -> sa.Row[Any]:
    """A movement of no payment."""
    return session.execute(_MOVEMENT, {"id": name}).one()


def payout_lines(session: Session, payout_id: str) -> list[sa.Row[Any]]:
    """What a payout was listed to consist of."""
    return list(session.execute(_PAYOUT_LINES, {"id": payout_id}))


def taken(session: Session) -> dict[str, int]:
    """How much evidence is kept that no event told, by what it is."""
    return {name: int(session.execute(count).scalar_one()) for name, count in _TAKEN.items()}


def changed_by_imports(session: Session) -> list[sa.Row[Any]]:
    """Imports that changed what was there, and whose rows are not kept (or no longer)."""
    return list(session.execute(_CHANGED_BY_IMPORTS))


def payouts_by(session: Session, at: datetime) -> list[str]:
    """The payouts that were known by then."""
    return list(session.scalars(_PAYOUTS_BY, {"at": at}))


def tied_at(session: Session, at: datetime) -> list[str]:
    """What lines of a bank tied themselves to at this instant, and are tied to still."""
    return list(session.scalars(_TIED_AT, {"at": at}))


def touched(session: Session, subjects: Sequence[str]) -> list[str]:
    """The payments that have or had to do with any of these."""
    return list(session.scalars(_TOUCHED, {"ids": list(subjects)}))


def touched_payouts(session: Session, subjects: Sequence[str]) -> list[str]:
    """Those of these that are payouts."""
    return list(session.scalars(_TOUCHED_PAYOUTS, {"ids": list(subjects)}))


def answer(session: Session, seq: str) -> sa.Row[Any]:
    """What was concluded about a leg of a refund when it was sent, or was to be."""
    return session.execute(_ANSWER, {"id": seq}).one()


def sent(session: Session, leg_id: str, at: datetime) -> list[str]:
    """The keys under which a leg had been sent by then, as text."""
    return list(session.scalars(_SENT, {"id": leg_id, "at": at}))


def put_sent(session: Session, rows: Sequence[str]) -> None:
    """The same keys elsewhere."""
    for row in rows:
        session.execute(_PUT_SENT, {"row": row})


def references(session: Session, payment_id: str) -> set[str]:
    """The references of all legs of refunds on a payment."""
    return set(session.scalars(_REFERENCES, {"id": payment_id}))


def has_payment(session: Session, payment_id: str) -> bool:
    """Whether it is known."""
    return session.scalar(_HAS_PAYMENT, {"id": payment_id}) is not None


def unapplied_events(session: Session) -> list[sa.Row[Any]]:
    """Events that did not come through."""
    return list(session.execute(_UNAPPLIED_EVENTS))
