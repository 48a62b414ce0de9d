"""Sending one leg of a refund, exactly once: where it stands, what a look and an answer change.

Every number that decides whether money is sent again stands here. Nothing here reads a clock, a
database or a network, so that `benchmarks/refund_simulator.py` runs a million lives through the
very code that production runs; `services/refund_sending.py` keeps what is decided here.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from reconciler.books.observations import PaymentFacts, RefundFact, RefundStage
from reconciler.books.refunds import SENDABLE, RefundStatus, carries_a_part

# A rail keeps idempotency keys for 24 hours at least, perhaps no longer. The four hours before
# that are for clocks that differ and for senders that are slow.
KEY_IS_SAFE = timedelta(hours=20)
# And an hour after it, so that what the first key might still have done is done.
KEY_IS_FORGOTTEN = timedelta(hours=25)
# Whatever was on its way this long ago has arrived, or never will.
QUIET = timedelta(hours=1)
GENERATIONS_MAX = 3
UNSETTLED_MAX = timedelta(hours=48)
# From the durable intent to the first byte: whoever was frozen longer than this does not send.
FENCE = timedelta(seconds=30)
# Longer than the rail client's whole patience.
LEASE = timedelta(seconds=120)
# How soon it is seen that a person has switched refunds on again.
SWITCHED_OFF_FOR = timedelta(minutes=1)

_PROBE_WAITS = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(hours=1),
)
_BACKOFF_FIRST = timedelta(seconds=10)
_BACKOFF_MAX = timedelta(hours=1)
NOTHING = timedelta(0)

_replace = msgspec.structs.replace


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    """Where a leg stands on its way to the rail: all that is kept between two transactions.

    `first_sent_at`, `last_sent_at`, `sends`, `is_refused` and `outcome` are of the present key,
    the one of this `generation`. `failure` is what a person is shown.
    """

    status: RefundStatus
    generation: int = 1
    generations_max: int = GENERATIONS_MAX
    first_sent_at: datetime | None = None
    last_sent_at: datetime | None = None
    sends: int = 0
    is_refused: bool = False
    outcome: str | None = None
    unsettled_since: datetime | None = None
    due_at: datetime | None = None
    lease_token: str | None = None
    lease_until: datetime | None = None
    probes: int = 0
    tries: int = 0
    failure: str | None = None


# Looking, and what to do then


class Look(StrEnum):
    """What looking for our reference on the rail has shown."""

    FOUND = "found"
    ABSENT = "absent"
    UNANSWERED = "unanswered"  # the rail could not be asked, or its listing was not whole


@dataclass(frozen=True, slots=True)
class Looked:
    """A look at the rail. `totals_agree`: the rail's own total is what it listed, all known."""

    look: Look
    totals_agree: bool = True
    why: str | None = None


def lists_everything(known: PaymentFacts, listed: PaymentFacts, refunded_total: int) -> bool:
    """Whether the rail listed every refund that we know lives, and its own total agrees.

    `refunded_total`, in minor units, is what the rail says has been refunded, live refunds only.
    """
    missing = [
        refund.id
        for refund in _alive(known)
        if not refund.is_by_hand and refund.id not in listed.refunds
    ]
    return not missing and sum(refund.amount for refund in _alive(listed)) == refunded_total


def has_forgotten(facts: PaymentFacts, refund_id: str, references: Collection[str]) -> bool:
    """Whether the rail shows a living leg of this refund that none of ours, `references`, is.

    Then a database older than that leg was restored. What stands here as still to be sent may
    have failed since, and been replaced by the very leg that we do not know any more.
    """
    return any(
        carries_a_part(fact, refund_id) and fact.reference not in references
        for fact in _alive(facts)
    )


def _alive(facts: PaymentFacts) -> list[RefundFact]:
    return [
        refund
        for refund in facts.refunds.values()
        if refund.stage <= RefundStage.LEFT and not refund.is_released
    ]


class Step(StrEnum):
    """What is done next about a leg."""

    DONE = "done"
    SEND = "send"  # for the first time, or again under the same key
    NEW_GENERATION = "new_generation"  # under a new key: the rail has forgotten the old one
    WAIT = "wait"  # and look again
    FAIL = "fail"
    MANUAL = "manual"


