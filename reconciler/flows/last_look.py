"""What a mail says is written right before it leaves; or there is nothing left to say.

A mail carries a link to the client's page. Its token is made here, leaves with the mail, and is
kept nowhere: what is kept of the words has another word in its place.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.books.invoices import InvoiceStatus
from reconciler.books.mail import NOT_KEPT, MessageKind, Words
from reconciler.books.portal import Scope
from reconciler.books.proposals import ProposalStatus
from reconciler.flows import remind
from reconciler.letters import words
from reconciler.letters.words import (
    ClientPage,
    House,
    InvoiceNews,
    Line,
    ProposalAnswer,
    ProposalNews,
    Receipt,
    RefundNews,
)
from reconciler.reads import balances, invoices, notices as reads, proposals
from reconciler.reads.notices import PaymentNews
from reconciler.services import mail, mailings, portal_links
from reconciler.store.messages import Message
from reconciler.work import Work


def last_look(work: Work, message: Message, house: House) -> Words | None:
    """What a held mail says if it leaves now; else it waits or is dropped."""
    kind = MessageKind(message.kind)
    if kind is MessageKind.NOTE:  # it has its words
        return Words(message.subject, message.body_text, message.body_html)
    if kind is MessageKind.REMINDER:
        return remind.last_look(work, message, house)
    kept = _KINDS[kind]
    if not kept.is_so(work, message.about):
        mail.drop(work, message, "it is not so any more")
        return None
    if kind is MessageKind.CLIENT_PAGE and not mailings.is_theirs(work.session, message):
        # Of the link alone: whoever has that address now would see all that is the client's.
        mail.drop(work, message, "their mail address is another by now")
        return None
    token = _token(work, message, kind)
    said = kept.words(work, message, house, token)
    mail.put_words(work, message, said.without(token) if token else said)
    return said


def _token(work: Work, message: Message, kind: MessageKind) -> str:
    if kind is MessageKind.PROPOSAL:
        return portal_links.for_mail(work, message, Scope.PROPOSAL, message.about)
    if message.customer_id is None:
        return ""
    return portal_links.for_mail(work, message, Scope.CUSTOMER, message.customer_id)


def _receipt(work: Work, message: Message, house: House, token: str) -> Words:
    news = reads.of_payment(work.session, message.about)
    assert news is not None, "it is so"
    return words.receipt(
        Receipt(
            house=house.name,
            customer=message.recipient_name,
            currency=news.currency,
            amount=news.amount,
            received_on=news.received_on,
            lines=_lines(news),
            untied=news.untied,
            left=sum(target.left for target in news.targets),
            reference=news.id,
            link=_page(house, token),
        )
    )


def _lines(news: PaymentNews) -> tuple[Line, ...]:
    return tuple(
        Line(text=f"{'deposit' if t.is_deposit else 'invoice'} {t.number}", amount=t.amount)
        for t in news.targets
    )


def _refund(work: Work, message: Message, house: House, token: str) -> Words:
    news = reads.of_refund(work.session, message.about)
    said = RefundNews(
        house=house.name,
        customer=message.recipient_name,
        currency=news.currency,
        amount=news.amount,
        target=news.target,
        reference=news.id,
        link=_page(house, token),
    )
    has_failed = message.kind == MessageKind.REFUND_FAILED
    return words.refund_failed(said) if has_failed else words.refund_receipt(said)


def _proposal(work: Work, message: Message, house: House, token: str) -> Words:
    row = proposals.one(work.session, message.about, today=work.now.date())
    said = ProposalNews(
        house=house.name,
        customer=row.customer,
        name=row.name,
        currency=row.currency,
        price=row.price,
        valid_until=row.valid_until,
        replaces=row.version > 1,
        link=house.page(token),
    )
    return words.proposal(said)


def _proposal_answered(work: Work, message: Message, house: House, token: str) -> Words:
    del token  # it is to people here, who sign in
    row = proposals.one(work.session, message.about, today=work.now.date())
    assert row.decided_at, "it is so"
    said = ProposalAnswer(
        house=house.name,
        customer=message.recipient_name,
        client=row.customer,
        name=row.name,
        currency=row.currency,
        price=row.price,
        answer=row.status.value,
        decided_by=row.decided_by or "",
        on=row.decided_at.date(),
        reason=row.reason,
        link=house.screen(f"/proposals/{row.id}"),
    )
    return words.proposal_answered(said)


def _invoice(work: Work, message: Message, house: House, token: str) -> Words:
    today = work.now.date()
    row = invoices.one(work.session, message.about, today=today)
    balance = balances.of_invoices(work.session, [row.id], today=today)[row.id]
    said = InvoiceNews(
        house=house.name,
        customer=message.recipient_name,
        number=row.number,
        description=row.description,
        currency=row.currency,
        billed=balance.billed,
        received=balance.paid,
        credited=balance.credited,
        left=balance.outstanding,
        due_on=row.due_on,
        link=_page(house, token, f"/invoices/{row.id}"),
    )
    return words.invoice(said)


def client_page(now: datetime, customer: str, house: House, token: str = NOT_KEPT) -> Words:
    """What the mail with the link to a client's page says, if it leaves now."""
    until = (now + timedelta(days=portal_links.DAYS_OF_MAIL)).date()
    said = ClientPage(house=house.name, customer=customer, until=until, link=house.page(token))
    return words.client_page(said)


def _client_page(work: Work, message: Message, house: House, token: str) -> Words:
    return client_page(work.now, message.recipient_name, house, token)


def _page(house: House, token: str, place: str = "") -> str | None:
    return house.page(token, place) if token else None


def _is_owed(work: Work, invoice_id: str) -> bool:
    row = invoices.one(work.session, invoice_id, today=work.now.date())
    is_sent = row.sent_at is not None and row.status is not InvoiceStatus.VOID
    return is_sent and row.outstanding > 0 and not row.on_hold


def _is_offered(work: Work, proposal_id: str) -> bool:
    row = proposals.one(work.session, proposal_id, today=work.now.date())
    return row.status is ProposalStatus.SENT


def _is_answered(work: Work, proposal_id: str) -> bool:
    row = proposals.one(work.session, proposal_id, today=work.now.date())
    return row.status in (ProposalStatus.ACCEPTED, ProposalStatus.DECLINED)


def _refund_is(status: str) -> Callable[[Work, str], bool]:
    return lambda work, refund_id: reads.of_refund(work.session, refund_id).status == status


@dataclass(frozen=True, slots=True)
class _Kind:
    """Whether what a mail is about is still so, and how it is said."""

    is_so: Callable[[Work, str], bool]
    words: Callable[[Work, Message, House, str], Words]


_KINDS = {
    MessageKind.RECEIPT: _Kind(
        lambda work, about: reads.of_payment(work.session, about) is not None, _receipt
    ),
    MessageKind.REFUND_RECEIPT: _Kind(_refund_is("succeeded"), _refund),
    MessageKind.REFUND_FAILED: _Kind(_refund_is("failed"), _refund),
    MessageKind.PROPOSAL: _Kind(_is_offered, _proposal),
    MessageKind.PROPOSAL_ANSWERED: _Kind(_is_answered, _proposal_answered),
    MessageKind.INVOICE: _Kind(_is_owed, _invoice),
    MessageKind.CLIENT_PAGE: _Kind(lambda _work, _about: True, _client_page),
}
