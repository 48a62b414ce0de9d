"""What the screens show of payments: lines for lists, and one payment with all around it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.observations import RefundStage
from reconciler.books.payments import PaymentStatus

_PAYER = "p.facts -> 'payer' -> '{}' ->> 1"
# What was promised back and what has gone is refunded, both; with too little on our balance a rail
# lets the first wait for weeks.
_PROMISED_STAGE = RefundStage.PROMISED.value
_PROMISED = f"""least(p.refunded, (select coalesce(sum((r.value ->> 'amount')::bigint), 0)::bigint
      from jsonb_each(coalesce(p.facts -> 'refunds', '{{}}')) r
      where coalesce((r.value ->> 'stage')::int, {_PROMISED_STAGE}) = {_PROMISED_STAGE}
        and (r.value -> 'is_released') is distinct from 'true')) as promised"""
# What a bank has for good is disputed no more. A status has one word for both; people have two.
_STANDING = """case when p.status <> 'disputed' then p.status else coalesce((
      select case when bool_or(d.is_open) or p.lost = 0 then 'disputed'
        when bool_and(d.is_return) then 'returned'
        when p.lost < p.captured - p.refunded then 'partly_lost' else 'lost' end
      from (select stage in ('needs_response', 'under_review', 'unknown') as is_open,
          kind = 'return' as is_return, taken
        from dispute where payment_id = p.id and kind <> 'inquiry') d
      where d.is_open or d.taken > 0), p.status) end as standing"""
_COLUMNS = f"""p.id, p.rail, p.rail_payment_id, p.livemode, p.currency, p.status, p.authorized,
    p.captured, p.refunded, p.lost, p.disputed, p.fee, p.fee_currency, p.strategy, p.reasons,
    p.rev, p.is_held, p.occurred_at, p.updated_at, p.customer_id, c.name as customer,
    {_PAYER.format("name")} as payer_name, {_PAYER.format("email")} as payer_email,
    {_PAYER.format("method")} as method,
    coalesce(p.facts -> 'texts' -> 'description' ->> 1,
      p.facts -> 'texts' -> 'statement_descriptor' ->> 1) as description,
    (select coalesce(sum(a.amount), 0)::bigint from allocation a
      where a.payment_id = p.id and a.closed_at is null) as allocated, {_PROMISED}, {_STANDING}"""
_FROM = "from payment p left join customer c on c.id = p.customer_id"
_ONE = sa.text(f"select {_COLUMNS} {_FROM} where p.id = :id")
_SOME = sa.text(f"select {_COLUMNS} {_FROM} where p.id = any(:ids)")
_CLAIMS = sa.text(
    """select a.id, a.payment_id, a.invoice_id, a.deposit_id,
      coalesce(i.number, d.code) as target, a.amount, a.gross, a.credited, a.reopened,
      a.strategy, a.created_at, a.closed_at, a.cause_kind, a.cause_id, u.name as person,
      i.outstanding, i.state as state
    from allocation a left join invoice i on i.id = a.invoice_id
      left join deposit d on d.id = a.deposit_id
      left join user_account u on a.cause_kind = 'person' and u.id = a.cause_id
    where a.payment_id = any(:ids) order by a.created_at, a.id"""
)
_CLAIMS_BY_ID = sa.text(
    """select a.id, a.payment_id, coalesce(i.number, d.code) as target, a.amount, p.currency
    from allocation a join payment p on p.id = a.payment_id
      left join invoice i on i.id = a.invoice_id left join deposit d on d.id = a.deposit_id
    where a.id = any(:ids) and a.closed_at is null and a.amount > 0 order by a.created_at, a.id"""
)
_EVENTS = sa.text(
    """select e.seq, e.rail_event_id, e.type, e.created, e.received_at,
      coalesce(o.status, 'pending') as status
    from inbox_event e left join inbox_outcome o on o.seq = e.seq
    where e.seq in (select seq from inbox_outcome where payment_id = :id)
    order by e.created, e.seq limit :limit"""
)
_ALIASES = sa.text(
    "select object_id from payment_alias where payment_id = :id order by object_id limit 50"
)
TIMELINE_EVENTS_MAX = 200  # a payment with more was captured and refunded in very small pieces


@dataclass(frozen=True, slots=True)
class PaymentLine:
    """A payment as a list shows it. Minor units of `currency`.

    `standing` is its status, and where that is disputed also: lost, partly_lost, or returned; and
    where it is refunded also: refund_on_its_way. `promised` is what of `refunded` has not left.
    """

    id: str
    rail: str
    rail_payment_id: str
    livemode: bool
    currency: str
    status: str
    authorized: int
    captured: int
    refunded: int
    lost: int
    disputed: int
    fee: int
    fee_currency: str | None
    strategy: str | None
    reasons: Sequence[str]
    rev: int
    is_held: bool
    occurred_at: datetime
    updated_at: datetime
    customer_id: str | None
    customer: str | None
    payer_name: str | None
    payer_email: str | None
    method: str | None
    description: str | None
    allocated: int
    promised: int
    standing: str

    @property
    def who(self) -> str:
        """The payer, as well as anybody knows."""
        return self.customer or self.payer_name or self.payer_email or "Unknown payer"

    @property
    def kept(self) -> int:
        """Captured, less what went back or was lost."""
        return self.captured - self.refunded - self.lost

    @property
    def unapplied(self) -> int:
        """What is tied to nothing yet."""
        return self.kept - self.allocated


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """A payment's claim on an invoice or deposit, live or closed."""

    id: str
    payment_id: str
    invoice_id: str | None
    deposit_id: str | None
    target: str
    amount: int
    gross: int
    credited: int
    reopened: int
    strategy: str
    created_at: datetime
    closed_at: datetime | None
    cause_kind: str
    cause_id: str
    person: str | None
    outstanding: int | None
    state: str | None

    @property
    def is_waiting(self) -> bool:
        """Whether its document takes nothing of the payment: it has what it was to get."""
        is_offered = self.closed_at is None and self.gross > 0
        return is_offered and not (self.amount or self.credited or self.reopened)


