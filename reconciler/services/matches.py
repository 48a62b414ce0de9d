"""A match taken back, with the deposit that was made only to hold its money; and put back again.

Money that is held makes its deposit in the same transaction, and nobody asks the customer for it.
So where that money leaves it again, the deposit must not be left as something asked for. One that
was there before stays as it is. The two are deeds with lines of their own: each is done again by
itself where the books are made anew.
"""

import sqlalchemy as sa

from reconciler.books.deposits import HELD_NO_MORE
from reconciler.services import allocations, deposit_requests
from reconciler.services.allocations import Part
from reconciler.store import claims
from reconciler.store.deposits import Deposit
from reconciler.work import Work

# What one transaction noted has one instant; `xmin` tells two transactions of one instant apart.
_MADE_TO_HOLD = sa.text(
    """select exists (select 1 from audit_line made join audit_line held
      on held.at = made.at and held.xmin = made.xmin
    where made.action = 'deposit.created' and made.subject = :deposit
      and held.action = 'payment.allocated' and held.subject = :payment)"""
)


def take_back(work: Work, payment_id: str, allocation_id: str) -> None:
    """Undo an allocation; a deposit that was made to hold it is asked of nobody.

    Raises NotFound and Conflict as `allocations.unallocate` does.
    """
    claims.lock_payments(work.session, [payment_id])
    live = claims.allocations_of(work.session, [payment_id])
    deposit_id = next((one.deposit_id for one in live if one.id == allocation_id), None)
    allocations.unallocate(work, payment_id, allocation_id)
    if deposit_id is None or not _was_made_to_hold(work, deposit_id, payment_id):
        return
    deposit = _as_it_is(work, deposit_id)
    if deposit.ended_at is None and deposit.received < deposit.amount:
        deposit_requests.end(work, deposit_id, why=HELD_NO_MORE)


def put_back(work: Work, payment_id: str, part: Part) -> None:
    """Put the money back where it was; a deposit that ended with it holds it as before.

    Raises Refused as `allocations.allocate` does.
    """
    claims.lock_payments(work.session, [payment_id])
    deposit_id = part.deposit_id
    if deposit_id and _was_made_to_hold(work, deposit_id, payment_id):
        deposit = _as_it_is(work, deposit_id)
        if deposit.ended_why == HELD_NO_MORE:
            deposit_requests.ask_again(work, deposit_id)
    allocations.allocate(work, payment_id, [part])


def _was_made_to_hold(work: Work, deposit_id: str, payment_id: str) -> bool:
    asked = {"deposit": deposit_id, "payment": payment_id}
    return bool(work.session.scalar(_MADE_TO_HOLD, asked))


def _as_it_is(work: Work, deposit_id: str) -> Deposit:
    """Held, and read anew: settling wrote beside the session."""
    return work.session.get_one(
        Deposit, deposit_id, with_for_update={"key_share": True}, populate_existing=True
    )
