"""Whose an open question is, until when it is out of sight, and notes on things."""

from datetime import date

from flask import Response, make_response, redirect, request

from reconciler.books.people import Role
from reconciler.services import notes, review_desk
from reconciler.web import forms, question_notes
from reconciler.web.admin import put_off
from reconciler.web.admin.desk import Desk
from reconciler.web.admin.routes import Screens
from reconciler.web.admin.sign_in import inside
from reconciler.work import Work

screens = Screens()


@screens.post("/questions/<item_id>/assign", Role.RECONCILER)
def assign_question(desk: Desk, item_id: str) -> Response:
    """Make a question somebody's, or nobody's."""
    who, why = _whose(desk), forms.words(request.form, "note")

    def step(work: Work) -> str:
        review_desk.assign(work, item_id, who)
        question_notes.keep(work, item_id, why)
        return item_id

    desk.once(step)
    return _back()


def _whose(desk: Desk) -> str | None:
    """The id, which the page says by its mark; an id or a mail address that was sent does, too."""
    said = request.form.get("assigned_to", "")
    marked = [one.id for one in desk.able() if one.mark == said]
    return marked[0] if len(marked) == 1 else said or None


@screens.post("/questions/<item_id>/snooze", Role.RECONCILER)
def snooze_question(desk: Desk, item_id: str) -> Response:
    """Put a question out of sight until a day begins, or bring it back; and note why.

    The payer was asked about it, says the button below the mail that asks them.
    """
    until = None if "wake" in request.form else _day()
    why = forms.words(request.form, "note")

    def step(work: Work) -> str:
        stood = review_desk.snooze(work, item_id, until)
        if "asked" in request.form:
            question_notes.keep_asked(work, item_id, until)
        else:
            question_notes.keep(work, item_id, why, until=until)
        return stood.isoformat() if stood else ""

    stood = desk.once(step)
    before = date.fromisoformat(stood) if stood else None
    place = inside(request.form.get("back"))
    return make_response(redirect(put_off.address(place, item_id, before), 303))


@screens.post("/notes/<subject>", Role.RECONCILER)
def write_note(desk: Desk, subject: str) -> Response:
    """Write a note on what has this id."""
    said = forms.words(request.form, "note", chars_max=notes.NOTE_CHARS_MAX)
    desk.once(lambda work: notes.add(work, subject, said))
    return _back("#notes")


def _day() -> date:
    return forms.day(request.form, "until")


def _back(place: str = "") -> Response:
    """The page that the form stood on."""
    where = put_off.address(inside(request.form.get("back")))
    return make_response(redirect(where + place, 303))
