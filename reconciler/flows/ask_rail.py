"""Ask the rail for what no message told: once per payment, not once per event.

Claim, ask, observe: the claim puts the payment's next turn off, so that a crash in between
costs a wait and nothing else, and two workers do not ask the same thing.
"""

import structlog

from reconciler.books.observations import PaymentFacts
from reconciler.errors import NotFound, OutcomeUnknown, Refused, Unavailable
from reconciler.runtime import Runtime
from reconciler.services import asking, inbox, payments
from reconciler.work import Task, Work

_log = structlog.get_logger()

BATCH_PAYMENTS = 20
BATCHES_MAX = 50  # at the rail's pace of about 20 calls a second this fills a job's time


def ask_rail(runtime: Runtime) -> int:
    """Ask for all that is due; gives how many payments were asked for."""
    asked = 0
    for _ in range(BATCHES_MAX):
        count = _ask_payments(runtime) + _ask_parents(runtime)
        asked += count
        if not count:
            break
    return asked


def _ask_payments(runtime: Runtime) -> int:
    with runtime.work(payments.ASKING) as work:
        due = asking.claim(work, BATCH_PAYMENTS)
    for facts in due:
        try:
            seen, aliases = runtime.rails[facts.rail].fetch(facts)
        except (Unavailable, OutcomeUnknown, Refused) as error:
            _log.warning("rail.not_answered", payment=facts.payment_id, error=str(error))
            continue
        runtime.do(payments.ASKING, lambda work: _observe(work, seen, aliases))  # noqa: B023  run at once
    return len(due)


def _observe(work: Work, facts: PaymentFacts, aliases: tuple[str, ...]) -> None:
    payments.observe(work, [(facts, aliases)])


def _ask_parents(runtime: Runtime) -> int:
    """For events whose payment is not known: ask which payment their object belongs to."""
    with runtime.work(payments.ASKING) as work:
        parked = inbox.claim_parked(work, BATCH_PAYMENTS)
    for event in parked:
        try:
            payment_id = runtime.rails[event.rail].payment_of(event.waits_for, event.account)
        except (Unavailable, OutcomeUnknown, NotFound) as error:
            _log.warning("rail.not_answered", object=event.waits_for, error=str(error))
            continue
        if payment_id is None:
            continue
        facts = PaymentFacts(rail=event.rail, account=event.account, payment_id=payment_id)
        try:
            seen, aliases = runtime.rails[event.rail].fetch(facts)
        except (Unavailable, OutcomeUnknown, Refused):
            continue
        names = (*aliases, event.waits_for)
        runtime.do(payments.ASKING, lambda work: _observe(work, seen, names))  # noqa: B023  run at once
    if parked:
        runtime.queue.nudge([Task.APPLY_INBOX])
    return len(parked)