class Obstacle(StrEnum):
    """Why what should be sent now is not."""

    SWITCHED_OFF = "switched_off"
    NOTHING_LEFT = "nothing_left"
    DAY_IS_FULL = "day_is_full"
    FORGOTTEN = "forgotten"  # a leg of the same refund was paid, and we know no such leg


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the next step depends on.

    `first_sent` and `last_sent` say how long ago the present key was first and last used; None
    for never, and `sends` how often. `unsettled` is how long this has been going on, over all
    keys, since it was first sent or a person released it. `late` is how long after its time the
    leg was taken up, `probes` how many looks before this one have settled nothing. `was_refused`:
    the rail answered the present key with a no.
    """

    look: Look
    first_sent: timedelta | None = None
    last_sent: timedelta | None = None
    sends: int = 1
    unsettled: timedelta = NOTHING
    late: timedelta = NOTHING
    probes: int = 1
    generation: int = 1
    generations_max: int = GENERATIONS_MAX
    totals_agree: bool = True
    was_refused: bool = False


def situation(
    at: Sending, looked: Looked, now: datetime, *, released_at: datetime | None
) -> Situation:
    """The leg after a look. `released_at`: since when it may go, if it never went yet."""
    since = at.unsettled_since or released_at or now
    return Situation(
        look=looked.look,
        first_sent=now - at.first_sent_at if at.first_sent_at else None,
        last_sent=now - at.last_sent_at if at.last_sent_at else None,
        sends=at.sends,
        unsettled=now - since,
        late=now - at.due_at if at.due_at else NOTHING,
        probes=at.probes,
        generation=at.generation,
        generations_max=at.generations_max,
        totals_agree=looked.totals_agree,
        was_refused=at.is_refused,
    )


def next_step(at: Situation) -> Step:
    """What to do about a leg, having looked for it on the rail."""
    if at.look is Look.FOUND:
        return Step.DONE
    if at.look is Look.UNANSWERED:
        return _wait(at)
    if at.was_refused:
        # An earlier message under the same key may yet be carried out, whatever this one was told.
        return Step.FAIL if at.sends <= 1 else _once_quiet(at, Step.FAIL)
    if at.first_sent is None:
        return Step.SEND if at.totals_agree else _wait(at)
    return _again(at, at.first_sent)


def _again(at: Situation, first_sent: timedelta) -> Step:
    if first_sent <= KEY_IS_SAFE:
        return Step.SEND
    if first_sent < KEY_IS_FORGOTTEN:
        return _wait(at)
    if at.generation >= at.generations_max or not at.totals_agree:
        return Step.MANUAL
    return _once_quiet(at, Step.NEW_GENERATION)


def _once_quiet(at: Situation, step: Step) -> Step:
    """The step, once nothing that was sent can still be on its way.

    Taken up long after its time, either nobody was at work or the clock has leapt. In the second
    case the message that seems a day old may be a minute old. So the look is made twice, an hour
    apart (`put_off`), and the second one on time.
    """
    assert at.last_sent is not None, "a key that was used was last used at some time"
    if at.last_sent >= QUIET and at.late < QUIET and at.probes > 0:
        return step
    return _wait(at) if at.probes > 0 else Step.WAIT


def _wait(at: Situation) -> Step:
    return Step.MANUAL if at.unsettled > UNSETTLED_MAX else Step.WAIT


# What follows: each of these gives what is to be kept


def may_be_claimed(at: Sending, now: datetime) -> bool:
    """Whether there is something to do about it at all, and nobody is at it."""
    return at.due_at is not None and (at.lease_until is None or at.lease_until < now)


def claimed(at: Sending, token: str, now: datetime) -> Sending:
    """Somebody has taken it in hand: whoever holds another token is late."""
    return _replace(at, lease_token=token, lease_until=now + LEASE)


def is_held(at: Sending, token: str, now: datetime) -> bool:
    """The fence: whether the leg is still in the hands of who meant to send it."""
    return at.lease_token == token and at.lease_until is not None and now < at.lease_until


def is_still_meant(wall: timedelta, boot: timedelta) -> bool:
    """Whether an intent is young enough to act on, by the wall clock and by the machine's own."""
    return NOTHING <= wall <= FENCE and boot <= FENCE


def intended(at: Sending, step: Step, now: datetime) -> Sending:
    """The durable intent: from here on bytes may have left, whatever happens to us."""
    if step is Step.NEW_GENERATION:
        at = _replace(
            at,
            generation=at.generation + 1,
            first_sent_at=None,
            sends=0,
            is_refused=False,
            outcome=None,
            probes=0,
            tries=0,
        )
    return _replace(
        at,
        status=RefundStatus.SUBMITTED,
        first_sent_at=at.first_sent_at or now,
        last_sent_at=now,
        sends=at.sends + 1,
        unsettled_since=at.unsettled_since or now,
        due_at=now + LEASE,
        lease_until=now + LEASE,
        failure=None,
    )


