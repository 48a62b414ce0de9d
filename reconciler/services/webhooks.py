"""Webhooks that go out: endpoints, what is told in the transaction that changes it, deliveries."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlmodel import Session, col

from reconciler import ids
from reconciler.books import texts, webhooks as rules
from reconciler.books.webhooks import DeliveryState, Told
from reconciler.errors import Conflict, NotFound
from reconciler.seals import Seals
from reconciler.services import audit
from reconciler.store.webhooks import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from reconciler.timestamps import to_epoch
from reconciler.work import Task, Work

LEASE = timedelta(minutes=1)  # longer than one POST may take
_WHY_CHARS_MAX = 200
NOTE_CHARS_MAX = 200
_UNSEALABLE = "RECONCILER_SECRET_KEY was changed and its secret opens no more: make another secret"

_IS_WANTED = sa.text("select exists (select 1 from webhook_endpoint where is_on)")
# Ids are as long as a UUID. Time comes first, so that new ones lie side by side in their index.
_TELL = sa.text(
    """with told as (
      insert into webhook_event (id, kind, object_id, key, data, at)
      select * from unnest(cast(:id as text[]), cast(:kind as text[]), cast(:object_id as text[]),
        cast(:key as text[]), cast(:data as jsonb[]), cast(:at as timestamptz[]))
      on conflict do nothing returning seq, kind, object_id)
    insert into webhook_delivery
      (id, endpoint_id, event_seq, object_id, state, due_at, created_at)
    select 'whd_' || lpad(to_hex((1000 * extract(epoch from clock_timestamp()))::bigint), 12, '0')
        || right(replace(gen_random_uuid()::text, '-', ''), 20),
      e.id, t.seq, t.object_id, 'waiting', :now, :now
    from told t join webhook_endpoint e
      on e.is_on and (e.events = '{}' or t.kind = any(e.events))"""
)
# The next one of an object waits until the former one has arrived, or was given up.
_DUE = """select d.id from webhook_delivery d join webhook_endpoint e on e.id = d.endpoint_id
    where e.is_on and ((d.state = 'waiting' and d.due_at <= :now)
        or (d.state = 'claimed' and d.lease_until < :now))
      and not exists (select 1 from webhook_delivery f where f.endpoint_id = d.endpoint_id
        and f.object_id = d.object_id and f.event_seq < d.event_seq
        and f.state in ('waiting', 'claimed'))"""
_NEXT = sa.text(f"{_DUE} order by d.due_at, d.event_seq limit 1 for no key update of d skip locked")
_IS_DUE = sa.text(f"select exists ({_DUE})")
_EVENT = sa.text("select id, kind, data::text as data, at from webhook_event where seq = :seq")


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """One thing to tell. `key` names the state that was reached, so that it is told once."""

    kind: Told
    object_id: str
    key: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to be posted where. `lease` proves that it is ours to send."""

    delivery_id: str
    endpoint_id: str
    url: str
    secrets: tuple[str, ...]
    message_id: str
    body: bytes
    lease: datetime


def is_wanted(session: Session) -> bool:
    """Whether anybody wants to be told anything."""
    return bool(session.execute(_IS_WANTED).scalar())


def tell(work: Work, news: Iterable[News]) -> None:
    """Write down what is told, with the change itself; what was told before is left alone."""
    told = list(news)
    if not told:
        return
    given = {
        "id": [ids.new_id("msg") for _ in told],
        "kind": [one.kind.value for one in told],
        "object_id": [one.object_id for one in told],
        "key": [f"{one.kind}/{one.object_id}/{one.key}" for one in told],
        "data": [msgspec.json.encode(dict(one.data)).decode() for one in told],
        "at": [work.now for _ in told],
        "now": work.now,
    }
    work.session.execute(_TELL, given)
    work.nudge(Task.SEND_WEBHOOKS)


def create(
    work: Work, seals: Seals, *, url: str, note: str = "", events: Iterable[str] = ()
) -> tuple[str, str]:
    """Add an endpoint whose address was judged; gives its id, and its secret, once.

    Raises Invalid.
    """
    secret = rules.secret_text(secrets.token_bytes(rules.SECRET_BYTES))
    endpoint_id = ids.new_id("whe")
    row = WebhookEndpoint(
        id=endpoint_id,
        url=url,
        note=texts.words(note, field="note", chars_max=NOTE_CHARS_MAX),
        events=list(rules.events(list(events))),
        secret=seals.seal(secret, of=endpoint_id),
        created_at=work.now,
    )
    audit.note(work, "webhook_endpoint.created", row.id, after=_said(row))
    work.session.add(row)
    work.session.flush()
    return row.id, secret


