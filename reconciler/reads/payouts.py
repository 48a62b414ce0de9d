"""Payouts as lists and screens show them: where each stands, what it consists of, the rest."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import payout_lines
from reconciler.books.payout_lines import Lines
from reconciler.books.payouts import PayoutStatus
from reconciler.errors import NotFound
from reconciler.reads.pages import Listing, Order, Page, Wanted, in_order
from reconciler.reads.screens_payments import EventLine
from reconciler.store.payout_rows import decode_facts

LINES_MAX = 1_000  # shown with one payout; a list shows fewer of each
LINES_IN_LISTS_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRow:
    """A movement that a payout consists of, in minor units of `currency`; `net` is less the fee.

    `payment_id` or `payout_id` is what it belongs to here; `known_net` what the books have of it,
    None where they have not heard of it.
    """

    id: str
    category: str
    source: str | None
    amount: int
    fee: int
    net: int
    currency: str
    moved_at: datetime
    payment_id: str | None
    payer: str | None
    payout_id: str | None
    known_net: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutRow:
    """One payout, in minor units of `currency`; a negative amount is taken from the bank.

    `lines` are the first of `line_count` lines, and `lines_net` is what all of them come to.
    `difference` is what of the amount they leave unexplained: None while the rail has not listed
    them, and for ever where it cannot (`lines_can_be_told`). `arrival_on` is the day, in UTC, on
    which the rail expects it at the bank.
    """

    id: str
    rail: str
    rail_payout_id: str
    livemode: bool
    currency: str | None
    amount: int
    status: PayoutStatus
    arrival_on: date | None
    automatic: bool
    instant: bool
    lines_can_be_told: bool
    line_count: int
    lines_net: int
    lines: list[LineRow]
    difference: int | None
    listed_at: datetime | None
    failure: str | None
    reverses: str | None
    reversed_by: str | None
    trace_id: str | None
    statement_descriptor: str | None
    bank_account_last4: str | None
    review_item_id: str | None
    created_at: datetime
    updated_at: datetime
    rev: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """All lines of one category. Minor units of the payout's currency."""

    category: str
    number: int
    amount: int
    fee: int
    net: int


LISTING = Listing(
    source="payout p",
    order=Order(("p.occurred_at", "p.id"), ("timestamptz", "text")),
    conditions={
        "rail": "p.rail = :rail",
        "rail_payout_id": "p.rail_payout_id = :rail_payout_id",
        "status": "p.status = :status",
        "under_way": "(p.status in ('pending', 'in_transit')) = :under_way",
        "came_back": "(p.status in ('canceled', 'failed')) = :came_back",
        "currency": "p.currency = :currency",
        # From the payment on: there are many payouts.
        "payment_id": """p.id in (select q.id from rail_object o
          join payout_line l on l.rail_movement_id = o.object_id
          join payout q on q.id = l.payout_id and q.rail = o.rail and q.account = o.account
          where o.payment_id = :payment_id and o.kind = 'balance_transaction')""",
    },
)
LINES = Listing(
    source="payout_line l",
    order=Order(("l.moved_at", "l.rail_movement_id"), ("timestamptz", "text")),
    conditions={"payout_id": "l.payout_id = :payout_id"},
)
_PAYOUTS = sa.text(
    """select p.*, p.facts::text as known, (p.arrival_at at time zone 'UTC')::date
        as arrival_on,
      (select r.id from review_item r where r.subject = p.id and r.state = 'open'
        and r.kind in ('payout_failed', 'payout_difference') order by r.opened_at limit 1)
        as review_item_id
    from payout p where p.id = any(:ids)"""
)
_LINES = """select l.payout_id as owner, l.rail_movement_id as id, l.category, l.source, l.amount,
      l.fee, l.amount - l.fee as net, l.currency, l.moved_at, o.payment_id, o.amount as known_net,
      coalesce(c.name, p.facts -> 'payer' -> 'name' ->> 1, p.facts -> 'payer' -> 'email' ->> 1)
        as payer,
      (select r.id from payout r where r.rail = w.rail and r.account = w.account
        and r.rail_payout_id = l.source) as payout_id
    from payout_line l join payout w on w.id = l.payout_id
      left join rail_object o on o.rail = w.rail and o.account = w.account
        and o.kind = 'balance_transaction' and o.object_id = l.rail_movement_id
      left join payment p on p.id = o.payment_id left join customer c on c.id = p.customer_id"""
