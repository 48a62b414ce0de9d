"""Closed periods: up to which day, who closed and opened them, and what came too late for them."""

from datetime import UTC, date, datetime, time, timedelta

from flask import Response, request

from reconciler.books.people import Role
from reconciler.errors import Refused
from reconciler.reads import closings as reads, screens_people
from reconciler.services import closings
from reconciler.web import forms
from reconciler.web.admin import errors
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.routes import Screens
from reconciler.work import Work

screens = Screens()

LATE_MAX = 20


@screens.get("/ledger/periods")
def show_periods(desk: Desk) -> Response:
    """Where the books stand."""
    return _show(desk)


@screens.post("/ledger/periods/close", Role.APPROVER)
def close_period(desk: Desk) -> Response:
    """Nothing is posted up to a day any more."""
    try:
        through = forms.day(request.form, "through")
        note = request.form.get("note", "").strip() or None
        desk.once(lambda work: _close(work, through, note))
    except Refused as error:
        return _show(desk, status=422, error=errors.sentence(error))
    return go("show_periods", closed=1)


@screens.post("/ledger/periods/reopen", Role.ADMIN)
def reopen_period(desk: Desk) -> Response:
    """The books are closed up to an earlier day only, or open."""
    try:
        typed = request.form.get("through", "").strip()
        through = forms.day(request.form, "through") if typed else None
        reason = request.form.get("reason", "")
        desk.once(lambda work: _reopen(work, through, reason))
    except Refused as error:
        return _show(desk, status=422, error=errors.sentence(error))
    return go("show_periods", reopened=1)


def _close(work: Work, through: date, note: str | None) -> str:
    closings.close(work, through, note=note)
    return closings.SUBJECT


def _reopen(work: Work, through: date | None, reason: str) -> str:
    closings.reopen(work, through, reason=reason)
    return closings.SUBJECT


def _show(desk: Desk, *, status: int = 200, error: str = "") -> Response:
    last = desk.today - timedelta(days=1)
    month_end = desk.today.replace(day=1) - timedelta(days=1)
    midnight = datetime.combine(desk.today.replace(day=1), time(), UTC)
    with desk.runtime.read() as session:
        books = reads.books(session)
        people = {one.cause.id for one in books.closings if one.cause.kind == "person"}
        names = screens_people.names(session, people)
        late = reads.late(session, LATE_MAX)
        waiting = reads.to_look_at(session, midnight)
    is_new = books.through is None or month_end > books.through
    return desk.page(
        "periods.html",
        status=status,
        books=books,
        names=names,
        late=late,
        waiting=waiting,
        last=last,
        typed=request.form.get("through", "") or (month_end if is_new else last).isoformat(),
        reason=request.form.get("reason", ""),
        note=request.form.get("note", ""),
        error=error,
        notice=_notice() if not error else "",
    )


def _notice() -> str:
    if "closed" in request.args:
        return "The books are closed. What arrives late counts on the first open day."
    return "The books are open again." if "reopened" in request.args else ""
