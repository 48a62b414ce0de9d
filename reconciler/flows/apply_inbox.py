"""Stored events → facts → books, in batches, until nothing is left.

One transaction takes many events: it holds them, reads the facts out of them, and brings the
books up to date for all their payments at once. If anything raises, the same events are taken
again payment by payment, so that a bad one does not take its neighbours along.

While events keep coming, a moment passes between batches in which the next one gathers.

The oldest come first. While more waits than one transaction takes, what is new about payments at
rest is taken in between: nobody waits for the end of a backlog of others.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial

import msgspec
import structlog

from reconciler.books.observations import PaymentFacts
from reconciler.errors import Collision, ReconcilerError, Unavailable
from reconciler.rails.protocol import Rail, Sighting
from reconciler.runtime import Runtime
from reconciler.services import inbox, payments, payouts, switches
from reconciler.services.aliases import payments_by_alias
from reconciler.services.switches import SwitchName
from reconciler.store.inbox_rows import Claimed, Outcome
from reconciler.work import Cause, Work

BATCH_EVENTS = 500
# One job goes on for a while, because starting one costs a fork; it ends well before its
# time limit, and a last nudge hands over to the next.
DRAIN_SECONDS = 60
BATCHES_MAX = 10_000
EVENTS_OF_A_PAYMENT = 10  # that wait at once, or fewer
NEWS_EVERY = timedelta(seconds=5)  # finding them costs a look at all that waits
HORIZON_EVERY = timedelta(seconds=2)  # each batch looks past all that was done since
# A batch costs as much as fifty events, however few are in it. So while they keep coming, and no
# backlog waits, some are let gather; one that comes alone is taken at once.
GATHER_SECONDS = 0.1

_log = structlog.get_logger()
Claim = Callable[[Work], list[Claimed]]


def apply_inbox(runtime: Runtime, batch_events: int = BATCH_EVENTS) -> int:
    """Apply what is waiting; gives how many events were finished. Safe at any time, by anyone."""
    news_at = runtime.now()
    ends_at = news_at + timedelta(seconds=DRAIN_SECONDS)
    oldest = partial(inbox.claim, limit=batch_events)
    newest = partial(inbox.claim_news, payments=max(1, batch_events // EVENTS_OF_A_PAYMENT))
    horizon_at = news_at + HORIZON_EVERY
    finished = 0
    for batch in range(BATCHES_MAX):
        count = _apply_batch(runtime, oldest)
        finished += count
        if runtime.now() >= horizon_at:
            horizon_at = runtime.now() + HORIZON_EVERY
            runtime.do(_cause(), inbox.advance_horizon)
        if not count or runtime.now() > ends_at:
            break
        if count >= batch_events and runtime.now() >= news_at:
            news_at = runtime.now() + NEWS_EVERY
            finished += _apply_batch(runtime, newest)
        if batch and count < batch_events:
            runtime.pause(GATHER_SECONDS)
    runtime.do(_cause(), inbox.advance_horizon)
    return finished


def _apply_batch(runtime: Runtime, claim: Claim) -> int:
    try:
        return runtime.do(_cause(), lambda work: _take(work, runtime.rails, claim))
    except Unavailable as error:
        if not isinstance(error, Collision):
            raise
    except Exception as error:  # noqa: BLE001  whatever it is, it must not stop the others
        _log.warning("batch.failed", error=_named(error))
    return _apply_one_by_one(runtime, claim)


def _apply_one_by_one(runtime: Runtime, claim: Claim) -> int:
    """The batch again, each payment's events in a transaction of their own."""
    with runtime.work(_cause()) as work:
        held = claim(work)
    groups: dict[str, list[Claimed]] = {}
    for event in held:
        groups.setdefault(_group(runtime.rails, event), []).append(event)
    finished = 0
    for events in groups.values():
        with runtime.read() as session:  # many small transactions: a switch need not wait for all
            if not switches.are_on(session, SwitchName.APPLY):
                break
        _apply_group(runtime, events)
        finished += len(events)
    return finished