def hindered(
    at: Sending, step: Step, obstacle: Obstacle, now: datetime, why: str | None = None
) -> Sending:
    """It was to be sent, and something stands in the way; `why` says what exactly, in words."""
    match obstacle:
        case Obstacle.SWITCHED_OFF:
            return put_off(at, SWITCHED_OFF_FOR, now)
        case Obstacle.DAY_IS_FULL:
            at = _replace(at, failure=f"waits for tomorrow: {why}")
            return put_off(at, _until_tomorrow(now), now)
        case Obstacle.NOTHING_LEFT:
            why = why or "the payment has not got that much left to refund"
            if at.first_sent_at is not None and step is Step.SEND:
                return look_again(at, now, why)  # it may be our own sending that took it
            return ended(at, RefundStatus.MANUAL, why)
        case _:  # forgotten
            why = "the rail shows a part of this refund that is not known here"
            return ended(at, RefundStatus.MANUAL, why)


def after_look(at: Sending, step: Step, looked: Looked, now: datetime) -> Sending:
    """Nothing is sent after this look: it waits, or it is over for us."""
    if step is Step.FAIL:
        return ended(at, RefundStatus.FAILED, at.outcome or "the rail refused it")
    if step is Step.MANUAL:
        return ended(at, RefundStatus.MANUAL, looked.why or "what came of it is not known")
    assert step is Step.WAIT, f"after {step} nothing waits"
    return look_again(at, now, looked.why)


def unanswered(at: Sending, now: datetime, why: str) -> Sending:
    """Sent, and nobody knows what came of it: look before anything else."""
    return look_again(_replace(at, outcome=why), now, why)


def not_taken(at: Sending, now: datetime, why: str) -> Sending:
    """The rail did nothing with this very call: it stands as before, and is tried again later."""
    at = _replace(at, outcome=why, failure=why, tries=at.tries + 1)
    return put_off(at, backoff(at.tries - 1), now)


def in_the_way(at: Sending, now: datetime, why: str) -> Sending:
    """The rail did nothing with this call, for it is busy: perhaps with an earlier one of ours."""
    return _replace(not_taken(at, now, why), status=RefundStatus.UNKNOWN)


def refused(at: Sending, code: str, why: str) -> Sending:
    """The rail said no. Believed after one more look, unless only a person can know more."""
    at = _replace(at, outcome=why)
    if needs_a_person(code):
        return ended(at, RefundStatus.MANUAL, why)
    return _replace(at, is_refused=True)


def look_again(at: Sending, now: datetime, why: str | None) -> Sending:
    """Nothing is known yet; the next look comes later than this one did."""
    if at.first_sent_at is not None and at.status in SENDABLE:
        at = _replace(at, status=RefundStatus.UNKNOWN)
    return put_off(_replace(at, failure=why, probes=at.probes + 1), probe_wait(at.probes), now)


def put_off(at: Sending, wait: timedelta, now: datetime) -> Sending:
    """Out of our hands until then; for an hour at least where a new key may be the next thing."""
    if at.first_sent_at is not None and now - at.first_sent_at >= KEY_IS_FORGOTTEN:
        wait = max(wait, QUIET)
    return _replace(at, due_at=now + wait, lease_token=None, lease_until=None)


def ended(at: Sending, status: RefundStatus, why: str | None) -> Sending:
    """Nothing more is done about it by itself."""
    return _replace(at, status=status, failure=why, due_at=None, lease_token=None, lease_until=None)


def released(at: Sending, now: datetime) -> Sending:
    """Nothing stands in the way of its being sent."""
    return _replace(at, status=RefundStatus.APPROVED, due_at=now)


def put_back(at: Sending, now: datetime) -> Sending:
    """A person has another go at what was given up: it may need approval, and has time again."""
    return _replace(
        at,
        status=RefundStatus.REQUESTED,
        generations_max=max(at.generations_max, at.generation + 1),
        unsettled_since=now if at.unsettled_since else None,
        probes=0,
        tries=0,
        failure=None,
    )


# How long


def probe_wait(probes: int) -> timedelta:
    """How long to wait before looking again, after so many looks: 10 s, 1 m, 5 m, then hours."""
    return _PROBE_WAITS[min(probes, len(_PROBE_WAITS) - 1)]


def backoff(tries: int) -> timedelta:
    """How long until what the rail did not take is tried again: 10 s, doubling to an hour."""
    return min(_BACKOFF_FIRST * (1 << min(tries, 10)), _BACKOFF_MAX)


def _until_tomorrow(now: datetime) -> timedelta:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=1) - now


def needs_a_person(code: str) -> bool:
    """Whether a rail's refusal is a fault of ours that no further look can clear up."""
    return code == "idempotency_error"  # the same key with other parameters
