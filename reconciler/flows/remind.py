"""A reminder's last look: under its locks, how the invoice stands, and its words as of now."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from reconciler.books import reminders as rules
from reconciler.books.mail import NOT_KEPT, Words
from reconciler.books.portal import Scope
from reconciler.books.reminder_words import ReminderMoment, ReminderWords, moment_of
from reconciler.books.reminders import Course, Verdict
from reconciler.errors import Refused
from reconciler.letters import words
from reconciler.letters.words import House, Reminder
from reconciler.reads import balances, deposits, invoices, reminder_texts, reminders as reads
from reconciler.reads.reminders import InvoiceLook
from reconciler.runtime import Runtime
from reconciler.services import mail, portal_links, reminders
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


def last_look(work: Work, message: Message, house: House) -> Words | None:
    """What a held reminder says if it leaves now; else it waits or is dropped."""
    reminders.hold(work.session, message.about)
    look = reads.one(work.session, message.about, work.now)
    found = rules.verdict(look.standing, work.now)
    if found.course is Course.DROP:
        mail.drop(work, message, found.why)
        return None
    if found.course is Course.WAIT:
        assert found.until is not None, "what waits is looked at again"
        mail.wait(work, message, found.until, found.why)
        return None
    token = portal_links.for_mail(work, message, Scope.CUSTOMER, look.customer_id)
    said = _words(work.session, look, work.now, house, token)
    mail.put_words(work, message, said.without(token))
    return said


def preview(session: Session, invoice_id: str, now: datetime, house: House) -> Preview:
    """What a reminder would say now; its link is made when it leaves. Raises NotFound."""
    look = reads.one(session, invoice_id, now)
    said = _words(session, look, now, house, NOT_KEPT)
    return Preview(look, rules.verdict(look.standing, now), said)


def sample(
    text: ReminderWords | None, moment: ReminderMoment, now: datetime, house: House
) -> Words:
    """How a reminder at a moment would read, of an invoice or deposit that is made up."""
    off = {"before": 3, "on": 0, "after": -7}[moment.value.removeprefix("deposit_")]
    is_deposit = moment.is_of_deposit
    made_up = Reminder(
        house=house.name,
        customer="Ann Lee",
        number="DEP-1001" if is_deposit else "INV-1042",
        description="Refundable until work begins" if is_deposit else "Website, second half",
        currency="USD",
        billed=200_000,
        received=80_000,
        credited=0,
        held=0,
        left=120_000,
        due_on=now.date() + timedelta(days=off),
        today=now.date(),
        link=house.page(place="" if is_deposit else "/invoices/…"),
        noun="deposit" if is_deposit else "invoice",
    )
    return words.reminder(made_up, text)


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


def _words(session: Session, look: InvoiceLook, now: datetime, house: House, token: str) -> Words:
    if look.is_deposit:
        return _words_of_deposit(session, look, now, house, token)
    invoice = invoices.one(session, look.id, today=now.date())
    own = reminder_texts.at(session, moment_of(invoice.due_on, now.date()))
    balance = balances.of_invoices(session, [look.id], today=now.date())[look.id]
    return words.reminder(
        Reminder(
            house=house.name,
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
            link=house.page(token, f"/invoices/{look.id}"),
        ),
        own,
    )


def _words_of_deposit(
    session: Session, look: InvoiceLook, now: datetime, house: House, token: str
) -> Words:
    """The same of a deposit, which has moments of its own."""
    deposit = deposits.one(session, look.id)
    moment = moment_of(deposit.due_on, now.date(), is_deposit=True)
    return words.reminder(
        Reminder(
            house=house.name,
            customer=look.customer_name,
            number=deposit.code,
            description=deposit.terms.words.rstrip(".") if deposit.terms else None,
            currency=deposit.currency,
            billed=deposit.amount,
            received=deposit.received,
            credited=0,
            held=0,
            left=deposit.amount - deposit.received,
            due_on=deposit.due_on,
            today=now.date(),
            link=house.page(token),
            noun="deposit",
        ),
        reminder_texts.at(session, moment),
    )
