"""Which kinds of work wait in the database right now."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.services import (
    late_deposits,
    mail,
    overpayments,
    pay_links,
    restores,
    turns,
    webhooks,
)
from reconciler.store import inbox_rows
from reconciler.work import Task

_RAIL = sa.text(
    """select exists (select 1 from payment where fetch_due_at <= :now)
    or exists (select 1 from payout where fetch_due_at <= :now)
    or exists (select 1 from inbox_outcome where status = 'parked' and due_at <= :now)"""
)
# A leg that somebody has in hand is due again when their lease is over.
_REFUNDS = sa.text(
    """select exists (select 1 from refund_leg where due_at <= :now
      and (lease_until is null or lease_until < :now))"""
)
_RUNS = sa.text(
    """select exists (select 1 from reconciliation_run
    where state = 'running' and lease_until <= :now)"""
)
_SEEKERS = sa.text(
    """select exists (select 1 from invoice where seeks_payment)
    or exists (select 1 from deposit where seeks_payment)
    or exists (select 1 from customer where seeks_payment)"""
)
_FILES = sa.text("select exists (select 1 from import_draft where state in ('looking', 'taking'))")


def tasks_due(session: Session, now: datetime) -> list[Task]:
    """Tasks that have something to do."""
    due = [Task.APPLY_INBOX] if inbox_rows.has_due(session, now) else []
    for task, question in (
        (Task.ASK_RAIL, _RAIL),
        (Task.SUBMIT_REFUNDS, _REFUNDS),
        (Task.FIND_PAYMENTS, _SEEKERS),
        (Task.RECONCILE, _RUNS),
        (Task.IMPORT_FILES, _FILES),
    ):
        if session.execute(question, {"now": now}).scalar():
            due.append(task)
    if Task.ASK_RAIL not in due and pay_links.is_due(session, now):
        due.append(Task.ASK_RAIL)
    if mail.is_due(session, now) and mail.may_go_out(session):
        due.append(Task.SEND_MAIL)
    due += [task for task in turns.waiting(session, now) if task not in due]
    if webhooks.is_due(session, now) and mail.may_go_out(session):
        due.append(Task.SEND_WEBHOOKS)
    if Task.FIND_PAYMENTS not in due and (
        overpayments.are_due(session, now) or late_deposits.are_due(session)
    ):
        due.append(Task.FIND_PAYMENTS)
    if restores.is_reading_due(session, now):
        due.append(Task.REREAD_RAIL)
    return due