def change(work: Work, endpoint_id: str, changes: Mapping[str, Any]) -> None:
    """Change `url`, `note`, `events` or `is_on`. Raises NotFound, Invalid."""
    row = _endpoint(work, endpoint_id)
    before = _said(row)
    if "url" in changes:
        row.url = changes["url"]
    if "note" in changes:
        row.note = texts.words(changes["note"], field="note", chars_max=NOTE_CHARS_MAX)
    if "events" in changes:
        row.events = list(rules.events(changes["events"]))
    if "is_on" in changes:
        row.is_on = bool(changes["is_on"])
        row.failing_since = row.disabled_why = None
        work.nudge(Task.SEND_WEBHOOKS)
    old, new = audit.changes(before, _said(row))
    audit.note(work, "webhook_endpoint.changed", row.id, before=old, after=new)
    _keep(work, row)


def rotate(work: Work, seals: Seals, endpoint_id: str) -> str:
    """Give an endpoint another secret; the former signs beside it for a day. Raises NotFound."""
    row = _endpoint(work, endpoint_id)
    row.secret_before = row.secret
    row.secret_before_until = work.now + timedelta(hours=rules.OLD_SECRET_HOURS)
    secret = rules.secret_text(secrets.token_bytes(rules.SECRET_BYTES))
    row.secret = seals.seal(secret, of=row.id)
    until = row.secret_before_until.isoformat()
    audit.note(work, "webhook_endpoint.rotated", row.id, after={"secret_before_until": until})
    _keep(work, row)
    return secret


def seal_anew(work: Work, seals: Seals) -> int:
    """Seal what is kept under a former key, or was never sealed; gives of how many endpoints.

    A former secret that signs no more is forgotten. What no key opens stays as it is.
    """
    every = sa.select(WebhookEndpoint).order_by(col(WebhookEndpoint.id)).with_for_update()
    changed = 0
    for row in work.session.scalars(every):
        before = row.secret, row.secret_before
        row.secret = _sealed_anew(seals, row.secret, row.id)
        is_over = row.secret_before_until is None or row.secret_before_until <= work.now
        if row.secret_before is not None:
            row.secret_before = None if is_over else _sealed_anew(seals, row.secret_before, row.id)
        if (row.secret, row.secret_before) != before:
            work.session.add(row)
            changed += 1
    work.session.flush()
    return changed


def _sealed_anew(seals: Seals, kept: str, endpoint_id: str) -> str:
    if seals.is_current(kept, of=endpoint_id):
        return kept
    text = seals.opened(kept, of=endpoint_id)
    return kept if text is None else seals.seal(text, of=endpoint_id)


def replay(work: Work, delivery_id: str) -> None:
    """Send something once more that has arrived or was given up. Raises NotFound, Conflict."""
    row = work.session.get(WebhookDelivery, delivery_id, with_for_update=True)
    if row is None:
        raise NotFound(f"there is no delivery {delivery_id}")
    if row.state in (DeliveryState.WAITING, DeliveryState.CLAIMED):
        raise Conflict(f"delivery {delivery_id} is under way")
    audit.note(work, "webhook.replayed", delivery_id, before={"state": row.state})
    row.state, row.due_at, row.created_at = DeliveryState.WAITING.value, work.now, work.now
    row.ended_at, row.tries, row.why = None, 0, None
    work.session.add(row)
    work.session.flush()
    work.nudge(Task.SEND_WEBHOOKS)


def is_due(session: Session, now: datetime) -> bool:
    """Whether something is to be delivered now."""
    return bool(session.execute(_IS_DUE, {"now": now}).scalar())