@dataclass(frozen=True, slots=True)
class MatchedPart:
    """What one live claim comes to, for the words that say what was just done."""

    id: str
    payment_id: str
    target: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class EventLine:
    """An event that went into a payment."""

    seq: int
    rail_event_id: str
    type: str
    created: int
    received_at: datetime
    status: str


def payment(session: Session, payment_id: str) -> PaymentLine | None:
    """One payment."""
    row = session.execute(_ONE, {"id": payment_id}).first()
    return _line(row._asdict()) if row else None


def payments(session: Session, ids: Sequence[str]) -> dict[str, PaymentLine]:
    """These payments, by id."""
    rows = session.execute(_SOME, {"ids": list(ids)})
    return {row.id: _line(row._asdict()) for row in rows}


def latest(
    session: Session,
    *,
    state: str | None,
    customer_id: str | None,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[PaymentLine]:
    """Payments, the newest first, from after `before` on."""
    given: dict[str, object] = {"limit": limit}
    clauses = []
    if state is not None:  # written out, so that the planner sees which index has all such
        clauses.append(f"p.status = '{PaymentStatus(state).value}'")
    if customer_id is not None:
        clauses.append("p.customer_id = :customer")
        given["customer"] = customer_id
    if before is not None:
        clauses.append("(p.occurred_at, p.id) < (:before, :before_id)")
        given |= {"before": before[0], "before_id": before[1]}
    latest = sa.text(
        f"""select {_COLUMNS} {_FROM} where {" and ".join(clauses) or "true"}
        order by p.occurred_at desc, p.id desc limit :limit"""
    )
    return [_line(row._asdict()) for row in session.execute(latest, given)]


def claims(session: Session, payment_id: str) -> list[ClaimLine]:
    """Its claims in the order they were made, closed ones too."""
    return claims_of(session, [payment_id]).get(payment_id, [])


def claims_of(session: Session, ids: Sequence[str]) -> dict[str, list[ClaimLine]]:
    """The same of several payments, by payment."""
    found: dict[str, list[ClaimLine]] = {}
    for row in session.execute(_CLAIMS, {"ids": list(ids)}):
        found.setdefault(row.payment_id, []).append(ClaimLine(**row._asdict()))
    return found


def matched(session: Session, ids: Sequence[str]) -> list[MatchedPart]:
    """Which of these claims stand."""
    return [MatchedPart(**row._asdict()) for row in session.execute(_CLAIMS_BY_ID, {"ids": ids})]


def events(session: Session, payment_id: str) -> list[EventLine]:
    """The events that went into it, in the rail's order."""
    rows = session.execute(_EVENTS, {"id": payment_id, "limit": TIMELINE_EVENTS_MAX})
    return [EventLine(**row._asdict()) for row in rows]


def aliases(session: Session, payment_id: str) -> list[str]:
    """The rail's other ids of it."""
    return list(session.scalars(_ALIASES, {"id": payment_id}))


_REFUNDED = frozenset({PaymentStatus.REFUNDED, PaymentStatus.PARTIALLY_REFUNDED})


def _line(row: Mapping[Any, Any]) -> PaymentLine:
    is_on_its_way = row["promised"] and row["standing"] in _REFUNDED
    standing = "refund_on_its_way" if is_on_its_way else row["standing"]
    return PaymentLine(**{**row, "currency": row["currency"] or "USD", "standing": standing})


_NAMING = sa.text(
    """select id from payment where is_held and clues && array[lower(btrim(:number))]
    order by occurred_at desc, id desc limit :limit"""
)
NAMING_MAX = 5


def naming(session: Session, number: str) -> list[PaymentLine]:
    """Payments that name a document and are not on it: they wait, or went back."""
    ids = list(session.scalars(_NAMING, {"number": number, "limit": NAMING_MAX}))
    found = payments(session, ids)
    return [found[one] for one in ids if one in found]
