"""Reminders and mail: what is coming and why something stays silent, what was sent, the plan."""

from dataclasses import dataclass
from datetime import date

from flask import Response, request

from reconciler.books import reminders as rules
from reconciler.books.mail import MessageState
from reconciler.books.people import Role
from reconciler.books.reminders import Silence
from reconciler.errors import Invalid, NotFound, Refused
from reconciler.flows import remind
from reconciler.flows.send_mail import house_of
from reconciler.reads import messages as reads, reminders as looks, screens_people
from reconciler.reads.messages import MessageRow
from reconciler.reads.pages import Page, Session, Wanted
from reconciler.reads.reminders import InvoiceLook
from reconciler.services import mail, reminders
from reconciler.services.reminders import HOUSE, PlanChange
from reconciler.web import forms
from reconciler.web.admin import errors, paging
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.listed import Listed, offers_csv
from reconciler.web.admin.routes import Screens

screens = Screens()

UPCOMING_MAX = 50
KINDS = {
    "reminder": "Reminder",
    "receipt": "Receipt",
    "refund_receipt": "Refund sent",
    "refund_failed": "Refund came back",
    "proposal": "Proposal",
    "proposal_answered": "Answer to a proposal",
    "invoice": "Invoice",
    "client_page": "Link to their page",
    "note": "Note",
}


@dataclass(frozen=True, slots=True)
class Upcoming:
    """An open invoice, or a deposit that is asked for: when it is reminded of next, why not now."""

    look: InvoiceLook
    next_on: date | None
    silence: Silence | None


@screens.get("/reminders")
def list_reminders(desk: Desk) -> Response:
    """Who is reminded next, of what, and what keeps a reminder back; pauses; the plan."""
    return _list(desk)


@screens.post("/reminders/plan", Role.RECONCILER)
def change_plan(desk: Desk) -> Response:
    """Set on which days reminders leave, and whether receipts do."""
    try:
        change = PlanChange(
            _steps(), hour=forms.whole(request.form, "hour"), receipts="receipts" in request.form
        )
        rev = forms.whole(request.form, "rev")
        desk.do(lambda work: reminders.change(work, HOUSE, change, rev=rev))
    except Refused as error:
        return _list(desk, status=422, error=errors.sentence(error))
    return go("list_reminders", done="plan")


@screens.post("/reminders/pause", Role.RECONCILER)
def pause_all(desk: Desk) -> Response:
    """Pause reminders to everybody."""
    return _pause(desk, HOUSE)


@screens.post("/reminders/resume/<subject>", Role.RECONCILER)
def resume_reminders(desk: Desk, subject: str) -> Response:
    """End a pause."""
    try:
        desk.do(lambda work: reminders.resume(work, subject))
    except NotFound:
        raise
    except Refused as error:
        return _list(desk, status=409, error=errors.sentence(error))
    return go("list_reminders", done="resumed")


@screens.get("/reminders/<invoice_id>")
def show_reminder(desk: Desk, invoice_id: str) -> Response:
    """What a reminder would say now, and what was sent before."""
    return _show(desk, invoice_id)


@screens.post("/reminders/<invoice_id>/send", Role.RECONCILER)
def send_reminder(desk: Desk, invoice_id: str) -> Response:
    """Send it now."""
    try:
        desk.once(lambda work: remind.send_now(work, invoice_id))
    except NotFound:
        raise
    except Refused as error:
        return _show(desk, invoice_id, status=422, error=errors.sentence(error))
    return go("show_reminder", invoice_id=invoice_id, done="asked")


@screens.post("/reminders/<invoice_id>/pause", Role.RECONCILER)
def pause_reminders(desk: Desk, invoice_id: str) -> Response:
    """Pause reminders of this invoice, or of all that its customer has."""
    with desk.runtime.read() as session:
        customer_id = looks.one(session, invoice_id, desk.now).customer_id
    whose = request.form.get("whose") == "customer"
    return _pause(desk, customer_id if whose else invoice_id, invoice_id)


_LISTED = Listed(
    "messages",
    (
        "id", "kind", "state", "customer_id", "about", "number", "step", "to", "to_name",
        "subject", "why", "tries", "carried_by", "due_at", "created_at", "sent_at",
    ),
)  # fmt: skip


def _state() -> str:
    asked = request.args.get("state", "")
    return asked if asked in set(MessageState) else ""


