"""Doing many events over: tried first, with what it would book, and only then done."""

from collections.abc import Mapping
from datetime import UTC, datetime, time

from flask import Response, request

from reconciler.books.people import Role
from reconciler.errors import Conflict, Invalid, Refused
from reconciler.flows.try_replay import TRIED_MAX, Trial, try_replay
from reconciler.reads import screens_events
from reconciler.services import inbox
from reconciler.services.inbox import REPLAY_MAX, ReplayFilter
from reconciler.web import forms
from reconciler.web.admin import errors
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.events import FILTER_CHARS_MAX, STATUSES
from reconciler.web.admin.routes import Screens

screens = Screens()

# What is kept apart is never applied; what waits is applied without anybody's doing.
MAY_BE_DONE_OVER = tuple(s for s in STATUSES if s != "quarantined")


@screens.get("/events/replay", needs=Role.ADMIN)
def plan_replay(desk: Desk) -> Response:
    """Which events, how many they are, and what doing them over would change."""
    return _page(desk)


@screens.post("/events/replay", Role.ADMIN)
def replay_many(desk: Desk) -> Response:
    """Do them over, if they are still as many as were shown."""
    try:
        shown = forms.whole(request.form, "matching")
        wanted = _wanted(request.form)
        if wanted == ReplayFilter():
            raise Invalid("Choose a type, an outcome or a day first", field="type")
        done = desk.do(lambda work: _as_shown(inbox.replay_matching(work, wanted), shown))
    except Conflict as error:
        return _page(desk, status=409, error=errors.sentence(error))
    except Refused as error:
        return _page(desk, status=422, error=errors.sentence(error))
    return go("list_events", status=wanted.status, type=wanted.kind, replayed=done)


def _as_shown(found: int, shown: int) -> int:
    if found != shown:
        raise Conflict(f"It is {found:,} events by now, and not {shown:,}: look again first")
    return found


def _page(desk: Desk, *, status: int = 200, error: str = "") -> Response:
    asked = request.values
    trial: Trial | None = None
    wanted = ReplayFilter()
    try:
        wanted = _wanted(asked)
    except Invalid as problem:
        status, error = 422, error or errors.sentence(problem)
    if wanted != ReplayFilter() and not error:
        trial = try_replay(desk.runtime, wanted)
    with desk.runtime.read() as session:
        troubles = screens_events.troubles(session)
    return desk.page(
        "replay.html",
        status=status,
        error=error,
        trial=trial,
        tried_max=TRIED_MAX,
        replay_max=REPLAY_MAX,
        statuses=MAY_BE_DONE_OVER,
        troubles=troubles,
        asked={name: asked.get(name, "") for name in ("type", "status", "since")},
    )


def _wanted(asked: Mapping[str, str]) -> ReplayFilter:
    status = asked.get("status") or None
    if status is not None and status not in MAY_BE_DONE_OVER:
        raise Invalid("Events of that outcome are not done over", field="status")
    since = forms.day(asked, "since") if asked.get("since", "").strip() else None
    return ReplayFilter(
        since=datetime.combine(since, time(), UTC) if since else None,
        kind=asked.get("type", "").strip()[:FILTER_CHARS_MAX] or None,
        status=status,
    )
