"""A document or customer appeared: look among the held payments for its money."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from reconciler.errors import Refused
from reconciler.runtime import Runtime
from reconciler.services import finding, late_deposits, overpayments, switches
from reconciler.services.refund_limits import policy_of
from reconciler.services.switches import SwitchName
from reconciler.work import Cause, Work

BATCHES_MAX = 200
CAUSE = Cause("job", "find_payments")

T = TypeVar("T")


def find_payments(runtime: Runtime) -> int:
    """Match what can now be matched, and follow customers' policies about what came of it.

    Gives how many payments were looked at again.
    """
    looked_at = match_again(runtime)
    _follow_policies(runtime)
    _use_late_deposits(runtime)
    return looked_at


def match_again(runtime: Runtime) -> int:
    """Match what can now be matched, and no more; gives how many payments were looked at again."""
    looked_at, most = 0, finding.SEEKERS_MAX
    for _ in range(BATCHES_MAX):
        step = partial(finding.match_for_seekers, most=most)
        seekers, count = runtime.do(CAUSE, _unless_off(step, (0, 0)))
        looked_at += count
        if not seekers:
            break
        most = finding.SEEKERS_MAX if count else min(2 * most, finding.SEEKERS_AT_REST_MAX)
    looked_at += runtime.do(CAUSE, _unless_off(finding.match_recent, 0))
    return looked_at


def _follow_policies(runtime: Runtime) -> None:
    """What customers want done with money beyond what they owe, each in a transaction."""
    with runtime.read() as session:
        due = overpayments.due(session, runtime.now())
    refunds = policy_of(runtime.settings)
    for payment_id in due:
        step = partial(overpayments.follow_policy, payment_id=payment_id, refunds=refunds)
        try:
            runtime.do(CAUSE, _unless_off(step, None))
        except Refused:
            runtime.do(CAUSE, partial(overpayments.let_be, payment_id=payment_id))


def _use_late_deposits(runtime: Runtime) -> None:
    """Deposits that were paid after their milestone's invoice was sent, each in a transaction."""
    with runtime.read() as session:
        due = late_deposits.due(session)
    for deposit_id in due:
        step = partial(late_deposits.follow_policy, deposit_id=deposit_id)
        with suppress(Refused):  # somebody else was first: nothing is left of it, or to pay
            runtime.do(CAUSE, _unless_off(step, None))


def _unless_off(step: Callable[[Work], T], nothing: T) -> Callable[[Work], T]:
    """The step, unless a person has turned `apply` off: asked anew for each batch."""

    def stepped(work: Work) -> T:
        return step(work) if switches.are_on(work.session, SwitchName.APPLY) else nothing

    return stepped
