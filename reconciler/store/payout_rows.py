"""Statements of payouts, their lines, and the balance movements of no payment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.observations import BalanceFact
from reconciler.books.payout_lines import NO_LINES, Lines
from reconciler.books.payouts import Movement, PayoutFacts
from reconciler.books.posting_rules import Booked
from reconciler.timestamps import from_epoch

Key = tuple[str, str, str]  # rail, account, the rail's id

_COLUMNS = """id, facts::text as facts, booked::text as booked, fetch_due_at, fetch_attempts,
  line_count, lines_net, listed_at"""
_LOCK = sa.text(
    f"""select {_COLUMNS} from payout where id in (
      select p.id from payout p join unnest(cast(:rails as text[]), cast(:accounts as text[]),
        cast(:payouts as text[])) as k(rail, account, payout)
      on p.rail = k.rail and p.account = k.account and p.rail_payout_id = k.payout)
    order by id for no key update"""
)
_INSERT = sa.text(
    """insert into payout (id, rail, account, rail_payout_id, currency, amount, status, arrival_at,
      facts, booked, line_count, lines_net, listed_at, fetch_due_at, fetch_attempts, livemode,
      occurred_at, created_at, updated_at)
    values (:id, :rail, :account, :rail_payout_id, :currency, :amount, :status, :arrival_at,
      cast(:facts as jsonb), cast(:booked as jsonb), :line_count, :lines_net, :listed_at,
      :fetch_due_at, :fetch_attempts, :livemode, :occurred_at, :now, :now)
    on conflict (rail, account, rail_payout_id) do nothing"""
)
_UPDATE = sa.text(
    """update payout set currency = :currency, amount = :amount, status = :status,
      arrival_at = :arrival_at, facts = cast(:facts as jsonb), booked = cast(:booked as jsonb),
      line_count = :line_count, lines_net = :lines_net, listed_at = :listed_at,
      fetch_due_at = :fetch_due_at, fetch_attempts = :fetch_attempts, livemode = :livemode,
      occurred_at = :occurred_at, updated_at = :now, rev = rev + 1, rank = nextval('rank')
    where id = :id"""
)
_INSERT_MOVEMENT = sa.text(
    """insert into balance_movement (rail, account, rail_movement_id, amount, fee, currency,
      category, kind, balance_type, source, moved_at, created_at)
    values (:rail, :account, :rail_movement_id, :amount, :fee, :currency, :category, :kind,
      :balance_type, :source, :moved_at, :now)
    on conflict do nothing"""
)

_DUE = sa.text(
    """select id, facts::text as facts, fetch_attempts from payout where fetch_due_at <= :now
    order by fetch_due_at limit :limit for no key update skip locked"""
)
_PUT_OFF = sa.text(
    """update payout set fetch_due_at = :due, fetch_attempts = fetch_attempts + 1 where id = :id"""
)
_ADD_LINES = sa.text(
    """insert into payout_line
      (payout_id, rail_movement_id, amount, fee, currency, category, source, moved_at)
    select p.id, n.movement, n.amount, n.fee, n.currency, n.category, n.source,
      to_timestamp(n.moved)
    from payout p, unnest(cast(:movement as text[]), cast(:amount as bigint[]),
      cast(:fee as bigint[]), cast(:currency as text[]), cast(:category as text[]),
      cast(:source as text[]), cast(:moved as bigint[]))
      as n(movement, amount, fee, currency, category, source, moved)
    where p.rail = :rail and p.account = :account and p.rail_payout_id = :payout
    order by n.movement on conflict do nothing"""
)
_LINES = sa.text(
    """select count(*) as lines,
      coalesce(sum(amount - fee) filter (where currency = :currency), 0)::bigint as net
    from payout_line where payout_id = :id"""
)

# What may still change, whatever its age: not at the bank yet, or there for so short a time that
# the bank may send it back; not listed whole, or listed and not adding up.
_OPEN = sa.text(
    """select id, facts::text as facts from payout where id > :after
      and (status in ('pending', 'in_transit')
        or status = 'paid' and greatest(arrival_at, occurred_at) > :recently
        or status not in ('canceled', 'failed') and facts->>'is_automatic' = 'true'
          and facts->>'is_instant' is null and (listed_at is null or lines_net <> amount)
          and occurred_at > :not_old)
    order by id limit :limit"""
)
_FACTS = sa.text("select facts::text as facts from payout where id = :id")
_KEPT_LINES = sa.text(
    """select rail_movement_id, amount - fee as net, currency from payout_line
    where payout_id = :id order by 1"""
)

_facts_decoder = msgspec.json.Decoder(PayoutFacts)
_booked_decoder = msgspec.json.Decoder(Booked)


@dataclass(slots=True)
class PayoutRow:
    """A locked payout, or one about to be made (`is_new`)."""

    id: str
    facts: PayoutFacts
    booked: Booked
    lines: Lines = NO_LINES
    listed_at: datetime | None = None
    fetch_due_at: datetime | None = None
    fetch_attempts: int = 0
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """The columns that follow from a payout's facts. Minor units."""

    currency: str | None
    amount: int
    status: str


