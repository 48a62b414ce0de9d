"""Ask the rail for what no message told: once per payment or payout, not once per event.

Claim, ask, observe: the claim puts the next turn off, so that a crash in between
costs a wait and nothing else, and two workers do not ask the same thing.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog

from reconciler.books.observations import PaymentFacts
from reconciler.errors import OutcomeUnknown, Refused, Unavailable
from reconciler.flows import pay_links
from reconciler.flows.take_payout import take_payout
from reconciler.rails.protocol import Rail
from reconciler.runtime import Runtime
from reconciler.services import asking, inbox, payments, switches
from reconciler.services.switches import SwitchName
from reconciler.work import Task

BATCH_PAYMENTS = 20
BATCHES_MAX = 50
ASK_SECONDS = 45  # well inside a job's own limit: one slow look more still fits

_log = structlog.get_logger()
Seen = payments.Sighted


def ask_rail(runtime: Runtime) -> int:
    """Ask for all that is due; gives how many payments and payouts were asked for.

    Pages to pay on that no longer fit what is owed are ended first.
    """
    ends_at = runtime.now() + timedelta(seconds=ASK_SECONDS)
    pay_links.end_stale(runtime)
    asked = 0
    for _ in range(BATCHES_MAX):
        if not _may_apply(runtime):
            break
        rounds = (_ask_payments, _ask_parents, _ask_payouts)
        count = sum(ask(runtime, ends_at) for ask in rounds)
        asked += count
        if not count or runtime.now() > ends_at:
            break
    return asked


def _ask_payments(runtime: Runtime, ends_at: datetime) -> int:
    with runtime.work(payments.ASKING) as work:
        due = asking.claim(work, BATCH_PAYMENTS)
    for facts in due:
        if runtime.now() <= ends_at and _may_apply(runtime):
            rail = runtime.rails[facts.rail]
            _ask(facts.payment_id, lambda: _observe(runtime, rail.fetch(facts)))  # noqa: B023  run at once
    return len(due)


def _ask_payouts(runtime: Runtime, ends_at: datetime) -> int:
    with runtime.work(payments.ASKING) as work:
        due = asking.claim_payouts(work, BATCH_PAYMENTS)
    for facts in due:
        if runtime.now() <= ends_at and _may_apply(runtime):
            rail, do = runtime.rails[facts.rail], partial(runtime.do, payments.ASKING)
            _ask(facts.payout_id, lambda: take_payout(do, rail.fetch_payout(facts)))  # noqa: B023  run at once
    return len(due)


def _ask_parents(runtime: Runtime, ends_at: datetime) -> int:
    """For events whose payment is not known: ask which payment their object belongs to."""
    with runtime.work(payments.ASKING) as work:
        parked = inbox.claim_parked(work, BATCH_PAYMENTS)
    for event in parked:
        if runtime.now() <= ends_at and _may_apply(runtime):
            rail, name = runtime.rails[event.rail], event.waits_for
            _ask(name, lambda: _observe(runtime, _look_for_parent(rail, name, event.account)))  # noqa: B023  run at once
    if parked:
        runtime.queue.nudge([Task.APPLY_INBOX])
    return len(parked)


def _observe(runtime: Runtime, seen: Seen | None) -> None:
    if seen is not None:
        runtime.do(payments.ASKING, lambda work: payments.observe(work, [seen]))


def _ask(about: str, look: Callable[[], None]) -> None:
    """One look. Whatever goes wrong with it costs the others nothing: its own turn comes again."""
    try:
        look()
    except (Unavailable, OutcomeUnknown, Refused) as error:
        _log.warning("rail.not_answered", about=about, error=str(error))
    except Exception as error:  # noqa: BLE001  an answer that nobody foresaw
        _log.error("rail.answer_not_taken", about=about, error=type(error).__name__)


def _may_apply(runtime: Runtime) -> bool:
    """Whether what the rail would tell may change the books. Asked anew before each question."""
    with runtime.read() as session:
        return switches.are_on(session, SwitchName.APPLY)


def _look_for_parent(rail: Rail, name: str, account: str) -> Seen | None:
    payment_id = rail.payment_of(name, account)
    if payment_id is None:
        return None
    facts = PaymentFacts(rail=rail.name, account=account, payment_id=payment_id)
    seen, aliases = rail.fetch(facts)
    return seen, (*aliases, name)
