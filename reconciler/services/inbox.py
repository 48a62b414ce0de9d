"""Keeping what rails say, finishing it, and doing it over."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from reconciler.books import texts
from reconciler.books.observations import RailEvent
from reconciler.books.reviews import ReviewKind
from reconciler.errors import NotFound, Refused
from reconciler.services import audit, reviews
from reconciler.services.aliases import payments_by_alias
from reconciler.services.reviews import Question
from reconciler.store import inbox_rows as store
from reconciler.store.inbox import EventStatus
from reconciler.store.inbox_rows import Claimed, Outcome
from reconciler.work import Task, Work

ATTEMPTS_MAX = 8  # 10 s · 2^n: the last try comes about forty minutes after the first
RETRY_SECONDS = 10
PARKED_ATTEMPTS_MAX = 12
_GIVEN_UP = frozenset({ReviewKind.EVENT_FAILED})
_DONE = frozenset({EventStatus.APPLIED.value, EventStatus.IGNORED.value})
REPLAY_MAX = 100_000  # one command does over a month at three thousand events a day


@dataclass(frozen=True, slots=True)
class ReplayFilter:
    """Which events to do over."""

    since: datetime | None = None
    only_failed: bool = False
    kind: str | None = None
    status: str | None = None


def store_event(
    work: Work, event: RailEvent, *, headers: str = "{}", quarantine: str | None = None
) -> bool:
    """Keep an event; whether it is new. One that is not ours is kept apart, with a question."""
    seq = store.insert(
        work.session,
        {
            "rail": event.rail,
            "account": event.account,
            "rail_event_id": event.id,
            "type": event.kind,
            "livemode": event.livemode,
            "api_version": event.api_version,
            "about": event.about,
            "created": event.created,
            "quarantine": quarantine,
            "received_at": work.now,
            "headers": headers,
            "body": event.body,
        },
    )
    if seq is None:
        note_conflict(work, event)
        return False
    if quarantine is None:
        work.nudge(Task.APPLY_INBOX)
        return True
    store.finish(work.session, [Outcome(seq, EventStatus.QUARANTINED.value, 0, note=quarantine)])
    reviews.open_items(
        work,
        [
            Question(
                ReviewKind.EVENT_QUARANTINED,
                event.id,
                event_seq=seq,
                details={"reason": quarantine, "type": event.kind},
            )
        ],
    )
    return True


def note_conflict(work: Work, event: RailEvent) -> None:
    """Ask a person if an event that came again says something else than before.

    The first one stands. What a rail renders anew at each delivery does not count, nor does
    the same event in another API version (two endpoints on one address get it twice).
    """
    kept = store.stored(work.session, event.rail, event.account, event.id)
    if kept is None or kept.body == event.body or kept.api_version != event.api_version:
        return
    if _lasting(kept.body) == _lasting(event.body):
        return
    question = Question(
        ReviewKind.EVENT_CONFLICT, event.id, event_seq=kept.seq, details={"type": event.kind}
    )
    reviews.open_items(work, [question])


def _lasting(body: bytes) -> object:
    """What of an event stays the same at each delivery."""
    envelope = texts.message(body)
    if isinstance(envelope, dict):
        envelope.pop("pending_webhooks", None)
    return envelope


def claim(work: Work, limit: int) -> list[Claimed]:
    """Hold events to apply, the oldest first."""
    return store.claim(work.session, work.now, limit)


def claim_news(work: Work, payments: int) -> list[Claimed]:
    """Hold what came in last, of so many payments, as far as nothing older waits of the same."""
    return store.claim_news(work.session, payments)


def finish(work: Work, outcomes: Sequence[Outcome], events: Sequence[Claimed]) -> None:
    """Write what became of these events; nobody is asked any more about one that is done now.

    The last that a transaction does: their rank is drawn here, once it holds all that it takes.
    """
    tried = {event.seq: event.rail_event_id for event in events if not event.is_new}
    done = [tried[o.seq] for o in outcomes if o.seq in tried and o.status in _DONE]
    reviews.close_items(work, _GIVEN_UP, done, resolution="it was applied after all")
    work.session.flush()
    store.finish(work.session, outcomes)


def applied(
    work: Work,
    event: Claimed,
    payment_id: str | None,
    note: str | None = None,
    *,
    payout_id: str | None = None,
) -> Outcome:
    """This event is in the books. `note` is what of it could not be read: a person hears of it."""
    if note:
        question = Question(
            ReviewKind.UNKNOWN_STATUS,
            event.rail_event_id,
            payment_id=payment_id,
            event_seq=event.seq,
            details={"reason": note, "type": event.type},
        )
        reviews.open_items(work, [question])
    return Outcome(
        event.seq,
        EventStatus.APPLIED.value,
        event.attempts + 1,
        note=note,
        payment_id=payment_id,
        payout_id=payout_id,
        applied_at=work.now,
    )


def ignored(work: Work, event: Claimed, note: str) -> Outcome:
    """This event moves nothing that we handle; it is kept and may be done over."""
    return Outcome(
        event.seq, EventStatus.IGNORED.value, event.attempts + 1, note=note, applied_at=work.now
    )


def parked(work: Work, event: Claimed, waits_for: str) -> Outcome:
    """This event's payment is not known yet: its parent will wake it, or the rail is asked."""
    return Outcome(
        event.seq,
        EventStatus.PARKED.value,
        event.attempts,
        waits_for=waits_for,
        due_at=work.now + timedelta(seconds=2),
    )


