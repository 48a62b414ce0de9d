"""Mail and reminders: the routes under /messages, /reminder-plans and /invoices/{id}/reminders."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal

from pydantic import Field

from reconciler.books.mail import MessageKind, MessageState
from reconciler.books.people import Scope
from reconciler.books.reminder_words import (
    SUBJECT_CHARS_MAX,
    WORDS_CHARS_MAX,
    ReminderMoment,
    ReminderWords,
)
from reconciler.errors import Invalid, NotFound
from reconciler.flows import remind
from reconciler.flows.send_mail import house_of
from reconciler.reads import messages as reads, reminder_texts as text_reads
from reconciler.reads.messages import MessageRow, PlanRow
from reconciler.reads.pages import Page
from reconciler.reads.reminder_texts import ReminderTextRow
from reconciler.services import mail, mailings, reminder_texts, reminders
from reconciler.services.reminders import PlanChange
from reconciler.web.api.fields import Body, Day, Line128, Line500, Nothing, Paged, Rev
from reconciler.web.api.routes import Call, Look, Resource
from reconciler.work import Work

resource = Resource("messages")


class MessageQuery(Paged):
    """Which mails."""

    kind: MessageKind | None = None
    state: MessageState | None = None
    customer_id: Line128 | None = None
    about: Annotated[
        Line128 | None, Field(description="The invoice, payment or refund it speaks of.")
    ] = None


class PlanBody(Body):
    """On which days reminders leave, counted from the due day."""

    steps: Annotated[
        list[int] | None,
        Field(
            max_length=12, examples=[[-3, 0, 7, 14]], description="Null: what the wider plan says."
        ),
    ]
    hour: Annotated[int | None, Field(ge=0, le=23, description="In UTC; the house's alone.")] = None
    receipts: Annotated[bool | None, Field(description="Receipts by mail; the house's alone.")] = (
        None
    )
    rev: Rev


class ReminderBody(Body):
    """What is to be done about reminders of an invoice."""

    action: Literal["preview", "send", "pause", "resume"]
    until: Annotated[Day | None, Field(description="The first day after a pause.")] = None
    why: Annotated[Line500 | None, Field(description="Why it is paused.")] = None


class DepositReminderBody(Body):
    """What is to be done about reminders of a deposit that is asked for."""

    action: Literal["preview", "send"]


class ReminderAnswer(Body):
    """What would be said now, what keeps it back if something does, and the mail if one leaves."""

    verdict: Literal["send", "wait", "drop"]
    why: str
    until: datetime | None
    to: str | None
    subject: str
    text: str
    html: str
    message_id: str | None
    plan: PlanRow


class TextWords(Body):
    """Plain text with fields in braces: `{number}`, `{left}`, `{due_on}` and others."""

    subject: Annotated[str, Field(min_length=1, max_length=SUBJECT_CHARS_MAX)]
    opening: Annotated[str, Field(min_length=1, max_length=WORDS_CHARS_MAX)]
    closing: Annotated[str, Field(max_length=WORDS_CHARS_MAX)] = ""


class TextBody(Body):
    """What reminders say at a moment. Null: the usual words."""

    text: TextWords | None
    rev: Rev


@resource.get("/messages")
def listed(look: Look, query: MessageQuery) -> Page[MessageRow]:
    """List mails, the newest first."""
    return reads.page(look.session, query.filters, query.wanted)


@resource.get("/messages/{message_id}")
def one(look: Look, message_id: str) -> MessageRow:
    """Read one mail."""
    return reads.one(look.session, message_id)


@resource.post("/messages/{message_id}/retry")
def retry(work: Work, message_id: str, body: Nothing) -> MessageRow:
    """Send a mail that failed once more."""
    del body
    mail.retry(work, message_id)
    return reads.one(work.session, message_id)


@resource.post("/proposals/{proposal_id}/mail", status=HTTPStatus.CREATED)
def mail_proposal(work: Work, proposal_id: str, body: Nothing) -> MessageRow:
    """Mail the client a link on which an offered proposal is read and answered."""
    del body
    return reads.one(work.session, mailings.of_proposal(work, proposal_id))


@resource.post("/invoices/{invoice_id}/mail", status=HTTPStatus.CREATED)
def mail_invoice(work: Work, invoice_id: str, body: Nothing) -> MessageRow:
    """Mail the client an invoice, with a link on which it is seen and paid."""
    del body
    return reads.one(work.session, mailings.of_invoice(work, invoice_id))


@resource.post("/customers/{customer_id}/mail", status=HTTPStatus.CREATED)
def mail_page(work: Work, customer_id: str, body: Nothing) -> MessageRow:
    """Mail a customer a link to their page; to the same address once an hour at most."""
    del body
    return reads.one(work.session, mailings.of_client_page(work, customer_id))


@resource.get("/reminder-plans/{subject}")
def plan(look: Look, subject: str) -> PlanRow:
    """Read when reminders leave for `house`, a customer or an invoice."""
    return reads.plan(look.session, subject)


@resource.put("/reminder-plans/{subject}", scope=Scope.WRITE)
def put_plan(work: Work, subject: str, body: PlanBody) -> PlanRow:
    """Set when reminders leave."""
    change = PlanChange(body.steps, hour=body.hour, receipts=body.receipts)
    reminders.change(work, subject, change, rev=body.rev)
    return reads.plan(work.session, subject)


@resource.get("/reminder-texts/{moment}")
def text(look: Look, moment: str) -> ReminderTextRow:
    """Read what reminders say `before`, `on` or `after` the due day; `deposit_…`: of deposits."""
    return text_reads.every(look.session)[_moment(moment)]


@resource.put("/reminder-texts/{moment}", scope=Scope.WRITE)
def put_text(work: Work, moment: str, body: TextBody) -> ReminderTextRow:
    """Set what reminders say; without a text the usual words hold again."""
    at = _moment(moment)
    if body.text is None:
        reminder_texts.give_up(work, at, rev=body.rev)
    else:
        said = ReminderWords(**body.text.model_dump())
        reminder_texts.write(work, at, said, rev=body.rev)
    return text_reads.every(work.session)[at]


def _moment(moment: str) -> ReminderMoment:
    if moment not in set(ReminderMoment):
        raise NotFound(f"there is no moment {moment}; there are {', '.join(ReminderMoment)}")
    return ReminderMoment(moment)


@resource.post("/invoices/{invoice_id}/reminders")
def remind_of(work: Work, invoice_id: str, body: ReminderBody, call: Call) -> ReminderAnswer:
    """Preview a reminder, send one now, pause them, or end a pause."""
    seen = remind.preview(work.session, invoice_id, work.now, house_of(call.runtime))
    message_id = None
    match body.action:
        case "preview":
            work.has_only_looked = True
        case "send":
            message_id = remind.send_now(work, invoice_id)
        case "pause":
            if body.why is None:
                raise Invalid("say why", field="why")
            reminders.pause(work, invoice_id, until=body.until, why=body.why)
        case "resume":
            reminders.resume(work, invoice_id)
    return _answer(work, seen, invoice_id, message_id)


@resource.post("/deposits/{deposit_id}/reminders")
def remind_of_deposit(
    work: Work, deposit_id: str, body: DepositReminderBody, call: Call
) -> ReminderAnswer:
    """Preview a reminder of a deposit that is asked for, or send one now."""
    seen = remind.preview(work.session, deposit_id, work.now, house_of(call.runtime))
    message_id = None
    if body.action == "send":
        message_id = remind.send_now(work, deposit_id)
    else:
        work.has_only_looked = True
    return _answer(work, seen, deposit_id, message_id)


def _answer(
    work: Work, seen: remind.Preview, subject: str, message_id: str | None
) -> ReminderAnswer:
    return ReminderAnswer(
        verdict=seen.verdict.course.value,
        why=seen.verdict.why,
        until=seen.verdict.until,
        to=seen.look.email,
        subject=seen.words.subject,
        text=seen.words.text,
        html=seen.words.html,
        message_id=message_id,
        plan=reads.plan(work.session, subject),
    )