def _apply_group(runtime: Runtime, events: list[Claimed]) -> None:
    cause = Cause("event", events[0].rail_event_id)
    try:
        runtime.do(cause, lambda work: apply_events(work, runtime.rails, events))
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001  a poison event is set aside, whatever it raises
        if len(events) > 1:  # alone, and not with what else was said of its payment
            for event in events:
                _apply_group(runtime, [event])
            return
        why = _named(error)
        _log.error("event.failed", rail_event=events[0].rail_event_id, error=why)
        runtime.do(cause, lambda work: inbox.failed(work, events, why))


def _take(work: Work, rails: Mapping[str, Rail], claim: Claim) -> int:
    if not switches.are_on(work.session, SwitchName.APPLY):
        return 0
    held = claim(work)
    if held:
        apply_events(work, rails, held)
    return len(held)


def apply_events(work: Work, rails: Mapping[str, Rail], events: Sequence[Claimed]) -> None:
    """Bring these events into the books, in one transaction. Raises what the first bad one does."""
    read = [(event, rails[event.rail].sighting(event.body)) for event in events]
    ways = {
        (event.rail, event.account, s.via) for event, s in read if s.facts and s.via is not None
    }
    leads_to = payments_by_alias(work, ways) | _told_here(read)
    outcomes = []
    seen: list[tuple[Claimed, PaymentFacts, Sighting]] = []
    told = [(event, s) for event, s in read if s.payout is not None]
    for event, sighting in read:
        facts = _placed(event, sighting, leads_to)
        if sighting.payout is not None:
            continue
        if sighting.facts is None:
            outcomes.append(inbox.ignored(work, event, sighting.kept_for or "nothing to apply"))
        elif facts is None:
            outcomes.append(inbox.parked(work, event, sighting.via or ""))
        else:
            seen.append((event, facts, sighting))
    ours = payments.observe(work, [(facts, s.aliases) for _, facts, s in seen])
    for event, facts, sighting in seen:
        payment_id = ours[facts.rail, facts.account, facts.payment_id]
        outcomes.append(inbox.applied(work, event, payment_id, sighting.kept_for))
    outcomes += _apply_payouts(work, told)
    inbox.finish(work, outcomes, events)


def _apply_payouts(work: Work, told: Sequence[tuple[Claimed, Sighting]]) -> list[Outcome]:
    facts = [sighting.payout for _, sighting in told if sighting.payout is not None]
    ours = payouts.observe(work, facts)
    return [
        inbox.applied(
            work,
            event,
            None,
            sighting.kept_for,
            payout_id=ours[one.rail, one.account, one.payout_id],
        )
        for (event, sighting), one in zip(told, facts, strict=True)
    ]


def _told_here(
    read: Sequence[tuple[Claimed, Sighting]],
) -> dict[tuple[str, str, str], str]:
    """Where the rail's ids lead by what is told at the same time: a parent may be among these."""
    return {
        (event.rail, event.account, name): seen.facts.payment_id
        for event, seen in read
        if seen.facts is not None and seen.via is None
        for name in (*seen.aliases, seen.facts.payment_id)
    }


def _placed(
    event: Claimed, sighting: Sighting, leads_to: Mapping[tuple[str, str, str], str]
) -> PaymentFacts | None:
    facts = sighting.facts
    if facts is None or sighting.via is None:
        return facts
    payment_id = leads_to.get((event.rail, event.account, sighting.via))
    return msgspec.structs.replace(facts, payment_id=payment_id) if payment_id else None


def _group(rails: Mapping[str, Rail], event: Claimed) -> str:
    try:
        sighting = rails[event.rail].sighting(event.body)
    except Exception:  # noqa: BLE001  it will raise again where it is handled, in a group of one
        return f"{event.rail}/{event.seq}"
    if sighting.payout is not None:
        return f"{event.rail}/{sighting.payout.payout_id}"
    if sighting.facts is None:
        return f"{event.rail}/{event.seq}"
    return f"{event.rail}/{sighting.facts.payment_id or sighting.via}"


def _cause() -> Cause:
    return Cause("job", "apply_inbox")


def _named(error: Exception) -> str:
    # Our own words are fit to be kept; a stranger's may hold what customers wrote.
    if isinstance(error, ReconcilerError | AssertionError):
        return f"{type(error).__name__}: {error}"[:500]
    return type(error).__name__