def decode_facts(text: str) -> PayoutFacts:
    """Facts from stored JSON."""
    return _facts_decoder.decode(text)


def lock(session: Session, keys: Sequence[Key]) -> dict[Key, PayoutRow]:
    """Hold those that are known of these payouts until the transaction ends."""
    rails, accounts, payouts = (list(column) for column in zip(*keys, strict=True))
    found = session.execute(_LOCK, {"rails": rails, "accounts": accounts, "payouts": payouts})
    rows = [
        PayoutRow(
            r.id,
            decode_facts(r.facts),
            _booked_decoder.decode(r.booked),
            Lines(count=r.line_count, net=r.lines_net, is_whole=r.listed_at is not None),
            r.listed_at,
            r.fetch_due_at,
            r.fetch_attempts,
        )
        for r in found
    ]
    return {(r.facts.rail, r.facts.account, r.facts.payout_id): r for r in rows}


def save(session: Session, row: PayoutRow, shown: Shown, now: datetime) -> bool:
    """Write a payout; False where somebody else was first with a new one."""
    facts = row.facts
    values = {
        "id": row.id,
        "rail": facts.rail,
        "account": facts.account,
        "rail_payout_id": facts.payout_id,
        "currency": shown.currency,
        "amount": shown.amount,
        "status": shown.status,
        "arrival_at": from_epoch(facts.arrival[1]) if facts.arrival[1] else None,
        "facts": msgspec.json.encode(facts).decode(),
        "booked": msgspec.json.encode(row.booked).decode(),
        "line_count": row.lines.count,
        "lines_net": row.lines.net,
        "listed_at": row.listed_at,
        "fetch_due_at": row.fetch_due_at,
        "fetch_attempts": row.fetch_attempts,
        "livemode": facts.livemode,
        "occurred_at": from_epoch(facts.created) if facts.created else now,
        "now": now,
    }
    done = session.execute(_INSERT if row.is_new else _UPDATE, values)
    return bool(done.rowcount)  # type: ignore[attr-defined]  # a DML result has it


def due(session: Session, now: datetime, limit: int) -> list[tuple[str, PayoutFacts, int]]:
    """Hold payouts to ask about now: our id, what is known, and how often it was asked."""
    rows = session.execute(_DUE, {"now": now, "limit": limit})
    return [(r.id, decode_facts(r.facts), r.fetch_attempts) for r in rows]


def put_off(session: Session, payout_id: str, due_at: datetime | None) -> None:
    """Ask about it again then; None: not again."""
    session.execute(_PUT_OFF, {"id": payout_id, "due": due_at})


def add_lines(session: Session, at: Key, lines: Sequence[BalanceFact]) -> None:
    """Keep movements that a known payout consists of. Those that are there stay as they are."""
    rail, account, payout = at
    columns: dict[str, object] = {
        "movement": [line.id for line in lines],
        "moved": [line.created for line in lines],
    }
    for name in ("amount", "fee", "currency", "category", "source"):
        columns[name] = [getattr(line, name) for line in lines]
    session.execute(_ADD_LINES, columns | {"rail": rail, "account": account, "payout": payout})


def count_lines(session: Session, row: PayoutRow, currency: str | None) -> tuple[int, int]:
    """How many lines are kept of a payout, and what those in its currency net."""
    found = session.execute(_LINES, {"id": row.id, "currency": currency}).one()
    return found.lines, found.net


def add_movement(session: Session, movement: Movement, now: datetime) -> bool:
    """Keep a movement; whether it is new."""
    row = movement.row
    done = session.execute(
        _INSERT_MOVEMENT,
        {
            "rail": movement.rail,
            "account": movement.account,
            "rail_movement_id": row.id,
            "amount": row.amount,
            "fee": row.fee,
            "currency": row.currency,
            "category": row.category,
            "kind": movement.kind,
            "balance_type": movement.balance_type,
            "source": row.source,
            "moved_at": from_epoch(row.created) if row.created else now,
            "now": now,
        },
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]  # a DML result has it


def open_payouts(
    session: Session, after: str, *, recently: datetime, not_old: datetime, limit: int
) -> list[tuple[str, PayoutFacts]]:
    """Payouts that may still change, some at a time, by our id.

    Those that were at the bank before `recently` count no more, nor those without whole lines that
    were made before `not_old`.
    """
    given = {"after": after, "recently": recently, "not_old": not_old, "limit": limit}
    return [(r.id, decode_facts(r.facts)) for r in session.execute(_OPEN, given)]


def facts_of(session: Session, payout_id: str) -> PayoutFacts:
    """What is known of a payout of ours, unlocked."""
    return decode_facts(session.execute(_FACTS, {"id": payout_id}).scalar_one())


def kept_lines(session: Session, payout_id: str) -> dict[str, tuple[int, str]]:
    """Net and currency of each movement that a payout was ever listed to consist of."""
    rows = session.execute(_KEPT_LINES, {"id": payout_id})
    return {r.rail_movement_id: (r.net, r.currency) for r in rows}
