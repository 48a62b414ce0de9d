"""What a refund will post once it has arrived: carried out, to be rehearsed only.

Nothing leaves: the rail's answer is made up here and goes through the same door as a real one.
"""

from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.consent import RefundPolicy
from reconciler.books.observations import PaymentFacts
from reconciler.books.refund_routes import Route
from reconciler.services import payments, refund_legs, refund_requests
from reconciler.services.refund_by_hand import paid_back
from reconciler.services.refund_grounds import RefundAsk
from reconciler.store import claims
from reconciler.store.claims import PaymentRow
from reconciler.store.refunds import RefundLeg
from reconciler.work import Work


def carried_out(work: Work, ask: RefundAsk, policy: RefundPolicy) -> None:
    """Ask for the refund and take it as having arrived. Only within `Runtime.rehearse`.

    Raises what asking for it raises.
    """
    refund_id = refund_requests.request(work, ask, policy)
    work.session.flush()
    arrived(work, refund_id)


def arrived(work: Work, refund_id: str) -> None:
    """Take a refund that was asked for as having arrived. Only within `Runtime.rehearse`."""
    rows = claims.lock_payments(work.session, refund_legs.payments_of(work, refund_id))
    whole = refund_legs.lock_one(work, refund_id)
    for leg in whole.live:
        if leg.route == Route.HAND.value:  # what people paid back says who and how
            leg.settled_by = leg.settled_reference = _NOBODY
            work.session.add(leg)
    work.session.flush()
    told = [(_arrived(work, leg, rows[leg.payment_id]), ()) for leg in whole.live]
    payments.observe(work, told)


_NOBODY = "preview"


def _arrived(work: Work, leg: RefundLeg, row: PaymentRow) -> PaymentFacts:
    is_by_hand = row.facts.rail == MANUAL_RAIL or leg.route == Route.HAND.value
    return paid_back(leg, row, work.now, name=f"preview_{leg.id}", is_by_hand=is_by_hand)
