"""A milestone changed: all of it until it is asked for, then what says nothing of its money."""

from collections.abc import Mapping

from flask import Response, request

from reconciler.books.people import Role
from reconciler.errors import Conflict, Refused
from reconciler.reads import milestones as reads
from reconciler.reads.milestones import MilestoneRow
from reconciler.services import milestones
from reconciler.web import forms, stage_forms
from reconciler.web.admin import errors, words
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.routes import Screens

screens = Screens()

_FIELDS = ("kind", "name", "description", "amount", "due_on")


@screens.get("/milestones/<milestone_id>/change", Role.RECONCILER)
def change_milestone(desk: Desk, milestone_id: str) -> Response:
    """What it is called and delivers, and when; its amount while nothing asks for it."""
    return _form(desk, _of(desk, milestone_id))


@screens.post("/milestones/<milestone_id>/change", Role.RECONCILER)
def save_milestone(desk: Desk, milestone_id: str) -> Response:
    """Keep what was typed. A sign-off of what it said before no longer counts."""
    known = _of(desk, milestone_id)

    def deed() -> Response:
        rev = forms.whole(request.form, "rev")
        changes = _changes(known)
        desk.do(lambda work: milestones.patch(work, milestone_id, changes, rev=rev))
        return go("show_project", project_id=known.project_id, done="kept", _anchor=milestone_id)

    return errors.or_again(deed, lambda error: _form(desk, known, error=_words(error)))


def is_asked_for(milestone: MilestoneRow) -> bool:
    """Whether an invoice or a deposit asks for its money: then its amount stands."""
    return bool(milestone.invoice_id or milestone.deposit_id)


def _changes(known: MilestoneRow) -> dict[str, object]:
    form = request.form
    due = form.get("due_on", "").strip()
    changes: dict[str, object] = {
        "name": forms.text(form, "name", chars_max=milestones.NAME_CHARS_MAX),
        "description": form.get("description", "").strip() or None,
        "due_on": forms.day(form, "due_on") if due else None,
    }
    if not is_asked_for(known):
        changes["kind"] = form.get("kind", "")
        changes["amount"] = forms.amount(form, "amount", known.currency).minor
    return changes


def _of(desk: Desk, milestone_id: str) -> MilestoneRow:
    with desk.runtime.read() as session:
        return reads.one(session, milestone_id, today=desk.today)


def _words(error: Refused) -> Refused:
    if isinstance(error, Conflict):
        return Conflict("Somebody changed this milestone meanwhile. Nothing of yours is kept yet.")
    return error


def _form(desk: Desk, known: MilestoneRow, *, error: Refused | None = None) -> Response:
    typed: Mapping[str, str] = request.form
    if error is None:
        typed = {
            "kind": known.kind.value,
            "name": known.name,
            "description": known.description or "",
            "amount": words.typed(known.amount, known.currency),
            "due_on": known.due_on.isoformat() if known.due_on else "",
        }
    return desk.page(
        "milestone_change.html",
        status=errors.status_of(error),
        m=known,
        is_asked_for=is_asked_for(known),
        kinds=stage_forms.KINDS,
        typed={name: typed.get(name, "") for name in _FIELDS},
        error=errors.sentence(error) if error else "",
        field=(error.field or "") if error else "",
    )
