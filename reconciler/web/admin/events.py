"""The event log: what rails have sent, what became of it, and doing it over."""

import json
from dataclasses import dataclass

import msgspec
from flask import Response, request

from reconciler.books import texts
from reconciler.books.people import Role
from reconciler.errors import Invalid, NotFound
from reconciler.reads import ledger, pages, screens_events
from reconciler.reads.pages import Page, Session
from reconciler.reads.screens_events import EventLine, EventPage, Search, Wanted
from reconciler.services import inbox
from reconciler.web.admin import errors, paging, words
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.listed import Listed, offers_csv
from reconciler.web.admin.masking import masked
from reconciler.web.admin.routes import Screens

screens = Screens()

STATUSES = ("pending", "parked", "applied", "ignored", "quarantined", "failed")
_CURSOR = ("bigint",)
FILTER_CHARS_MAX = 200
PARTS_CHARS_MAX = 1_000
PAYLOAD_CHARS_MAX = 60_000  # the rest is in the database; a page is for reading


_LISTED = Listed(
    "events",
    (
        "seq", "rail", "account", "rail_event_id", "type", "livemode", "api_version", "about",
        "received_at", "status", "attempts", "error", "note", "payment_id", "waits_for", "due_at",
        "applied_at",
    ),
)  # fmt: skip


def _wanted() -> Wanted:
    return Wanted(
        status=_status(),
        kind=request.args.get("type", "").strip()[:FILTER_CHARS_MAX] or None,
        about=request.args.get("about", "").strip()[:FILTER_CHARS_MAX] or None,
    )


def _typed() -> str:
    return request.args.get("holds", "").strip()[:PARTS_CHARS_MAX]


def _rows(desk: Desk, session: Session, part: pages.Wanted) -> Page[EventLine]:
    del desk
    search = _search(session, _wanted(), _parts(_typed()), part)
    return Page(search.lines, pages.encode([search.reached.seq]) if search.reached else None)


@screens.get("/events")
@offers_csv(_LISTED, _rows)
def list_events(desk: Desk) -> Response:
    """Events, the newest first; those that hold some words or a piece of JSON, if it is asked."""
    wanted, typed = _wanted(), _typed()
    try:
        parts, error = _parts(typed), ""
    except Invalid as problem:
        parts, error = None, errors.sentence(problem)
    with desk.runtime.read() as session:
        search = _search(session, wanted, parts, paging.wanted())
        unfinished = screens_events.unfinished(session)
        troubles = screens_events.troubles(session) if wanted.status == "failed" else []
    return desk.page(
        "events.html",
        status=422 if error else 200,
        lines=search.lines,
        wanted=wanted,
        typed=typed,
        error=error,
        search=search if parts is not None else None,
        troubles=troubles,
        replayed=request.args.get("replayed", default=None, type=_count),
        chips=[(s, words.pill("event", s).text, unfinished.get(s)) for s in STATUSES],
        older=paging.next_page(pages.encode([search.reached.seq]) if search.reached else None),
    )


def _count(text: str) -> int:
    return int(text[:9])


def _search(session: Session, wanted: Wanted, parts: object, part: pages.Wanted) -> Search:
    before, limit = _seq(part.cursor), part.limit
    if parts is not None:
        return screens_events.holding(session, wanted, parts, before=before, limit=limit)
    lines = screens_events.latest(session, wanted, before=before, limit=limit)
    return Search(lines, len(lines), lines[-1] if len(lines) == limit else None)


def _parts(typed: str) -> object:
    """Some words as they are; what begins like JSON as JSON. Raises Invalid; None for nothing."""
    if not typed.startswith(("{", "[")):
        return typed or None
    try:
        return msgspec.json.decode(typed)
    except (ValueError, RecursionError):
        raise Invalid(
            'This begins like JSON and is none: write {"amount": 5000}', field="holds"
        ) from None


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
    is_whole = "whole" in request.args and desk.may(Role.ADMIN)
    payload, is_cut = _pretty(found.body, is_whole=is_whole)
    return desk.page(
        "event.html",
        line=line,
        payload=payload,
        is_cut=is_cut,
        is_whole=is_whole,
        related=_in_order(desk, line, related),
        entries=[entry for entry in entries if _is_from(line, entry.cause.id)],
        was_replayed="replayed" in request.args,
    )


@screens.post("/events/<event_id>/replay", Role.ADMIN)
def replay_event(desk: Desk, event_id: str) -> Response:
    """Apply the event again: what is in the books already is not booked twice."""
    desk.do(lambda work: inbox.replay(work, [event_id]))
    return go("show_event", event_id=event_id, replayed=1)


@dataclass(frozen=True, slots=True)
class Told:
    """An event among those about the same payment, and what should have come before it."""

    line: EventLine
    is_this: bool
    missing: tuple[str, ...]


def _in_order(desk: Desk, line: EventLine, others: list[EventLine]) -> list[Told]:
    """All that was told of one payment, in the rail's order; each gap once, where it shows."""
    lines = sorted([line, *others], key=lambda one: (one.created, one.seq))
    arrived = {one.type for one in lines}
    told: list[Told] = []
    known: set[str] = set()
    for one in lines:
        rail = desk.runtime.rails.get(one.rail)
        gaps = rail.missing_before(one.type, arrived) if rail else ()
        told.append(Told(one, one.seq == line.seq, tuple(g for g in gaps if g not in known)))
        known.update(gaps)
    return told


def _found(event: EventPage | None, event_id: str) -> EventPage:
    if event is None:
        raise NotFound(f"There is no event {event_id[:80]}")
    return event


def _is_from(line: EventLine, cause_id: str) -> bool:
    return cause_id in {line.rail_event_id, str(line.seq)}


def _status() -> str | None:
    status = request.args.get("status") or None
    if status is not None and status not in STATUSES:
        raise Invalid("There is no such status", field="status")
    return status


def _seq(cursor: str | None) -> int | None:
    if not cursor:
        return None
    (seq,) = pages.decode(cursor, _CURSOR)
    assert isinstance(seq, int), "a cursor of numbers holds a number"
    return seq


def _pretty(body: bytes, *, is_whole: bool) -> tuple[str, bool]:
    """The body with its lines indented, or as it came; and whether it is cut."""
    said = texts.message(body)
    said = said if is_whole else masked(said)
    text = said if isinstance(said, str) else json.dumps(said, indent=2, ensure_ascii=False)
    return text[:PAYLOAD_CHARS_MAX], len(text) > PAYLOAD_CHARS_MAX
