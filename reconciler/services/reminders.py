"""Reminders: which are due, what stops them, and the locks of the last look before one leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa
from sqlmodel import Session

from reconciler import ids
from reconciler.books import reminders as rules, texts
from reconciler.books.mail import MessageKind
from reconciler.errors import Conflict, Invalid, NotFound
from reconciler.services import audit, mail
from reconciler.services.mail import NewMessage
from reconciler.store.reminders import HOUSE, ReminderPlan
from reconciler.work import Work

PLANNED_MAX = 500  # in one transaction
WHY_CHARS_MAX = 300
__all__ = [
    "HOUSE",
    "PlanChange",
    "ask_now",
    "change",
    "hold",
    "house",
    "pause",
    "plan_due",
    "resume",
]
PAUSE_DAYS_MAX = 3_650

# The rule of books/reminders.py (step_due) once more, over every open invoice; a test holds the
# two together.
DUE = """select i.id, i.customer_id, i.number, c.email, c.name, due.step
    from invoice i join customer c on c.id = i.customer_id
    cross join (select steps, hour from reminder_plan where subject = 'house') h
    left join reminder_plan pc on pc.customer_id = i.customer_id
    left join reminder_plan pi on pi.invoice_id = i.id
    cross join lateral (select max(s) as step
      from unnest(coalesce(pi.steps, pc.steps, h.steps)) as s
      where i.due_on + s::int <= cast(:today as date)
        and i.due_on + s::int >= cast(:today as date) - :made_up
        and i.due_on + s::int > coalesce((i.sent_at at time zone 'UTC')::date, i.issued_on)) due
    where i.state = 'sent' and i.outstanding > 0
      and i.due_on between cast(:today as date) - :back and cast(:today as date) + :ahead
      and due.step is not null"""
_DUE = sa.text(
    f"""{DUE} and not exists (select 1 from message m
        where m.once = 'reminder/' || i.id || '/' || due.step)
    order by i.due_on, i.id limit :limit"""
)
# Deposits that are asked for and have a day of their own; they have no plan of their own.
DUE_DEPOSITS = """select d.id, d.customer_id, d.code as number, c.email, c.name, due.step
    from deposit d join customer c on c.id = d.customer_id
    cross join (select steps from reminder_plan where subject = 'house') h
    left join reminder_plan pc on pc.customer_id = d.customer_id
    cross join lateral (select max(s) as step from unnest(coalesce(pc.steps, h.steps)) as s
      where d.due_on + s::int <= cast(:today as date)
        and d.due_on + s::int >= cast(:today as date) - :made_up
        and d.due_on + s::int > (d.created_at at time zone 'UTC')::date) due
    where d.received < d.amount and d.ended_at is null
      and d.due_on between cast(:today as date) - :back and cast(:today as date) + :ahead
      and due.step is not null"""
_DUE_DEPOSITS = sa.text(
    f"""{DUE_DEPOSITS} and not exists (select 1 from message m
        where m.once = 'reminder/' || d.id || '/' || due.step)
    order by d.due_on, d.id limit :limit"""
)
# Payments that may yet bring money or take it away; whoever changes one holds it.
_LOCK_PAYMENTS = sa.text(
    """select id from payment where customer_id = :customer_id
      and (on_its_way > 0 or is_held or status in ('processing', 'authorized', 'failed'))
    order by id for no key update"""
)
_LOCK_DEPOSIT = sa.text("select 1 from deposit where id = :id for no key update")
_LOCK_INVOICE = sa.text("select customer_id from invoice where id = :id for no key update")
# Nobody can tie another payment to this customer while we look: a new row refers to this one.
_LOCK_CUSTOMER = sa.text("select 1 from customer where id = :id for update")
_INVOICE = sa.text(
    """select i.id, i.customer_id, c.email, c.name from invoice i
    join customer c on c.id = i.customer_id where i.id = :id
    union all select d.id, d.customer_id, c.email, c.name from deposit d
    join customer c on c.id = d.customer_id where d.id = :id"""
)
_KNOWN = sa.text(
    """select 'customer' as noun from customer where id = :id
    union all select 'invoice' from invoice where id = :id"""
)


@dataclass(frozen=True, slots=True)
class PlanChange:
    """What a plan is to be. `steps` None: what the wider plan says."""

    steps: Sequence[int] | None
    hour: int | None = None
    receipts: bool | None = None


def plan_due(work: Work) -> int:
    """Write the reminders whose day has come, each step once; gives how many.

    Their words are written when they leave. One that still waits gives way to its successor.
    """
    given = {
        "today": rules.day_at(work.now, house(work.session).hour),
        "made_up": rules.MADE_UP_DAYS,
        "back": rules.STEP_MOST + rules.MADE_UP_DAYS,
        "ahead": -rules.STEP_LEAST,
        "limit": PLANNED_MAX,
    }
    found = [row for query in (_DUE, _DUE_DEPOSITS) for row in work.session.execute(query, given)]
    if not found:
        return 0
    written = [row for row in found if _write(work, row)]
    # Only by whoever wrote the successor: another clock may have seen the same, and be behind.
    mail.drop_before(work, {row.id: row.step for row in written}, "the next step has come")
    return len(written)


def _write(work: Work, row: sa.Row[tuple[object, ...]]) -> str | None:
    new = NewMessage(
        kind=MessageKind.REMINDER,
        to=row.email,
        to_name=row.name,
        about=row.id,
        once=f"reminder/{row.id}/{row.step}",
        customer_id=row.customer_id,
        step=row.step,
    )
    return mail.write(work, new)


def hold(session: Session, invoice_id: str) -> None:
    """Take the locks of a last look: until they are let go, no payment changes what it sees.

    Payments first, then the deposit or invoice, then the customer: the order of whoever books a
    payment.
    Raises NotFound.
    """
    found = session.execute(_INVOICE, {"id": invoice_id}).first()
    if found is None:
        raise NotFound(f"there is no invoice {invoice_id}")
    session.execute(_LOCK_PAYMENTS, {"customer_id": found.customer_id})
    for lock in (_LOCK_DEPOSIT, _LOCK_INVOICE):
        session.execute(lock, {"id": invoice_id})
    session.execute(_LOCK_CUSTOMER, {"id": found.customer_id})


def ask_now(work: Work, invoice_id: str) -> str:
    """Somebody wants a reminder of this invoice to leave now; gives the message.

    It is looked at like any other before it leaves. Raises NotFound, Conflict where there is
    nobody to write to.
    """
    found = work.session.execute(_INVOICE, {"id": invoice_id}).first()
    if found is None:
        raise NotFound(f"there is no invoice {invoice_id}")
    if not found.email:
        raise Conflict("this customer has no mail address")
    new = NewMessage(
        kind=MessageKind.REMINDER,
        to=found.email,
        to_name=found.name,
        about=invoice_id,
        once=f"reminder/{invoice_id}/{ids.new_id('now')}",
        customer_id=found.customer_id,
    )
    message_id = mail.write(work, new)
    assert message_id, "its reason is new"
    audit.note(work, "reminder.asked", invoice_id, after={"message_id": message_id})
    return message_id


def house(session: Session) -> ReminderPlan:
    """The plan of the house."""
    found = session.get(ReminderPlan, HOUSE, populate_existing=True)
    assert found is not None, "a migration puts it there"
    return found


def change(work: Work, subject: str, wanted: PlanChange, *, rev: int | None = None) -> None:
    """Set the plan of the house, a customer or an invoice. Raises NotFound, Invalid, Conflict."""
    row = _row(work, subject, rev)
    before = _said(row)
    if subject == HOUSE and wanted.steps is None:
        raise Invalid("the plan of the house says on which days", field="steps")
    row.steps = None if wanted.steps is None else list(rules.judged(wanted.steps))
    if wanted.hour is not None or wanted.receipts is not None:
        _change_house(work, row, wanted)
    old, new = audit.changes(before, _said(row))
    audit.note(work, "reminder_plan.changed", subject, before=old, after=new)
    _keep(work, row)


def pause(
    work: Work, subject: str, *, until: date | None, why: str, rev: int | None = None
) -> None:
    """Nothing leaves for this subject until a day, or until somebody says so.

    Raises NotFound, Conflict, and Invalid for a day that is not to come or no reason.
    """
    reason = texts.line(why, field="why", chars_max=WHY_CHARS_MAX)
    if until is not None and not work.now.date() < until <= work.now.date() + timedelta(
        days=PAUSE_DAYS_MAX
    ):
        raise Invalid("a pause ends on a day to come", field="until")
    row = _row(work, subject, rev)
    before = _said(row)
    row.is_paused, row.paused_until, row.paused_why = True, until, reason
    old, new = audit.changes(before, _said(row))
    audit.note(work, "reminders.paused", subject, before=old, after=new, why=reason)
    _keep(work, row)


def resume(work: Work, subject: str, *, rev: int | None = None) -> None:
    """A pause is over. Raises NotFound, and Conflict where there is none."""
    row = _row(work, subject, rev)
    if not row.is_paused:
        raise Conflict("reminders are not paused here")
    before = _said(row)
    row.is_paused, row.paused_until, row.paused_why = False, None, None
    old, new = audit.changes(before, _said(row))
    audit.note(work, "reminders.resumed", subject, before=old, after=new)
    _keep(work, row)


def _change_house(work: Work, row: ReminderPlan, wanted: PlanChange) -> None:
    if row.subject != HOUSE:
        raise Invalid("hour and receipts are said for the house", field="hour")
    if wanted.hour is not None:
        if not 0 <= wanted.hour <= 23:
            raise Invalid("an hour is 0 to 23", field="hour")
        row.hour = wanted.hour
    if wanted.receipts is not None and wanted.receipts is not (row.receipts_since is not None):
        row.receipts_since = work.now if wanted.receipts else None


def _row(work: Work, subject: str, rev: int | None) -> ReminderPlan:
    row = work.session.get(ReminderPlan, subject, with_for_update=True, populate_existing=True)
    if row is None:
        noun = work.session.execute(_KNOWN, {"id": subject}).scalar()
        if noun is None:
            raise NotFound(f"there is no customer or invoice {subject}")
        row = ReminderPlan(
            subject=subject,
            customer_id=subject if noun == "customer" else None,
            invoice_id=subject if noun == "invoice" else None,
        )
    elif rev is not None and rev != row.rev:
        raise Conflict("the plan was changed by somebody else meanwhile", field="rev")
    return row


def _said(row: ReminderPlan) -> dict[str, object]:
    return {
        "steps": row.steps,
        "hour": row.hour,
        "receipts": row.receipts_since is not None,
        "is_paused": row.is_paused,
        "paused_until": row.paused_until.isoformat() if row.paused_until else None,
        "paused_why": row.paused_why,
    }


def _keep(work: Work, row: ReminderPlan) -> None:
    row.rev += 1
    row.changed_by, row.changed_at = f"{work.cause.kind}/{work.cause.id}", work.now
    work.session.add(row)
    work.session.flush()
