"""Whose an open question is, until when it is out of sight, and notes on things."""

from datetime import date

from flask import Response, make_response, redirect, request

from reconciler.books.people import Role
from reconciler.books.reviews import MATCHING_KINDS, ReviewKind
from reconciler.reads import review_queue
from reconciler.reads.review_queue import ReviewRow
from reconciler.services import notes, review_desk
from reconciler.web import forms
from reconciler.web.admin import put_off
from reconciler.web.admin.desk import Desk
from reconciler.web.admin.routes import Screens
from reconciler.web.admin.sign_in import inside
from reconciler.work import Work

screens = Screens()


@screens.post("/questions/<item_id>/assign", Role.RECONCILER)
def assign_question(desk: Desk, item_id: str) -> Response:
    """Make a question somebody's, or nobody's."""
    who, why = request.form.get("assigned_to", "") or None, forms.words(request.form, "note")

    def step(work: Work) -> str:
        review_desk.assign(work, item_id, who)
        _keep(work, item_id, why)
        return item_id

    desk.once(step)
    return _back()


@screens.post("/questions/<item_id>/snooze", Role.RECONCILER)
def snooze_question(desk: Desk, item_id: str) -> Response:
    """Put a question out of sight until a day begins, or bring it back; and note why."""
    until = None if "wake" in request.form else _day()
    why = forms.words(request.form, "note")

    def step(work: Work) -> str:
        stood = review_desk.snooze(work, item_id, until)
        _keep(work, item_id, put_off.reason(until, why) if why else "")
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


def noted_on(item: ReviewRow) -> str:
    """What a note about a question is kept on: what has a page that shows notes, or itself."""
    if item.kind in MATCHING_KINDS and item.payment_id:
        return item.payment_id
    if item.kind in {ReviewKind.PAYOUT_FAILED, ReviewKind.PAYOUT_DIFFERENCE}:
        return item.subject
    refund = item.refund_id if item.kind is not ReviewKind.EXTERNAL_REFUND else None
    return item.dispute_id or refund or item.id


def _keep(work: Work, item_id: str, said: str) -> None:
    """Note it, if anything was said."""
    if said:
        notes.add(work, noted_on(review_queue.one(work.session, item_id)), said)


def _day() -> date:
    return forms.day(request.form, "until")


def _back(place: str = "") -> Response:
    """The page that the form stood on."""
    where = put_off.address(inside(request.form.get("back")))
    return make_response(redirect(where + place, 303))
