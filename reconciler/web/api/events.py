"""The routes under /events."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from reconciler.books.people import Scope
from reconciler.errors import Refused
from reconciler.flows.try_replay import TRIED_MAX, Trial, try_replay
from reconciler.reads import events as reads
from reconciler.reads.events import EventRow, EventStatus
from reconciler.reads.pages import Page
from reconciler.services import inbox
from reconciler.services.inbox import ReplayFilter
from reconciler.web.api.fields import Body, End, Line64, Line128, Line255, Nothing, Paged, Start
from reconciler.web.api.routes import Call, Look, Resource
from reconciler.work import Work

resource = Resource("events")


class EventQuery(Paged):
    """Which events."""

    rail: Line64 | None = None
    type: Line128 | None = None
    status: EventStatus | None = None
    rail_event_id: Line255 | None = None
    payment_id: Line128 | None = None
    since: Start | None = None
    until: End | None = None


class ReplayWhich(Body):
    """Which events are to be done over: all that fit everything said here."""

    since: Start | None = None
    type: Line128 | None = None
    status: EventStatus | None = None


class ReplayBody(Body):
    """Which events are to be done over, and whether only to say what that would change."""

    filter: ReplayWhich
    dry_run: Annotated[
        bool,
        Field(
            description="Only say how many there are, and what doing over the first"
            f" {TRIED_MAX} of them would book."
        ),
    ] = False


@dataclass(frozen=True, slots=True)
class ReplayAnswer:
    """How many events fit, the first of them, and whether they are being done over.

    `would_change` says of a dry run what it would book; it was done, looked at and undone.
    """

    matched: int
    dry_run: bool
    event_ids: list[str]
    would_change: Trial | None


_SHOWN_MAX = 100


@resource.get("/events")
def listed(look: Look, query: EventQuery) -> Page[EventRow]:
    """List events, the last received first."""
    return reads.page(look.session, query.filters, query.wanted)


@resource.get("/events/{event_id}")
def one(look: Look, event_id: str) -> EventRow:
    """Read one event, by our id or the rail's."""
    return reads.one(look.session, event_id)


@resource.post("/events/{event_id}/replay", scope=Scope.ADMIN)
def replay(work: Work, event_id: str, body: Nothing) -> EventRow:  # noqa: ARG001  takes no field
    """Do one event over. What is in the books already is not booked again."""
    event = reads.one(work.session, event_id)
    if event.status is EventStatus.QUARANTINED:
        raise Refused("a quarantined event is not ours and is never applied")
    inbox.replay(work, [event.id])
    return reads.one(work.session, event.id)


@resource.post("/events/replay", scope=Scope.ADMIN)
def replay_many(work: Work, body: ReplayBody, call: Call) -> ReplayAnswer:
    """Do over all events that fit, or say how many they are and what that would change."""
    wanted = ReplayFilter(
        since=body.filter.since,
        kind=body.filter.type,
        status=body.filter.status.value if body.filter.status else None,
    )
    found = inbox.matching(work, wanted)
    work.has_only_looked = body.dry_run
    if not body.dry_run:
        inbox.replay_matching(work, wanted)
    trial = try_replay(call.runtime, wanted) if body.dry_run else None
    return ReplayAnswer(len(found), body.dry_run, [str(seq) for seq in found[:_SHOWN_MAX]], trial)
