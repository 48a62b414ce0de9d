"""What customers are told of money that came or went: one mail for each, written with the change.

Old news are not told: neither a payment that was heard of late (a past that is read in, a replay)
nor anything from before receipts were turned on.
"""

from collections.abc import Collection
from datetime import timedelta

import sqlalchemy as sa

from reconciler.books.mail import MessageKind
from reconciler.books.refunds import RefundStatus
from reconciler.services import mail
from reconciler.services.mail import NewMessage
from reconciler.store.refunds import Refund
from reconciler.work import Work

HEARD_WITHIN_DAYS = 3  # of a payment that was heard of later nobody is told
_REST = timedelta(minutes=1)  # what belongs together arrives together; and a match may be undone

_TOLD = """h.subject = 'house' and h.receipts_since <= {at}"""
_PAYMENTS = sa.text(
    f"""select p.id, c.id as customer_id, c.email, c.name from payment p
    cross join lateral (select i.customer_id from allocation a join invoice i on i.id = a.invoice_id
        where a.payment_id = p.id and a.amount > 0
      union all select d.customer_id from allocation a join deposit d on d.id = a.deposit_id
        where a.payment_id = p.id and a.amount > 0 limit 1) t
    join customer c on c.id = t.customer_id and c.email is not null
    join reminder_plan h on {_TOLD.format(at="p.created_at")}
    where p.id = any(:ids) and p.created_at < p.occurred_at + make_interval(days => :days)
      and p.captured > p.refunded + p.lost
      and not exists (select 1 from message m where m.once = 'receipt/' || p.id)
    order by p.id"""
)
_REFUND = sa.text(
    f"""select c.id as customer_id, c.email, c.name,
      (select m.state from message m where m.once = 'refund_receipt/' || r.id) as receipt
    from refund r join customer c on c.id = r.customer_id and c.email is not null
    join reminder_plan h on {_TOLD.format(at="r.requested_at")}
    where r.id = :id"""
)
_DROP = sa.text(
    """update message set state = 'dropped', why = 'the refund came back', rev = rev + 1
    where once = 'refund_receipt/' || cast(:id as text) and state = 'waiting'"""
)


def of_payments(work: Work, ids: Collection[str]) -> None:
    """A receipt for each of these payments whose money has a place, if there is none yet."""
    if not ids or work.is_past:
        return
    given = {"ids": sorted(ids), "days": HEARD_WITHIN_DAYS}
    for row in work.session.execute(_PAYMENTS, given).all():
        _write(work, MessageKind.RECEIPT, row.id, row)


def of_refund(work: Work, refund: Refund) -> None:
    """A mail when a refund has left, and another if it came back after we had said so."""
    status = RefundStatus(refund.status)
    if status not in (RefundStatus.SUCCEEDED, RefundStatus.FAILED):
        return
    found = work.session.execute(_REFUND, {"id": refund.id}).first()
    if found is None:
        return
    if status is RefundStatus.SUCCEEDED:
        _write(work, MessageKind.REFUND_RECEIPT, refund.id, found)
        return
    work.session.execute(_DROP, {"id": refund.id})
    if found.receipt in ("sent", "claimed"):
        _write(work, MessageKind.REFUND_FAILED, refund.id, found)


def _write(work: Work, kind: MessageKind, about: str, row: sa.Row[tuple[object, ...]]) -> None:
    new = NewMessage(
        kind=kind,
        to=row.email,
        to_name=row.name,
        about=about,
        once=f"{kind.value}/{about}",
        customer_id=row.customer_id,
        due_at=work.now + _REST,
    )
    mail.write(work, new)
