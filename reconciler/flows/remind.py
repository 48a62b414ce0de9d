"""A reminder's last look: under its locks, how the invoice stands, and its words as of now."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from reconciler.books import reminders as rules
from reconciler.books.reminders import Course, Verdict
from reconciler.errors import Refused
from reconciler.letters import words
from reconciler.letters.words import Reminder, Words
from reconciler.reads import balances, invoices, reminders as reads
from reconciler.reads.reminders import InvoiceLook
from reconciler.runtime import Runtime
from reconciler.services import mail, reminders
from reconciler.store.messages import Message
from reconciler.work import Cause, Work


@dataclass(frozen=True, slots=True)
class Preview:
    """What would leave now, to whom, and what keeps it back if something does."""

    look: InvoiceLook
    verdict: Verdict
    words: Words


def plan_reminders(runtime: Runtime) -> int:
    """Write down which reminders are due; gives how many were new."""
    return runtime.do(Cause("job", "plan_reminders"), reminders.plan_due)


def last_look(work: Work, message: Message, house: str) -> bool:
    """Whether a held reminder leaves now, with its words; else it waits or is dropped."""
    reminders.hold(work.session, message.about)
    look = reads.one(work.session, message.about, work.now)
    found = rules.verdict(look.standing, work.now)
    if found.course is Course.DROP:
        mail.drop(work, message, found.why)
        return False
    if found.course is Course.WAIT:
        assert found.until is not None, "what waits is looked at again"
        mail.wait(work, message, found.until, found.why)
        return False
    said = _words(work.session, look, work.now, house)
    mail.put_words(work, message, said.subject, said.text, said.html)
    return True


def preview(session: Session, invoice_id: str, now: datetime, house: str) -> Preview:
    """What a reminder would say now. Raises NotFound."""
    look = reads.one(session, invoice_id, now)
    return Preview(look, rules.verdict(look.standing, now), _words(session, look, now, house))


def send_now(work: Work, invoice_id: str) -> str:
    """Somebody wants a reminder to leave; gives the message. Raises NotFound, Refused, Conflict.

    Nobody can send what would stay silent: the reason is given instead.
    """
    reminders.hold(work.session, invoice_id)
    look = reads.one(work.session, invoice_id, work.now)
    found = rules.verdict(look.standing, work.now)
    if found.course is not Course.SEND:
        raise Refused(f"no reminder is sent now: {found.why}", field="action")
    return reminders.ask_now(work, invoice_id)


def _words(session: Session, look: InvoiceLook, now: datetime, house: str) -> Words:
    invoice = invoices.one(session, look.id, today=now.date())
    balance = balances.of_invoices(session, [look.id], today=now.date())[look.id]
    return words.reminder(
        Reminder(
            house=house,
            customer=look.customer_name,
            number=invoice.number,
            description=invoice.description,
            currency=invoice.currency,
            billed=balance.billed,
            received=balance.paid,
            credited=balance.credited,
            held=look.standing.deposits,
            left=balance.outstanding,
            due_on=invoice.due_on,
            today=now.date(),
        )
    )
