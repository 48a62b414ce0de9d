"""Send approved refunds to the rails their money came from, each exactly once.

Claim, look, write down the intent, send, record: transactions with the network between them. A
crash at any line leaves a leg that is picked up when its lease has run out, and whoever picks it
up looks on the rail before sending. A rail forgets idempotency keys after a day; our reference in
its metadata is for ever.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import structlog

from reconciler.books import payments as facts_rules
from reconciler.books.refund_sending import Look, Looked, is_still_meant, lists_everything
from reconciler.errors import ReconcilerError, Refused, Unavailable
from reconciler.failpoints import failpoint
from reconciler.flows.watch_books import Watch, remember
from reconciler.rails.protocol import Busy, KeyRefused, Rail, RefundOrder
from reconciler.runtime import Runtime
from reconciler.services import payments, refund_sending
from reconciler.services.refund_limits import policy_of
from reconciler.services.refund_sending import Lease, Turn
from reconciler.work import Cause, Task, Work

LEGS_MAX = 100  # a run; what is left is the next one's
RUN_SECONDS = 45.0  # well inside a job's own limit: one slow call more still fits
UNREACHED_MAX = 3  # in a row: then the rail is down, and the rest would only wait too

T = TypeVar("T")
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Intent:
    """What is about to be sent, and when that was written down, by two clocks."""

    turn: Turn
    at: datetime
    boot_seconds: float


def submit_refunds(runtime: Runtime, legs_max: int = LEGS_MAX) -> int:
    """Bring every leg that is due one step further; gives how many were taken in hand."""
    started = time.monotonic()
    unreached, watch = 0, Watch(runtime)
    for count in range(legs_max):
        if unreached >= UNREACHED_MAX or time.monotonic() - started > RUN_SECONDS:
            return count
        if not watch.may_send():
            return count
        lease = _do(runtime, refund_sending.claim)
        if lease is None:
            return count
        try:
            unreached = 0 if _converge(runtime, lease) else unreached + 1
        except KeyRefused as error:
            _put_down(runtime, lease, error)
            return count + 1
    runtime.queue.nudge([Task.SUBMIT_REFUNDS])
    return legs_max


def converge(runtime: Runtime, leg_id: str) -> None:
    """Bring one leg a step further, unless somebody is at it. Safe any number of times, at once."""
    lease = _do(runtime, partial(_claim_one, leg_id=leg_id))
    if lease is None:
        return
    try:
        _converge(runtime, lease)
    except KeyRefused as error:
        _put_down(runtime, lease, error)


def _claim_one(work: Work, leg_id: str) -> Lease | None:
    return refund_sending.claim(work, leg_id)


def _put_down(runtime: Runtime, lease: Lease, error: KeyRefused) -> None:
    """The rail does not take our key: nothing else is asked of it now, and a person is told."""
    why = _told(error)
    _log.error("refunds.stopped", leg_id=lease.leg_id, why=why)
    _do(runtime, lambda work: refund_sending.record_key_refused(work, lease, why))


def _converge(runtime: Runtime, lease: Lease) -> bool:
    """Gives whether the rail could be reached. Raises KeyRefused."""
    turn = _do(runtime, lambda work: refund_sending.take_up(work, lease))
    if turn is None:
        return True
    rail = runtime.rails[turn.facts.rail]
    if turn.cancels is not None:
        return _cancel(runtime, rail, turn, turn.cancels)
    looked = _look(runtime, rail, turn)
    intent = _decide(runtime, lease, looked)
    if intent is None:
        return looked.look is not Look.UNANSWERED
    failpoint("refund.after_intent_commit")
    remember(runtime)
    if not _may_pass_the_fence(runtime, intent):
        _log.warning("refund.fenced", leg_id=lease.leg_id)
        why = "stopped at the fence, before anything was sent"
        _do(runtime, lambda work: refund_sending.record_not_taken(work, lease, why))
        return True
    return _send(runtime, rail, intent.turn)


def look(runtime: Runtime, rail: Rail, turn: Turn) -> Looked:
    """Look for our reference on the rail, and take in whatever else is found there."""
    try:
        return _look(runtime, rail, turn)
    except KeyRefused as error:
        return Looked(Look.UNANSWERED, why=_told(error))


def _look(runtime: Runtime, rail: Rail, turn: Turn) -> Looked:
    """The same for a sender. Raises KeyRefused.

    Before the first sending as well: somebody may have refunded the same payment in the rail's
    dashboard, and our database may be a restored one that has forgotten what it sent.
    """
    try:
        found = rail.find_refund(order_of(turn))
    except KeyRefused:
        raise
    except Exception as error:  # noqa: BLE001  whatever it was, the rail has told us nothing
        _log.warning("refund.not_looked_up", leg_id=turn.lease.leg_id, error=type(error).__name__)
        return Looked(Look.UNANSWERED, why=_told(error))
    failpoint("refund.after_probe")
    if facts_rules.join(turn.facts, found.facts) != turn.facts:
        _do(runtime, lambda work: payments.observe(work, [(found.facts, ())]))
    if found.rail_refund_id is not None:
        return Looked(Look.FOUND)
    is_whole = lists_everything(turn.facts, found.facts, found.refunded_total)
    return Looked(Look.ABSENT, is_whole, None if is_whole else "the rail's totals do not add up")


def _decide(runtime: Runtime, lease: Lease, looked: Looked) -> _Intent | None:
    boot_seconds = _boot_seconds()  # before the transaction: too old is safe, too young is not

    def step(work: Work) -> _Intent | None:
        turn = refund_sending.decide(work, lease, looked, policy_of(runtime.settings))
        return _Intent(turn, work.now, boot_seconds) if turn else None

    return _do(runtime, step)


def _may_pass_the_fence(runtime: Runtime, intent: _Intent) -> bool:
    """The last look before the first byte: the lease, the switches, and how long ago we meant it.

    A process can be stopped between any two lines and wake up a day later, when another has long
    sent the same under another key; so the clocks are read last.
    """
    failpoint("refund.before_fence")
    with runtime.read() as session:
        if not refund_sending.is_still_ours(session, intent.turn.lease, runtime.now()):
            return False
    failpoint("refund.after_fence")
    wall = runtime.now() - intent.at
    boot = timedelta(seconds=_boot_seconds() - intent.boot_seconds)
    return is_still_meant(wall, boot)


def _send(runtime: Runtime, rail: Rail, turn: Turn) -> bool:
    """One POST, and what its answer means. Gives whether the rail could be reached."""
    lease = turn.lease
    try:
        facts = rail.create_refund(order_of(turn))
        failpoint("refund.after_send")
    except Refused as refusal:
        return _refused(runtime, rail, turn, refusal)
    except KeyRefused:
        raise
    except Unavailable as error:
        why, is_busy = _told(error), isinstance(error, Busy)
        _log.warning("refund.not_taken", leg_id=lease.leg_id, why=why)
        _do(
            runtime,
            lambda work: refund_sending.record_not_taken(work, lease, why, is_busy=is_busy),
        )
        return False
    except Exception as error:  # noqa: BLE001  bytes may have left: nothing else is safe to say
        why = _told(error)
        _log.warning("refund.unknown", leg_id=lease.leg_id, why=why)
        _do(runtime, lambda work: refund_sending.record_unknown(work, lease, why))
        return True
    failpoint("refund.after_response")

    def record(work: Work) -> None:
        refund_sending.record_answer(work, lease, facts)
        failpoint("refund.before_record")

    _do(runtime, record)
    failpoint("refund.after_record")
    _log.info("refund.submitted", leg_id=lease.leg_id, generation=turn.generation)
    return True


def _refused(runtime: Runtime, rail: Rail, turn: Turn, refusal: Refused) -> bool:
    """A no may mean that we were there already: look before believing that it failed."""
    lease, why = turn.lease, str(refusal)
    code = str(getattr(refusal, "code", ""))
    _log.warning("refund.refused", leg_id=lease.leg_id, code=code)
    if _do(runtime, lambda work: refund_sending.record_refused(work, lease, code, why)):
        _decide(runtime, lease, _look(runtime, rail, turn))
    return True


def _cancel(runtime: Runtime, rail: Rail, turn: Turn, rail_refund_id: str) -> bool:
    lease = turn.lease
    try:
        facts = rail.cancel_refund(turn.facts, rail_refund_id)
        failpoint("refund.after_cancel")
    except KeyRefused:
        raise
    except Exception as error:  # noqa: BLE001  whatever it was, it is not known to be called off
        why, is_final = _told(error), False
        if isinstance(
            error, Refused
        ):  # it was called off before, or has gone: the rail shows which
            is_final = _look(runtime, rail, turn).look is not Look.UNANSWERED
        _do(
            runtime,
            lambda work: refund_sending.record_not_canceled(work, lease, why, is_final=is_final),
        )
        return not isinstance(error, Unavailable)

    def record(work: Work) -> None:
        payments.observe(work, [(facts, ())])
        refund_sending.record_not_canceled(work, lease, "the rail has yet to say", is_final=True)

    _do(runtime, record)
    return True


def order_of(turn: Turn) -> RefundOrder:
    """A turn as the rail is told of it."""
    charges = [charge.id for charge in turn.facts.charges.values() if charge.captured]
    return RefundOrder(
        refund_id=turn.lease.refund_id,
        leg_id=turn.lease.leg_id,
        rail=turn.facts.rail,
        account=turn.facts.account,
        payment_id=turn.facts.payment_id,
        charge_id=charges[0] if len(charges) == 1 else None,
        amount=turn.amount,
        currency=turn.currency,
        reason=turn.reason,
        key=turn.key,
        reference=turn.reference,
        generation=turn.generation,
    )


def _told(error: Exception) -> str:
    # The words of another's exception may hold bodies and names of people.
    return str(error) if isinstance(error, ReconcilerError) else type(error).__name__


def _boot_seconds() -> float:
    """Seconds since the machine started, those it slept through included; nobody can set it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _do(runtime: Runtime, step: Callable[[Work], T]) -> T:
    return runtime.do(Cause("job", "submit_refunds"), step)
