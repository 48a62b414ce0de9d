"""What a reminder would say now, and why one stays silent: read by the sender and by the screens.

The sender reads it under the locks of services/reminders.py; a screen may be a moment behind.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import reminders as rules
from reconciler.books.invoices import InvoiceState
from reconciler.books.reminders import Standing
from reconciler.errors import NotFound
from reconciler.reads import suggestions
from reconciler.store import inbox_rows
from reconciler.store.holds import ON_HOLD

UNTIED_MAX = 50  # held payments of nobody known that are looked through for one invoice
NAMED_MAX = 3  # payments that are told of one invoice, the newest first

# The oldest event that is still to be applied; what was set aside waits for a person instead.
_BEHIND = sa.text(
    f"""select exists (select 1 from inbox_outcome o join inbox_event e on e.seq = o.seq
        where o.status = 'pending' and e.received_at < :before)
      or exists (select 1 from inbox_event e
        where {inbox_rows.IS_NEW} and e.received_at < :before)"""
)
BEHIND_AFTER = timedelta(seconds=5)

# When money last came of each customer: gone through once, however many documents are theirs. Each
# payment's entries are looked up by its index, whatever PostgreSQL thinks of reading them all.
_PAID = """select w.customer_id, max(t.at) as at from (select distinct customer_id from i) w
      cross join lateral (select (select max(e.at) from journal_entry e
          where e.payment_id = p.id and e.key like '%/captured/%') as at
        from payment p where p.customer_id = w.customer_id and p.updated_at > :quiet_since
        offset 0) t group by 1"""
# And of whomever's payments are set against a document.
_PAID_FOR = """select max(e.at) from allocation a join payment p on p.id = a.payment_id
      join journal_entry e on e.payment_id = p.id
    where (a.invoice_id = i.id or a.deposit_id = i.id) and a.closed_at is null
      and p.updated_at > :quiet_since and e.key like '%/captured/%'"""
_NAMES = """array[lower(btrim(i.number)), i.id, lower(coalesce(c.email, i.id))]
      || array(select lower(r.rail_customer_id) from customer_rail_id r
        where r.customer_id = i.customer_id)
      || array(select r.object_id from rail_reference r
        where r.invoice_id = i.id or r.deposit_id = i.id)"""
_UNAPPLIED = """p.captured - p.refunded - p.lost
      - coalesce((select sum(a.amount) from allocation a where a.payment_id = p.id), 0)"""
# Held money that names any of the documents: looked for once, and then told to each.
_NAMED = f"""select p.id, p.clues, p.occurred_at from payment p
      where p.is_held and {_UNAPPLIED} > 0
        and p.clues && (select array_agg(distinct n.name) from i, unnest(i.names) n(name))"""
# Looked through once for all that is asked for, however much each customer has paid.
_ASKED = """review_item q where q.state = 'open' and q.kind in ('unmatched_payment',
          'ambiguous_match', 'overpayment', 'currency_mismatch', 'invoice_not_payable',
          'refund_failed', 'external_refund', 'manual_refund')"""
# Those of the customers who have a payment in question: of theirs, an index alone tells the ids.
_ASKED_OF = f"""select distinct p.customer_id from (select distinct customer_id from i) w
      cross join lateral (select id, customer_id from payment
        where customer_id = w.customer_id offset 0) p
    where p.id in (select q.payment_id from {_ASKED} and q.payment_id is not null)"""
# A deposit that is asked for is asked the same questions. Nothing that is held covers it. What is
# held for no project, as of a payment that is kept as a deposit, is for any of its customer's
# invoices; what is held for a project is for those of that one.
_DOCUMENTS = """(select id, number, customer_id, project_id, state, currency, outstanding, due_on,
      sent_at, false as is_deposit from invoice
    union all
    select id, code, customer_id, project_id,
      case when ended_at is null then 'sent' else 'void' end,
      currency, amount - received, due_on, created_at, true from deposit)"""
_STANDING = sa.text(
    f"""with i as materialized (select i.*, c.name as customer_name, c.email, {_NAMES} as names
        from {_DOCUMENTS} i join customer c on c.id = i.customer_id where i.id = any(:ids)),
      named as materialized ({_NAMED}),
      asked as materialized ({_ASKED_OF}), paid as materialized ({_PAID})
    select i.is_deposit, i.id, i.number, i.customer_id, i.project_id, i.state, i.currency,
      i.outstanding, i.due_on, i.sent_at, i.customer_name, i.email,
      {ON_HOLD} as is_disputed,
      exists (select 1 from payment p where p.on_its_way > 0
        and (p.customer_id = i.customer_id or p.bound_for = i.id
          or p.clues && i.names)) as is_on_its_way,
      array(select n.id from named n where n.clues && i.names
        order by n.occurred_at desc, n.id limit :named_max) as named_by,
      (select coalesce(sum(s.credit), 0) from customer_sum s where s.customer_id = i.customer_id
        and s.currency = i.currency)::bigint as credit,
      (select coalesce(sum(d.received - d.applied - d.refunded), 0) from deposit d
        where d.customer_id = i.customer_id and d.currency = i.currency and not i.is_deposit
          and (d.project_id is null or d.project_id = i.project_id))::bigint as deposits,
      exists (select 1 from refund r where (r.customer_id = i.customer_id
          or r.invoice_id = i.id or r.deposit_id = i.id)
        and r.status in ('requested', 'approved', 'submitted', 'unknown', 'pending',
          'requires_action', 'manual')) as is_refunding,
      (i.id in (select q.invoice_id from {_ASKED} and q.invoice_id is not null)
        or i.id in (select q.deposit_id from {_ASKED} and q.deposit_id is not null)
        or i.customer_id in (select customer_id from asked)) as is_in_question,
      greatest((select at from paid where paid.customer_id = i.customer_id), ({_PAID_FOR}))
        as last_payment_at,
      stop.why as paused, stop.until as paused_until,
      coalesce(pi.steps, pc.steps, h.steps) as steps, h.hour,
      (select max(m.sent_at) from message m where m.about = i.id and m.kind = 'reminder')
        as last_sent_at
    from i join reminder_plan h on h.subject = 'house'
    left join reminder_plan pc on pc.customer_id = i.customer_id
    left join reminder_plan pi on pi.invoice_id = i.id
    left join lateral (select r.paused_why as why, r.paused_until as until from reminder_plan r
      where (r.subject = 'house' or r.customer_id = i.customer_id or r.invoice_id = i.id)
        and r.is_paused and (r.paused_until is null or r.paused_until > cast(:today as date))
      order by r.paused_until desc nulls first limit 1) stop on true"""
)
_UNTIED = sa.text(
    f"""select p.id from payment p where p.is_held and p.customer_id is null
      and p.currency = any(:currencies) and {_UNAPPLIED} > 0
    order by p.occurred_at desc, p.id limit :limit"""
)
_WAITING = sa.text(
    f"""select p.id, p.currency, p.occurred_at, ({_UNAPPLIED})::bigint as left_over
    from payment p where p.id = any(:ids) order by p.occurred_at desc, p.id"""
)


@dataclass(frozen=True, slots=True)
class WaitingPayment:
    """Money that waits to be matched, and may be for what is owed."""

    id: str
    currency: str
    left_over: int
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class InvoiceLook:
    """One invoice, or deposit, as a last look sees it, and whom it is about."""

    id: str
    number: str
    customer_id: str
    customer_name: str
    email: str | None
    project_id: str | None
    currency: str
    due_on: date | None
    sent_on: date | None
    steps: list[int]
    hour: int
    last_sent_at: datetime | None
    standing: Standing
    is_deposit: bool = False
    may_be_for_it: tuple[WaitingPayment, ...] = ()

    def next_on(self, now: datetime) -> date | None:
        """The day of the next reminder after today, if the plan has one."""
        if self.due_on is None or self.sent_on is None:
            return None
        today = rules.day_at(now, self.hour)
        step = rules.next_step(self.steps, due_on=self.due_on, sent_on=self.sent_on, today=today)
        return None if step is None else self.due_on + timedelta(days=step)


def one(session: Session, invoice_id: str, now: datetime) -> InvoiceLook:
    """How an invoice stands for a reminder now. Raises NotFound."""
    found = looks(session, [invoice_id], now)
    if invoice_id not in found:
        raise NotFound(f"there is no invoice {invoice_id}")
    return found[invoice_id]


def looks(session: Session, ids: Collection[str], now: datetime) -> dict[str, InvoiceLook]:
    """The same for several."""
    is_behind = bool(session.execute(_BEHIND, {"before": now - BEHIND_AFTER}).scalar())
    given = {
        "ids": list(ids), "today": now.date(), "quiet_since": now - rules.QUIET_AFTER_PAYMENT,
        "named_max": NAMED_MAX,
    }  # fmt: skip
    rows = session.execute(_STANDING, given).all()
    suggested = _suggested(session, {row.currency for row in rows})
    waiting = {row.id: [*row.named_by, *suggested.get(row.id, ())] for row in rows}
    payments = _payments(session, {one for found in waiting.values() for one in found})
    return {
        row.id: InvoiceLook(
            id=row.id,
            number=row.number,
            customer_id=row.customer_id,
            customer_name=row.customer_name,
            email=row.email,
            project_id=row.project_id,
            currency=row.currency,
            due_on=row.due_on,
            sent_on=row.sent_at.date() if row.sent_at else None,
            steps=list(row.steps),
            hour=row.hour,
            last_sent_at=row.last_sent_at,
            standing=Standing(
                state=InvoiceState(row.state),
                outstanding=row.outstanding,
                is_behind=is_behind,
                paused=row.paused,
                paused_until=_start_of(row.paused_until),
                is_on_its_way=row.is_on_its_way,
                is_disputed=row.is_disputed,
                is_unmatched=bool(waiting[row.id]),
                credit=row.credit,
                deposits=row.deposits,
                is_refunding=row.is_refunding,
                is_in_question=row.is_in_question,
                last_payment_at=row.last_payment_at,
            ),
            is_deposit=row.is_deposit,
            may_be_for_it=tuple(
                payments[one] for one in dict.fromkeys(waiting[row.id]) if one in payments
            )[:NAMED_MAX],
        )
        for row in rows
    }


def _suggested(session: Session, currencies: Collection[str]) -> dict[str, list[str]]:
    """Invoices that held money of nobody known may be for, each with those payments."""
    held = list(session.scalars(_UNTIED, {"currencies": list(currencies), "limit": UNTIED_MAX}))
    found: dict[str, list[str]] = {}
    for payment_id, ranked in suggestions.for_payments(session, held).items():
        for suggestion in ranked:
            for part in suggestion.allocations:
                if part.invoice_id:
                    found.setdefault(part.invoice_id, []).append(payment_id)
    return found


def _payments(session: Session, ids: Collection[str]) -> dict[str, WaitingPayment]:
    if not ids:
        return {}
    return {
        row.id: WaitingPayment(row.id, row.currency, row.left_over, row.occurred_at)
        for row in session.execute(_WAITING, {"ids": list(ids)})
    }


def _start_of(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None