_FIRST_LINES = sa.text(
    f"""{_LINES} where (l.payout_id, l.rail_movement_id) in (
      select t.payout_id, t.rail_movement_id from unnest(cast(:ids as text[])) as k(id)
      cross join lateral (select payout_id, rail_movement_id from payout_line
        where payout_id = k.id order by moved_at desc, rail_movement_id desc limit :limit) t)
    order by l.moved_at desc, l.rail_movement_id desc"""
)
_THESE_LINES = sa.text(
    f"{_LINES} where l.payout_id = :payout_id and l.rail_movement_id = any(:ids)"
)
_SUMS = sa.text(
    """select l.category, count(*) as number, sum(l.amount)::bigint as amount,
      sum(l.fee)::bigint as fee, sum(l.amount - l.fee)::bigint as net
    from payout_line l join payout p on p.id = l.payout_id and p.currency = l.currency
    where p.id = :id group by 1 order by sum(abs(l.amount)) desc, 1"""
)
_EVENTS = sa.text(
    """select e.seq, e.rail_event_id, e.type, e.created, e.received_at, o.status
    from inbox_outcome o join inbox_event e on e.seq = o.seq
    where o.payout_id = :id order by e.created, e.seq limit 50"""
)


def page(
    session: Session, filters: Mapping[str, object], wanted: Wanted, *, shown: int | None = None
) -> Page[PayoutRow]:
    """Payouts, the last made first, each with the first of its lines."""
    ids, more = LISTING.keys(session, filters, wanted)
    some = LINES_IN_LISTS_MAX if shown is None else shown
    return Page(in_order(ids, load(session, ids, shown=some)), more)


def one(session: Session, payout_id: str, *, shown: int = LINES_MAX) -> PayoutRow:
    """One payout. Raises NotFound."""
    found = load(session, [payout_id], shown=shown)
    if not found:
        raise NotFound(f"there is no payout {payout_id}")
    return found[payout_id]


def lines(session: Session, payout_id: str, wanted: Wanted) -> Page[LineRow]:
    """What a payout consists of, the last moved first. Raises NotFound."""
    one(session, payout_id, shown=0)
    ids, more = LINES.keys(session, {"payout_id": payout_id}, wanted)
    given = {"payout_id": payout_id, "ids": ids}
    rows = {row.id: _line(row) for row in session.execute(_THESE_LINES, given)}
    return Page(in_order(ids, rows), more)


def sums(session: Session, payout_id: str) -> list[Sum]:
    """What its lines in its own currency come to by category, the weightiest first."""
    return [Sum(**row._asdict()) for row in session.execute(_SUMS, {"id": payout_id})]


def events(session: Session, payout_id: str) -> list[EventLine]:
    """The events that told of it, in the rail's order."""
    return [EventLine(**row._asdict()) for row in session.execute(_EVENTS, {"id": payout_id})]


def load(session: Session, ids: Collection[str], *, shown: int) -> dict[str, PayoutRow]:
    """These payouts, by our id."""
    found: dict[str, list[LineRow]] = {}
    given = {"ids": list(ids), "limit": shown}
    for row in session.execute(_FIRST_LINES, given) if shown else ():
        found.setdefault(row.owner, []).append(_line(row))
    return {
        row.id: _payout(row, found.get(row.id, []))
        for row in session.execute(_PAYOUTS, {"ids": list(ids)})
    }


def _payout(row: sa.Row[tuple[object, ...]], some: list[LineRow]) -> PayoutRow:
    facts = decode_facts(row.known)
    known = Lines(count=row.line_count, net=row.lines_net, is_whole=row.listed_at is not None)
    same = PayoutRow.__dataclass_fields__.keys() & row._fields
    values = {name: getattr(row, name) for name in same} | {
        "status": PayoutStatus(row.status),
        "automatic": facts.is_automatic,
        "instant": facts.is_instant,
        "lines_can_be_told": payout_lines.is_told(facts),
        "lines": some,
        "difference": payout_lines.difference(facts, known),
        "failure": facts.failure,
        "reverses": facts.original,
        "reversed_by": facts.reversed_by,
        "trace_id": facts.trace_id,
        "statement_descriptor": facts.descriptor,
        "bank_account_last4": facts.destination_last4,
        "created_at": row.occurred_at,
    }
    return PayoutRow(**values)


def _line(row: sa.Row[tuple[object, ...]]) -> LineRow:
    return LineRow(**{name: getattr(row, name) for name in LineRow.__dataclass_fields__})
