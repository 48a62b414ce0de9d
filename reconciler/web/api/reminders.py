"""Mail and reminders: the routes under /messages, /reminder-plans and /invoices/{id}/reminders."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from reconciler.books.mail import MessageKind, MessageState
from reconciler.books.people import Scope
from reconciler.errors import Invalid
from reconciler.flows import remind
from reconciler.flows.send_mail import house_of
from reconciler.reads import messages as reads
from reconciler.reads.messages import MessageRow, PlanRow
from reconciler.reads.pages import Page
from reconciler.services import mail, reminders
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
    return ReminderAnswer(
        verdict=seen.verdict.course.value,
        why=seen.verdict.why,
        until=seen.verdict.until,
        to=seen.look.email,
        subject=seen.words.subject,
        text=seen.words.text,
        html=seen.words.html,
        message_id=message_id,
        plan=reads.plan(work.session, invoice_id),
    )
