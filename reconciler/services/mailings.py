"""Mails that somebody here wants to leave: a proposal, an invoice, the link to a client's page.

Their words, and the link in them, are made when they leave.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session

from reconciler import ids
from reconciler.books import mail as rules
from reconciler.books.mail import MessageKind
from reconciler.errors import Conflict, Invalid, NotFound
from reconciler.services import audit, customers, mail
from reconciler.services.mail import NewMessage
from reconciler.store import holds
from reconciler.store.messages import Message
from reconciler.work import Work

_PROPOSAL = sa.text(
    """select p.id, p.customer_id, p.name as called, p.state, c.name, c.email from proposal p
    join customer c on c.id = p.customer_id where p.id = :id"""
)
_INVOICE = sa.text(
    """select i.id, i.customer_id, i.number as called, i.state, c.name, c.email from invoice i
    join customer c on c.id = i.customer_id where i.id = :id"""
)
# Whoever was just mailed a link has one that opens: the next goes to another address, or later.
PAGE_AGAIN_AFTER = timedelta(hours=1)
# One that waits to leave still, as while nobody carries mail, is as if just mailed.
_PAGE_MAILED = sa.text(
    """select max(case when state = 'sent' then sent_at else :now end) from message
    where kind = 'client_page' and about = :id and recipient = :to
      and (state in ('waiting', 'claimed') or state = 'sent' and sent_at > :since)"""
)
_EMAIL = sa.text("select email from customer where id = :id")


@dataclass(frozen=True, slots=True)
class _Thing:
    noun: str
    mailed: str
    query: sa.TextClause
    kind: MessageKind


_PROPOSALS = _Thing("proposal", "proposal.mailed", _PROPOSAL, MessageKind.PROPOSAL)
_INVOICES = _Thing("invoice", "invoice.mailed", _INVOICE, MessageKind.INVOICE)


def of_proposal(work: Work, proposal_id: str) -> str:
    """Mail the client a link to a proposal that is offered; gives the message.

    Raises NotFound, and Conflict where it is not offered or nobody can be written to.
    """
    return _write(work, _PROPOSALS, proposal_id)


def of_invoice(work: Work, invoice_id: str) -> str:
    """Mail the client an invoice that was sent, with a link to pay it; gives the message.

    Raises NotFound, and Conflict where it is not sent or nobody can be written to.
    """
    return _write(work, _INVOICES, invoice_id)


def of_client_page(
    work: Work, customer_id: str, *, email: str | None = None, shown: str | None = None
) -> str:
    """Mail a customer a link to their page, made when it leaves; gives the message.

    `email` is written down as theirs first, where they have none; `shown` is the address that
    somebody saw it would go to. Raises NotFound, Invalid, and Conflict where nobody can be written
    to, another address is known, or they were just mailed one.
    """
    customer = customers.lock(work, customer_id)  # of two at once, the second sees the first
    if shown and customer.email != shown:
        is_now = f"is {customer.email} by now" if customer.email else "was taken away meanwhile"
        raise Conflict(f"their mail address {is_now}: nothing was mailed")
    if email and customer.email is None:
        customers.patch(work, customer_id, {"email": email})
    elif email and customer.email != email:
        raise Conflict(f"their mail address is {customer.email} by now: nothing was mailed")
    if not customer.email:
        raise Conflict(f"{customer.name} has no mail address")
    to = rules.address(customer.email, field="email")
    if again := page_again_at(work.session, customer_id, to, now=work.now):
        raise Conflict(f"a link was just mailed to {to}: another can be from {again:%H:%M} UTC on")
    new = NewMessage(
        kind=MessageKind.CLIENT_PAGE,
        to=to,
        to_name=customer.name,
        about=customer_id,
        once=f"client_page/{customer_id}/{ids.new_id('now')}",
        customer_id=customer_id,
    )
    message_id = mail.write(work, new)
    assert message_id, "its reason is new"
    audit.note(work, "customer.page_mailed", customer_id, after={"message_id": message_id})
    return message_id


def page_again_at(
    session: Session, customer_id: str, email: str, *, now: datetime
) -> datetime | None:
    """From when on a link can be mailed to that address again; None for at once. Raises Invalid."""
    since = now - PAGE_AGAIN_AFTER
    given = {"id": customer_id, "to": rules.address(email), "now": now, "since": since}
    mailed_at: datetime | None = session.scalar(_PAGE_MAILED, given)
    return mailed_at + PAGE_AGAIN_AFTER if mailed_at else None


def is_theirs(session: Session, message: Message) -> bool:
    """Whether a mail goes to the address that its customer has now."""
    email: str | None = session.scalar(_EMAIL, {"id": message.customer_id})
    try:
        return bool(email) and rules.address(email or "") == message.recipient
    except Invalid:  # it was changed to one that cannot be written to
        return False


def _write(work: Work, thing: _Thing, about: str) -> str:
    found = work.session.execute(thing.query, {"id": about}).first()
    if found is None:
        raise NotFound(f"there is no {thing.noun} {about}")
    if found.state != "sent":
        raise Conflict(f"{found.called} is {found.state}: only what was sent is mailed")
    if why := holds.why(work.session, [about]).get(about):
        raise Conflict(f"{found.called} is on hold: {why}. Nobody is asked to pay it meanwhile")
    if not found.email:
        raise Conflict(f"{found.name} has no mail address")
    new = NewMessage(
        kind=thing.kind,
        to=found.email,
        to_name=found.name,
        about=about,
        once=f"{thing.noun}/{about}/{ids.new_id('now')}",
        customer_id=found.customer_id,
    )
    message_id = mail.write(work, new)
    assert message_id, "its reason is new"
    audit.note(work, thing.mailed, about, after={"message_id": message_id})
    return message_id
