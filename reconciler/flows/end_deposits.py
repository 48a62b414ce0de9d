"""Deposits that nobody paid are asked for no more after their last day; the house may set one."""

from functools import partial

from reconciler.runtime import Runtime
from reconciler.services import deposit_requests
from reconciler.work import Cause

CAUSE = Cause("job", "end_deposits")
BATCHES_MAX = 100  # a turn; the next one goes on


def end_deposits(runtime: Runtime) -> int:
    """Let requests have a last day, and end those whose day is over; gives how many.

    Money that comes later is taken all the same, as a late deposit.
    """
    days = runtime.settings.deposit_expiry_days
    if days is not None:
        for _ in range(BATCHES_MAX):
            if not runtime.do(CAUSE, partial(deposit_requests.give_days, days=days)):
                break
    ended = 0
    for _ in range(BATCHES_MAX):
        with runtime.read() as session:
            over = deposit_requests.over(session, runtime.now().date())
        for deposit_id in over:
            runtime.do(CAUSE, partial(deposit_requests.end_in_time, deposit_id=deposit_id))
        ended += len(over)
        if not over:
            break
    return ended
