"""A deposit paid after its milestone's invoice was sent is used on it, by the customer's word.

What is there when the invoice is sent is used then (services/invoices.py). What comes later is used
in a step of its own, once it is there: under the locks of whoever applies a deposit by hand, so
that it is used once, however many workers and people do it. What a person took off stays off.
"""

from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.deposits import DepositPolicy
from reconciler.services import applications
from reconciler.work import Work

BATCH_MAX = 100

_WAITING = f"""from deposit d
      join invoice i on i.milestone_id = d.milestone_id and i.customer_id = d.customer_id
        and i.currency = d.currency
      join customer c on c.id = d.customer_id
    where d.received > d.applied + d.refunded and i.state = 'sent' and i.outstanding > 0
      and c.deposit_policy = '{DepositPolicy.AUTOMATIC.value}'
      and not exists (select 1 from application u where u.deposit_id = d.id
        and u.invoice_id = i.id and u.closed_at is not null)"""
_DUE = sa.text(f"select d.id {_WAITING} order by d.id limit :limit")
_ARE_DUE = sa.text(f"select exists (select 1 {_WAITING})")
_HELD = sa.text("select 1 from deposit where id = :id for no key update")
_ONE = sa.text(f"select i.id {_WAITING} and d.id = :id")


def due(session: Session) -> list[str]:
    """Deposits with money that their milestone's invoice is still owed."""
    return list(session.scalars(_DUE, {"limit": BATCH_MAX}))


def are_due(session: Session) -> bool:
    """Whether there are any."""
    return bool(session.scalar(_ARE_DUE))


def follow_policy(work: Work, deposit_id: str) -> None:
    """Use it on its milestone's invoice, if it is still so. Twice is once."""
    given: dict[str, Any] = {"id": deposit_id}
    work.session.execute(_HELD, given)
    invoice_id = work.session.scalar(_ONE, given)
    if invoice_id is not None:
        applications.apply(work, deposit_id, invoice_id)
