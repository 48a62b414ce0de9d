"""Statements of payouts, their lines, and the balance movements of no payment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.payouts import Movement, PayoutFacts
from reconciler.books.posting_rules import Booked
from reconciler.timestamps import from_epoch

Key = tuple[str, str, str]  # rail, account, the rail's id

_COLUMNS = "id, facts::text as facts, booked::text as booked, fetch_due_at, fetch_attempts"
_LOCK = sa.text(
    f"""select {_COLUMNS} from payout where id in (
      select p.id from payout p join unnest(cast(:rails as text[]), cast(:accounts as text[]),
        cast(:payouts as text[])) as k(rail, account, payout)
      on p.rail = k.rail and p.account = k.account and p.rail_payout_id = k.payout)
    order by id for no key update"""
)
_INSERT = sa.text(
    """insert into payout (id, rail, account, rail_payout_id, currency, amount, status, arrival_at,
      facts, booked, fetch_due_at, fetch_attempts, livemode, occurred_at, created_at, updated_at)
    values (:id, :rail, :account, :rail_payout_id, :currency, :amount, :status, :arrival_at,
      cast(:facts as jsonb), cast(:booked as jsonb), :fetch_due_at, :fetch_attempts, :livemode,
      :occurred_at, :now, :now)
    on conflict (rail, account, rail_payout_id) do nothing"""
)
_UPDATE = sa.text(
    """update payout set currency = :currency, amount = :amount, status = :status,
      arrival_at = :arrival_at, facts = cast(:facts as jsonb), booked = cast(:booked as jsonb),
      fetch_due_at = :fetch_due_at, fetch_attempts = :fetch_attempts, livemode = :livemode,
      occurred_at = :occurred_at, updated_at = :now, rev = rev + 1
    where id = :id"""
)
_INSERT_MOVEMENT = sa.text(
    """insert into balance_movement (rail, account, rail_movement_id, amount, fee, currency,
      category, kind, balance_type, source, moved_at, created_at)
    values (:rail, :account, :rail_movement_id, :amount, :fee, :currency, :category, :kind,
      :balance_type, :source, :moved_at, :now)
    on conflict do nothing"""
)

_facts_decoder = msgspec.json.Decoder(PayoutFacts)
_booked_decoder = msgspec.json.Decoder(Booked)


@dataclass(slots=True)
class PayoutRow:
    """A locked payout, or one about to be made (`is_new`)."""

    id: str
    facts: PayoutFacts
    booked: Booked
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
        "fetch_due_at": row.fetch_due_at,
        "fetch_attempts": row.fetch_attempts,
        "livemode": facts.livemode,
        "occurred_at": from_epoch(facts.created) if facts.created else now,
        "now": now,
    }
    done = session.execute(_INSERT if row.is_new else _UPDATE, values)
    return bool(done.rowcount)  # type: ignore[attr-defined]  # a DML result has it


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
