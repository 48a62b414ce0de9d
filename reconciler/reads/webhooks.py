"""Webhooks that go out, as lists and screens show them. Never a secret."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.errors import NotFound
from reconciler.reads.pages import Listing, Order, Page, Wanted, in_order


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRow:
    """Somebody else's address, and how it does. No events means all."""

    id: str
    url: str
    note: str
    events: list[str]
    is_on: bool
    disabled_why: str | None
    failing_since: datetime | None
    secret_before_until: datetime | None
    waiting: int
    given_up: int
    created_at: datetime
    rev: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One try: what was answered, or why nothing was."""

    at: datetime
    status: int | None
    took_ms: int
    why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """One event on its way to one endpoint, with its last tries, the newest first."""

    id: str
    endpoint_id: str
    message_id: str
    type: str
    object_id: str
    state: str
    tries: int
    status: int | None
    why: str | None
    due_at: datetime
    at: datetime
    ended_at: datetime | None
    attempts: list[AttemptRow]


_ENDPOINTS = sa.text(
    """select e.id, e.url, e.note, e.events, e.is_on, e.disabled_why, e.failing_since,
      e.secret_before_until, e.created_at, e.rev,
      (select count(*) from webhook_delivery d where d.endpoint_id = e.id
        and d.state in ('waiting', 'claimed')) as waiting,
      (select count(*) from webhook_delivery d where d.endpoint_id = e.id
        and d.state = 'given_up') as given_up
    from webhook_endpoint e where cast(:id as text) is null or e.id = :id
    order by e.created_at, e.id limit 200"""
)
LISTING = Listing(
    source="webhook_delivery d join webhook_event v on v.seq = d.event_seq",
    order=Order(("d.event_seq", "d.id"), ("bigint", "text")),
    conditions={
        "endpoint_id": "d.endpoint_id = :endpoint_id",
        "state": "d.state = :state",
        "object_id": "d.object_id = :object_id",
        "type": "v.kind = :type",
    },
)
_DELIVERIES = sa.text(
    """select d.id, d.endpoint_id, v.id as message_id, v.kind as type, d.object_id, d.state,
      d.tries, d.status, d.why, d.due_at, v.at, d.ended_at
    from webhook_delivery d join webhook_event v on v.seq = d.event_seq where d.id = any(:ids)"""
)
_ATTEMPTS = sa.text(
    """select delivery_id, at, status, took_ms, why from (
      select *, row_number() over (partition by delivery_id order by at desc, id desc) as place
      from webhook_attempt where delivery_id = any(:ids)) a
    where place <= 20 order by at desc, id desc"""
)


def endpoints(session: Session) -> list[EndpointRow]:
    """Every endpoint, the first one first."""
    return [EndpointRow(**r._asdict()) for r in session.execute(_ENDPOINTS, {"id": None})]


def endpoint(session: Session, endpoint_id: str) -> EndpointRow:
    """One endpoint. Raises NotFound."""
    row = session.execute(_ENDPOINTS, {"id": endpoint_id}).first()
    if row is None:
        raise NotFound(f"there is no webhook endpoint {endpoint_id}")
    return EndpointRow(**row._asdict())


def page(session: Session, filters: Mapping[str, object], wanted: Wanted) -> Page[DeliveryRow]:
    """Deliveries, the newest event first."""
    ids, more = LISTING.keys(session, filters, wanted)
    return Page(in_order(ids, load(session, ids)), more)


def one(session: Session, delivery_id: str) -> DeliveryRow:
    """One delivery. Raises NotFound."""
    found = load(session, [delivery_id])
    if not found:
        raise NotFound(f"there is no delivery {delivery_id}")
    return found[delivery_id]


def load(session: Session, ids: Collection[str]) -> dict[str, DeliveryRow]:
    """These deliveries."""
    attempts: dict[str, list[AttemptRow]] = {}
    for row in session.execute(_ATTEMPTS, {"ids": list(ids)}):
        values = row._asdict()
        attempts.setdefault(values.pop("delivery_id"), []).append(AttemptRow(**values))
    rows = session.execute(_DELIVERIES, {"ids": list(ids)})
    return {row.id: DeliveryRow(**row._asdict(), attempts=attempts.get(row.id, [])) for row in rows}
