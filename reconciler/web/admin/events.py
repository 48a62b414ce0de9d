"""The event log: what rails have sent, what became of it, and doing it over."""

import json

from flask import Response, request

from reconciler.books import texts
from reconciler.books.people import Role
from reconciler.errors import Invalid, NotFound
from reconciler.reads import ledger, pages, screens_events
from reconciler.reads.screens_events import EventLine, EventPage, Wanted
from reconciler.services import inbox
from reconciler.web.admin import words
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.paging import PER_PAGE, next_page
from reconciler.web.admin.routes import Screens

screens = Screens()

_STATUSES = ("pending", "parked", "applied", "ignored", "quarantined", "failed")
_CURSOR = ("bigint",)
FILTER_CHARS_MAX = 200
PAYLOAD_CHARS_MAX = 60_000  # the rest is in the database; a page is for reading


@screens.get("/events")
def list_events(desk: Desk) -> Response:
    """Events, the newest first."""
    wanted = Wanted(
        status=_status(),
        kind=request.args.get("type", "").strip()[:FILTER_CHARS_MAX] or None,
        about=request.args.get("about", "").strip()[:FILTER_CHARS_MAX] or None,
    )
    with desk.runtime.read() as session:
        lines = screens_events.latest(session, wanted, before=_before(), limit=PER_PAGE)
        unfinished = screens_events.unfinished(session)
    return desk.page(
        "events.html",
        lines=lines,
        wanted=wanted,
        chips=[(s, words.pill("event", s).text, unfinished.get(s)) for s in _STATUSES],
        older=next_page(pages.encode([lines[-1].seq])) if len(lines) == PER_PAGE else None,
    )


@screens.get("/events/<event_id>")
def show_event(desk: Desk, event_id: str) -> Response:
    """One event: what we did, what it says, what else came about the same payment."""
    with desk.runtime.read() as session:
        found = _found(screens_events.event(session, event_id), event_id)
        line = found.line
        related = screens_events.related(session, line.about, line.seq) if line.about else []
        entries = (
            ledger.entries_of(session, "payment_id", [line.payment_id]).get(line.payment_id, [])
            if line.payment_id
            else []
        )
    payload, is_cut = _pretty(found.body)
    return desk.page(
        "event.html",
        line=line,
        payload=payload,
        is_cut=is_cut,
        related=related,
        entries=[entry for entry in entries if _is_from(line, entry.cause.id)],
        was_replayed="replayed" in request.args,
    )


@screens.post("/events/<event_id>/replay", Role.ADMIN)
def replay_event(desk: Desk, event_id: str) -> Response:
    """Apply the event again: what is in the books already is not booked twice."""
    desk.do(lambda work: inbox.replay(work, [event_id]))
    return go("show_event", event_id=event_id, replayed=1)


def _found(event: EventPage | None, event_id: str) -> EventPage:
    if event is None:
        raise NotFound(f"There is no event {event_id[:80]}")
    return event


def _is_from(line: EventLine, cause_id: str) -> bool:
    return cause_id in {line.rail_event_id, str(line.seq)}


def _status() -> str | None:
    status = request.args.get("status") or None
    if status is not None and status not in _STATUSES:
        raise Invalid("There is no such status", field="status")
    return status


def _before() -> int | None:
    cursor = request.args.get("before")
    if not cursor:
        return None
    (seq,) = pages.decode(cursor, _CURSOR)
    assert isinstance(seq, int), "a cursor of numbers holds a number"
    return seq


def _pretty(body: bytes) -> tuple[str, bool]:
    """The body with its lines indented, or as it came; and whether it is cut."""
    said = texts.message(body)
    text = said if isinstance(said, str) else json.dumps(said, indent=2, ensure_ascii=False)
    return text[:PAYLOAD_CHARS_MAX], len(text) > PAYLOAD_CHARS_MAX
