"""Mails as lists and screens show them: to whom, why, how far, and what was written."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.errors import NotFound
from reconciler.reads.pages import Listing, Order, Page, Wanted, in_order


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """One mail. Its words are written right before it leaves.

    `about` is the invoice, payment or refund it speaks of; `why` says why it waits, failed or was
    dropped.
    """

    id: str
    kind: str
    state: str
    customer_id: str | None
    about: str
    number: str | None
    step: int | None
    to: str
    to_name: str
    subject: str
    text: str
    html: str
    why: str | None
    tries: int
    carried_by: str | None
    due_at: datetime | None
    created_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """When reminders leave for a subject: the house, a customer or an invoice.

    `steps` are days from the due day; null where the wider plan holds, which `holds` shows. `hour`
    (UTC) and `receipts` are the house's alone.
    """

    subject: str
    steps: list[int] | None
    holds: list[int]
    hour: int
    receipts: bool
    is_paused: bool
    paused_until: date | None
    paused_why: str | None
    changed_by: str | None
    changed_at: datetime | None
    rev: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """A subject whose reminders are paused, with its name."""

    subject: str
    kind: str
    name: str
    until: date | None
    why: str
    changed_by: str | None
    rev: int


LISTING = Listing(
    source="message m",
    order=Order(("m.created_at", "m.id"), ("timestamptz", "text")),
    conditions={
        "kind": "m.kind = :kind",
        "state": "m.state = :state",
        "customer_id": "m.customer_id = :customer_id",
        "about": "m.about = :about",
    },
)
_ROWS = sa.text(
    """select m.id, m.kind, m.state, m.customer_id, m.about, i.number, m.step, m.recipient as "to",
      m.recipient_name as to_name, m.subject, m.body_text as text, m.body_html as html, m.why,
      m.tries, m.carried_by, m.due_at, m.created_at, m.sent_at
    from message m left join invoice i on i.id = m.about where m.id = any(:ids)"""
)
_PLAN = sa.text(
    """select s.subject, p.steps, coalesce(p.steps, pc.steps, h.steps) as holds, h.hour,
      h.receipts_since is not null as receipts, coalesce(p.is_paused, false) as is_paused,
      p.paused_until, p.paused_why, p.changed_by, p.changed_at, p.rev
    from (select cast(:subject as text) as subject) s
    join reminder_plan h on h.subject = 'house'
    left join reminder_plan p on p.subject = s.subject
    left join invoice i on i.id = s.subject
    left join deposit d on d.id = s.subject
    left join customer c on c.id = s.subject
    left join reminder_plan pc on pc.customer_id = coalesce(i.customer_id, d.customer_id)
    where s.subject = 'house' or num_nonnulls(i.id, d.id, c.id) > 0"""
)
_PAUSED = sa.text(
    """select p.subject, case when p.invoice_id is not null then 'invoice'
        when p.customer_id is not null then 'customer' else 'house' end as kind,
      coalesce(i.number, c.name, 'Everybody') as name, p.paused_until as until,
      p.paused_why as why, p.changed_by, p.rev
    from reminder_plan p left join invoice i on i.id = p.invoice_id
    left join customer c on c.id = p.customer_id
    where p.is_paused and (p.paused_until is null or p.paused_until > cast(:today as date))
    order by p.changed_at desc, p.subject limit 200"""
)
# What is due within some weeks, and what waits: the sender decides about each when it leaves.
_UPCOMING = sa.text(
    """select x.id from (
      (select i.id, i.due_on from invoice i where i.state = 'sent' and i.outstanding > 0
        and i.due_on between cast(:today as date) - 372 and cast(:today as date) + 90
        order by i.due_on, i.id limit :limit)
      union all
      (select d.id, d.due_on from deposit d where d.received < d.amount and d.ended_at is null
        and d.due_on between cast(:today as date) - 372 and cast(:today as date) + 90
        order by d.due_on, d.id limit :limit)) x
    order by x.due_on, x.id limit :limit"""
)


def page(session: Session, filters: Mapping[str, object], wanted: Wanted) -> Page[MessageRow]:
    """Mails, the newest first."""
    ids, more = LISTING.keys(session, filters, wanted)
    return Page(in_order(ids, load(session, ids)), more)


def one(session: Session, message_id: str) -> MessageRow:
    """One mail. Raises NotFound."""
    found = load(session, [message_id])
    if not found:
        raise NotFound(f"there is no message {message_id}")
    return found[message_id]


def load(session: Session, ids: Collection[str]) -> dict[str, MessageRow]:
    """These mails."""
    rows = session.execute(_ROWS, {"ids": list(ids)})
    return {row.id: MessageRow(**row._asdict()) for row in rows}


def plan(session: Session, subject: str) -> PlanRow:
    """The plan of the house, a customer, an invoice or a deposit. Raises NotFound."""
    row = session.execute(_PLAN, {"subject": subject}).first()
    if row is None:
        raise NotFound(f"there is no customer or invoice {subject}")
    return PlanRow(**row._asdict())


def paused(session: Session, today: date) -> list[Paused]:
    """Where reminders are paused now, the last changed first."""
    return [Paused(**row._asdict()) for row in session.execute(_PAUSED, {"today": today})]


def upcoming(session: Session, today: date, limit: int) -> list[str]:
    """Invoices and deposits that may be reminded of, the longest due first."""
    return list(session.scalars(_UPCOMING, {"today": today, "limit": limit}))