def _rows(desk: Desk, session: Session, wanted: Wanted) -> Page[MessageRow]:
    del desk
    return reads.page(session, {"state": _state() or None}, wanted)


@screens.get("/messages")
@offers_csv(_LISTED, _rows)
def list_messages(desk: Desk) -> Response:
    """Every mail, the newest first."""
    with desk.runtime.read() as session:
        page = _rows(desk, session, paging.wanted())
    return desk.page(
        "messages.html",
        lines=page.data,
        state=_state(),
        states=[("", "All"), *((s.value, s.value.capitalize()) for s in MessageState)],
        kinds=KINDS,
        step_text=rules.step_text,
        has_server=bool(desk.runtime.settings.smtp_url),
        older=paging.next_page(page.next_cursor),
    )


@screens.get("/messages/<message_id>")
def show_message(desk: Desk, message_id: str) -> Response:
    """One mail as it was written."""
    with desk.runtime.read() as session:
        message = reads.one(session, message_id)
    return desk.page("message.html", m=message, kinds=KINDS, step_text=rules.step_text)


@screens.post("/messages/<message_id>/retry", Role.RECONCILER)
def retry_message(desk: Desk, message_id: str) -> Response:
    """Send a mail that failed once more."""
    desk.do(lambda work: mail.retry(work, message_id))
    return go("show_message", message_id=message_id)


@screens.post("/messages/<message_id>/let-be", Role.RECONCILER)
def let_message_be(desk: Desk, message_id: str) -> Response:
    """Nobody wants a mail that failed to be sent any more."""
    desk.do(lambda work: mail.let_be(work, message_id))
    return go("list_messages", state="failed")


def _steps() -> list[int]:
    parts = request.form.get("steps", "").replace(";", ",").split(",")
    try:
        return [int(part) for part in (text.strip() for text in parts) if part]
    except ValueError:
        raise Invalid("Write days like -3, 0, 7, 14", field="steps") from None


def _pause(desk: Desk, subject: str, invoice_id: str | None = None) -> Response:
    try:
        until = forms.day(request.form, "until") if request.form.get("until") else None
        why = request.form.get("why", "")
        desk.do(lambda work: reminders.pause(work, subject, until=until, why=why))
    except NotFound:
        raise
    except Refused as error:
        said = errors.sentence(error)
        if invoice_id is None:
            return _list(desk, status=422, error=said)
        return _show(desk, invoice_id, status=422, error=said)
    if invoice_id is None:
        return go("list_reminders", done="paused")
    return go("show_reminder", invoice_id=invoice_id, done="paused")


def _list(desk: Desk, *, status: int = 200, error: str = "") -> Response:
    with desk.runtime.read() as session:
        ids = reads.upcoming(session, desk.today, UPCOMING_MAX)
        found = looks.looks(session, ids, desk.now)
        paused = reads.paused(session, desk.today)
        plan = reads.plan(session, HOUSE)
        names = screens_people.names_of_causes(
            session, {p.changed_by.rpartition("/")[2] for p in paused if p.changed_by}
        )
    lines = [_upcoming(found[one], desk) for one in ids if one in found]
    return desk.page(
        "reminders.html",
        status=status,
        lines=sorted(lines, key=lambda u: (u.next_on is None, u.next_on or date.max)),
        paused=paused,
        plan=plan,
        names=names,
        typed=request.form,
        error=error,
        done=request.args.get("done", ""),
    )


def _upcoming(look: InvoiceLook, desk: Desk) -> Upcoming:
    return Upcoming(look, look.next_on(desk.now), rules.silence_of(look.standing, desk.now))


def _show(desk: Desk, invoice_id: str, *, status: int = 200, error: str = "") -> Response:
    with desk.runtime.read() as session:
        seen = remind.preview(session, invoice_id, desk.now, house_of(desk.runtime))
        sent = reads.page(session, {"about": invoice_id}, Wanted(limit=20)).data
        plan = reads.plan(session, invoice_id)
    return desk.page(
        "reminder.html",
        status=status,
        seen=seen,
        silence=rules.silence_of(seen.look.standing, desk.now),
        sent=sent,
        plan=plan,
        step_text=rules.step_text,
        error=error,
        typed=request.form,
        done=request.args.get("done", ""),
    )
