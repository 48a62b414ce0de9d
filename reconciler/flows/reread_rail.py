"""Read the rail again for books that were restored: events, payments, refunds under way.

What is found goes through the same door as ever. It may be killed and begun again at any moment:
what was read is noted as it goes, and reading it twice changes nothing.
"""

import time
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from reconciler.books.observations import PaymentFacts, RailEvent
from reconciler.errors import Invalid, ReconcilerError, Refused
from reconciler.flows.submit_refunds import order_of
from reconciler.runtime import Runtime
from reconciler.services import inbox, payments, refund_looks, restores
from reconciler.services.restores import Reread
from reconciler.work import Cause, Work

CAUSE = Cause("job", "reread_rail")
RUN_SECONDS = 45.0  # well inside a job's own limit; the next run goes on where this one stopped
_AT_A_TIME = 100
_AGAIN = timedelta(seconds=10)
_AT_ONCE = timedelta()

_log = structlog.get_logger()


def reread_rail(runtime: Runtime) -> None:
    """Go on reading, for a while. Nothing to do where no books are held."""
    ends_at = time.monotonic() + RUN_SECONDS
    with runtime.read() as session:
        todo = restores.rereading(session)
    if todo is None:
        return
    failure = None
    try:
        if not todo.is_read:
            _read_events(runtime, todo, ends_at)
        _ask_for_payments(runtime, todo, ends_at)
        _look_for_legs(runtime, ends_at)
    except ReconcilerError as error:
        failure = str(error)
        _log.warning("rail.not_reread", why=failure)
    wait = _AGAIN if failure else _AT_ONCE
    runtime.do(CAUSE, lambda work: restores.put_off(work, wait, failure))


def _read_events(runtime: Runtime, todo: Reread, ends_at: float) -> None:
    for rail in runtime.rails.values():
        batch: list[tuple[RailEvent, str | None]] = []
        for told in rail.list_events(todo.since, todo.until):
            try:
                event = rail.event_of(told)
            except Invalid as error:  # what it is about is asked for below
                _log.warning("rail.event_not_read", why=str(error))
                continue
            batch.append((event, rail.is_ours(event)))
            if len(batch) == _AT_A_TIME:
                runtime.do(CAUSE, partial(_keep, batch))
                batch = []
                if time.monotonic() > ends_at:
                    return
        runtime.do(CAUSE, partial(_keep, batch))
    runtime.do(CAUSE, lambda work: restores.note_read(work, todo.until, is_all=True))


def _keep(batch: list[tuple[RailEvent, str | None]], work: Work) -> None:
    for event, quarantine in batch:
        inbox.store_event(work, event, quarantine=quarantine)
    if batch:
        restores.note_read(work, datetime.fromtimestamp(batch[-1][0].created, UTC))


def _ask_for_payments(runtime: Runtime, todo: Reread, ends_at: float) -> None:
    while time.monotonic() < ends_at:
        with runtime.read() as session:
            asked = restores.payments_to_ask(session, todo.payments_since, _AT_A_TIME)
        if not asked:
            return
        for payment_id, facts in asked.items():
            try:
                sightings = [runtime.rails[facts.rail].fetch(facts)]
            except Refused as error:  # the rail knows nothing of it, so that nothing is missed
                _log.warning("rail.payment_not_read", payment_id=payment_id, why=str(error))
                sightings = []
            runtime.do(CAUSE, partial(_take_in, payment_id, sightings))


def _take_in(payment_id: str, sightings: list[payments.Sighted], work: Work) -> None:
    payments.observe(work, sightings)
    restores.note_asked(work, payment_id)


def _look_for_legs(runtime: Runtime, ends_at: float) -> None:
    while time.monotonic() < ends_at:
        with runtime.read() as session:
            legs = restores.legs_to_look_for(session, _AT_A_TIME)
            turns = [refund_looks.as_it_stands(session, leg) for leg in legs]
        if not turns:
            return
        for turn in turns:
            found = runtime.rails[turn.facts.rail].find_refund(order_of(turn))
            runtime.do(CAUSE, partial(_found, turn.lease.leg_id, found.facts))


def _found(leg_id: str, facts: PaymentFacts, work: Work) -> None:
    payments.observe(work, [(facts, ())])
    restores.note_looked(work, leg_id)
