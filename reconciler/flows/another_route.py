"""Before a refund goes another way, its rail is asked once more whether it went after all."""

from reconciler.books.accounts import MANUAL_RAIL
from reconciler.flows import submit_refunds
from reconciler.runtime import Runtime
from reconciler.services import refund_routes
from reconciler.services.refund_routes import Looks


def look(runtime: Runtime, refund_id: str) -> Looks:
    """What each rail shows now of the legs that failed or were given up, by leg.

    What is found goes through the door, so that whoever acts on this sees the refund as it is.
    """
    with runtime.read() as session:
        turns = refund_routes.given_up(session, refund_id)
    return {
        turn.lease.leg_id: submit_refunds.look(runtime, runtime.rails[turn.facts.rail], turn)
        for turn in turns
        if turn.facts.rail != MANUAL_RAIL
    }