def claim(work: Work, seals: Seals) -> Parcel | None:
    """Take the next delivery in hand. An endpoint whose secret opens no more is turned off."""
    found = work.session.execute(_NEXT, {"now": work.now}).scalar()
    row = work.session.get(WebhookDelivery, found, populate_existing=True) if found else None
    if row is None:
        return None
    endpoint = work.session.get(WebhookEndpoint, row.endpoint_id, populate_existing=True)
    event = work.session.execute(_EVENT, {"seq": row.event_seq}).one()
    assert endpoint is not None, "endpoints are never deleted"
    signing = _signing(endpoint, seals, work.now)
    if not signing:
        endpoint.is_on, endpoint.disabled_why = False, _UNSEALABLE
        work.session.add(endpoint)
        work.session.flush()
        return claim(work, seals)  # what is for others does not wait for it
    row.state, row.lease_until = DeliveryState.CLAIMED.value, work.now + LEASE
    row.tries += 1
    work.session.add(row)
    work.session.flush()
    said = {"type": event.kind, "timestamp": event.at.isoformat().replace("+00:00", "Z")}
    body = msgspec.json.encode(said | {"data": msgspec.json.decode(event.data)})
    return Parcel(row.id, endpoint.id, endpoint.url, signing, event.id, body, row.lease_until)


def _signing(endpoint: WebhookEndpoint, seals: Seals, now: datetime) -> tuple[str, ...]:
    """The secrets that sign, the newest first; none if that one cannot be opened."""
    newest = seals.opened(endpoint.secret, of=endpoint.id)
    if newest is None:
        return ()
    former = None
    if endpoint.secret_before and (endpoint.secret_before_until or now) > now:
        former = seals.opened(endpoint.secret_before, of=endpoint.id)
    return (newest, former) if former else (newest,)


def headers(parcel: Parcel, now: datetime) -> dict[str, str]:
    """The three headers of Standard Webhooks, and what the body is."""
    timestamp = to_epoch(now)
    signed = rules.signature(
        parcel.secrets, message_id=parcel.message_id, timestamp=timestamp, body=parcel.body
    )
    return {
        "Content-Type": "application/json",
        "User-Agent": "Reconciler",
        "webhook-id": parcel.message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signed,
    }


def record(
    work: Work, parcel: Parcel, *, status: int | None, took_ms: int = 0, why: str | None = None
) -> None:
    """What came of a try: it has arrived, is tried again, or is given up after some days."""
    row = work.session.get(
        WebhookDelivery, parcel.delivery_id, with_for_update=True, populate_existing=True
    )
    assert row is not None, "deliveries are never deleted"
    said = why[:_WHY_CHARS_MAX] if why else None
    attempt = WebhookAttempt(
        id=ids.new_id("wha"), delivery_id=row.id, at=work.now, status=status, took_ms=took_ms,
        why=said,
    )  # fmt: skip
    work.session.add(attempt)
    if row.state == DeliveryState.CLAIMED and row.lease_until == parcel.lease:
        row.lease_until, row.status, row.why = None, status, said
        _follow(work, row, took=status is not None and rules.took_it(status))
    work.session.flush()


def _follow(work: Work, row: WebhookDelivery, *, took: bool) -> None:
    endpoint = _endpoint(work, row.endpoint_id)
    if took:
        row.state, row.ended_at = DeliveryState.DELIVERED.value, work.now
        endpoint.failing_since = None
    elif work.now - row.created_at >= rules.GIVE_UP_AFTER:
        row.state, row.ended_at = DeliveryState.GIVEN_UP.value, work.now
    else:
        chance = secrets.randbelow(1000) / 1000
        row.state = DeliveryState.WAITING.value
        row.due_at = work.now + rules.wait_after(row.tries, chance)
    if not took:
        endpoint.failing_since = endpoint.failing_since or work.now
        if work.now - endpoint.failing_since >= rules.DISABLE_AFTER:
            endpoint.is_on = False
            endpoint.disabled_why = f"nothing arrived since {endpoint.failing_since:%d %B %Y}"
    work.session.add(row)
    work.session.add(endpoint)


def _endpoint(work: Work, endpoint_id: str) -> WebhookEndpoint:
    row = work.session.get(
        WebhookEndpoint, endpoint_id, with_for_update=True, populate_existing=True
    )
    if row is None:
        raise NotFound(f"there is no webhook endpoint {endpoint_id}")
    return row


def _said(row: WebhookEndpoint) -> dict[str, object]:
    return {"url": row.url, "note": row.note, "events": list(row.events), "is_on": row.is_on}


def _keep(work: Work, row: WebhookEndpoint) -> None:
    row.rev += 1
    work.session.add(row)
    work.session.flush()