def failed(work: Work, events: Sequence[Claimed], why: str) -> None:
    """Applying raised: try again later, and after the last try stop and ask a person."""
    outcomes = []
    for event in events:
        attempts = event.attempts + 1
        is_last = attempts >= ATTEMPTS_MAX
        delay = timedelta(seconds=RETRY_SECONDS * 2**attempts)
        status = EventStatus.FAILED if is_last else EventStatus.PENDING
        due_at = None if is_last else work.now + delay
        outcomes.append(Outcome(event.seq, status.value, attempts, error=why, due_at=due_at))
        if is_last:
            _ask_about(work, event.seq, event.rail_event_id, why)
    store.finish(work.session, outcomes)


def _ask_about(work: Work, seq: int, subject: str, why: str) -> None:
    question = Question(ReviewKind.EVENT_FAILED, subject, event_seq=seq, details={"error": why})
    reviews.open_items(work, [question])


def claim_parked(work: Work, limit: int) -> list[store.Parked]:
    """Hold parked events whose parent is to be asked for, and put off their next turn.

    A parent may have come while its part was being parked, when neither saw the other: that
    part goes on, and need not be asked about.
    """
    due = store.claim_parked(work.session, work.now, limit)
    leads_to = payments_by_alias(work, {(e.rail, e.account, e.waits_for) for e in due})
    held = [e for e in due if (e.rail, e.account, e.waits_for) not in leads_to]
    wake(work, {name for _, _, name in leads_to})
    outcomes = []
    for event in held:
        attempts = event.attempts + 1
        is_last = attempts >= PARKED_ATTEMPTS_MAX
        status = EventStatus.FAILED if is_last else EventStatus.PARKED
        outcomes.append(
            Outcome(
                event.seq,
                status.value,
                attempts,
                waits_for=event.waits_for,
                error=f"{event.waits_for} is not known to the rail" if is_last else None,
                due_at=None if is_last else work.now + timedelta(seconds=5 * 2**attempts),
            )
        )
        if is_last:
            _ask_about(work, event.seq, event.waits_for, "its payment was never found")
    store.finish(work.session, outcomes)
    return held


def wake(work: Work, objects: Collection[str]) -> None:
    """What waited for one of these objects can go on."""
    if store.wake(work.session, objects, work.now):
        reviews.close_items(work, _GIVEN_UP, objects, resolution="its payment is known by now")
        work.nudge(Task.APPLY_INBOX)


def replay(work: Work, event_ids: Sequence[str]) -> int:
    """Do these events over. Raises NotFound if none is known, Refused for one that is not ours."""
    found = store.find(work.session, event_ids)
    if not found:
        raise NotFound(f"no event is known as {', '.join(event_ids)}")
    for event in found:
        if event.quarantine:
            raise Refused(f"it is kept apart and never applied: {event.quarantine}")
    for event in found:
        before, after = {"status": event.status}, {"status": EventStatus.PENDING.value}
        audit.note(work, "event.replayed", str(event.seq), before=before, after=after)
    return _replay(work, [event.seq for event in found])


def replay_matching(work: Work, wanted: ReplayFilter) -> int:
    """Do over all events that fit; gives how many."""
    found = matching(work, wanted)
    # One line for all of them: there may be a hundred thousand.
    audit.note(work, "event.many_replayed", "events", after=asdict(wanted) | {"count": len(found)})
    return _replay(work, found)


def matching(work: Work, wanted: ReplayFilter) -> list[int]:
    """The events that fit, up to REPLAY_MAX of them."""
    return store.find_since(
        work.session,
        since=wanted.since,
        only_failed=wanted.only_failed,
        kind=wanted.kind,
        status=wanted.status,
        limit=REPLAY_MAX,
    )


def read_again(work: Work, seqs: Sequence[int]) -> list[Claimed]:
    """What these events said, to see what doing them over would come to."""
    return store.read_again(work.session, seqs)


def _replay(work: Work, seqs: list[int]) -> int:
    store.replay(work.session, seqs, work.now)
    work.nudge(Task.APPLY_INBOX)
    return len(seqs)


def take_up_again(work: Work, seqs: list[int]) -> None:
    """Let these events be applied: they were found lying about."""
    _replay(work, seqs)


def advance_horizon(work: Work) -> None:
    """Let the next search for new events start later."""
    store.advance_horizon(work.session)
