"""Mails that somebody here wants to leave: a proposal to be answered, an invoice to be paid.

Their words, and the link in them, are made when they leave.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from reconciler import ids
from reconciler.books.mail import MessageKind
from reconciler.errors import Conflict, NotFound
from reconciler.services import audit, mail
from reconciler.services.mail import NewMessage
from reconciler.store import holds
from reconciler.work import Work

_PROPOSAL = sa.text(
    """select p.id, p.customer_id, p.name as called, p.state, c.name, c.email from proposal p
    join customer c on c.id = p.customer_id where p.id = :id"""
)
_INVOICE = sa.text(
    """select i.id, i.customer_id, i.number as called, i.state, c.name, c.email from invoice i
    join customer c on c.id = i.customer_id where i.id = :id"""
)


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
