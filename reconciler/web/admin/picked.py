"""Several payments of the queue at once: put off or given to somebody, with what came of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import msgspec
from flask import Response, request

from reconciler.books.people import Role
from reconciler.errors import Conflict, Invalid, Refused
from reconciler.reads import screens_bulk, screens_payments, screens_unmatched
from reconciler.reads.pages import Session
from reconciler.reads.screens_payments import PaymentLine
from reconciler.reads.screens_unmatched import Waiting
from reconciler.services import notes, review_desk
from reconciler.web import forms, question_notes
from reconciler.web.admin import errors, queue_views, words
from reconciler.web.admin.desk import Desk
from reconciler.web.admin.routes import Screens
from reconciler.work import Work

screens = Screens()

PICKED_MAX = 80  # more than a page of the queue has
_GONE = "It does not wait any more. Nothing was done."


@dataclass(frozen=True, slots=True)
class Deed:
    """What is done to each: `said` of one to which it was, `note` is kept on it if there is any."""

    do: Callable[[Work, str], object]
    said: str
    note: str
    is_away: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one payment; `item` is its question, if it waits still."""

    payment: PaymentLine
    item: Waiting | None
    is_done: bool
    text: str


@screens.get("/unmatched/picked", Role.RECONCILER)
def show_picked(desk: Desk) -> Response:
    """What is picked, what it comes to, and what may be done to all of it."""
    return _show(desk, _ids(request.args.getlist("payment")))


@screens.post("/unmatched/picked", Role.RECONCILER)
def treat_picked(desk: Desk) -> Response:
    """Do it to each that is ticked still; what does not wait any more is left alone."""
    ids = _ids(request.form.getlist("payment"))
    try:
        if not ids:
            raise Invalid("Tick at least one payment", field="payment")
        deed = _asked(desk)
        came = desk.once(lambda work: _each(work, ids, deed))
    except Refused as error:
        return _show(desk, ids, refusal=error)
    rows = _rows(desk, ids, msgspec.json.decode(came, type=dict[str, tuple[bool, str]]))
    return desk.page(
        "picked_done.html",
        rows=rows,
        number=sum(row.is_done for row in rows),
        is_away=deed.is_away,
        place=queue_views.place(),
    )


def _asked(desk: Desk) -> Deed:
    note = forms.words(request.form, "note", chars_max=question_notes.WHY_CHARS_MAX)
    if forms.choice(request.form, "do", ["off", "assign"], ask="Choose what to do") == "off":
        until = forms.day(request.form, "until")
        return Deed(
            lambda work, item_id: review_desk.snooze(work, item_id, until),
            f"Out of sight until {words.day(until)}, or until something changes.",
            _put_off(until, note),
            is_away=True,
        )
    who = request.form.get("assigned_to", "") or None
    names = dict(_able(desk))
    said = f"Assigned to {names[who]}." if who in names else "Nobody's."
    return Deed(lambda work, item_id: review_desk.assign(work, item_id, who), said, note)


def _put_off(until: date, note: str) -> str:
    return question_notes.put_off(until, note) if note else ""


def _each(work: Work, ids: Sequence[str], deed: Deed) -> str:
    """What came of each, by its id, as it is kept for a form that comes twice."""
    came = {}
    for payment_id in sorted(ids):  # everybody who holds several holds them in this order
        is_done = _one(work, payment_id, deed)
        came[payment_id] = (is_done, deed.said if is_done else _GONE)
    if not any(is_done for is_done, _ in came.values()):
        work.has_only_looked = True
    return msgspec.json.encode(came).decode()


def _one(work: Work, payment_id: str, deed: Deed) -> bool:
    """Whether it could be done to this one: nothing is done to what waits no longer."""
    item = screens_unmatched.of_payment(work.session, payment_id)
    if item is None:
        return False
    try:
        deed.do(work, item.id)
    except Conflict:  # answered since it was looked up
        return False
    if deed.note:
        notes.add(work, payment_id, deed.note)
    return True


def _rows(desk: Desk, ids: Sequence[str], came: dict[str, tuple[bool, str]]) -> list[Row]:
    with desk.runtime.read() as session:
        known = screens_payments.payments(session, list(ids))
        items = {item.payment_id: item for item in screens_unmatched.of_payments(session, ids)}
    return [Row(known[one], items.get(one), *came[one]) for one in ids if one in known]


def _show(desk: Desk, ids: Sequence[str], *, refusal: Refused | None = None) -> Response:
    with desk.runtime.read() as session:
        items = in_order(session, ids)
    typed = {name: request.form.get(name, "") for name in ("until", "note", "assigned_to")}
    return desk.page(
        "picked.html",
        items=items,
        gone=len(ids) - len(items),
        sums=screens_bulk.amounts(items),
        do=request.values.get("do", ""),
        able=_able(desk),
        typed=typed,
        place=queue_views.place(),
        **errors.told(refusal),
    )


def in_order(session: Session, ids: Sequence[str]) -> list[Waiting]:
    """The questions about these payments that are open, in the order of the ids."""
    found = {item.payment_id: item for item in screens_unmatched.of_payments(session, ids)}
    return [found[one] for one in ids if one in found]


def _ids(asked: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(asked))[:PICKED_MAX]


def _able(desk: Desk) -> list[tuple[str, str]]:
    return [(one.id, one.label) for one in desk.able()]
