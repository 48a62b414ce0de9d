"""What a mail says is written right before it leaves; or there is nothing left to say."""

from reconciler.books.mail import MessageKind
from reconciler.flows import remind
from reconciler.letters import words
from reconciler.letters.words import Line, Receipt, RefundNews, Words
from reconciler.reads import notices as reads
from reconciler.reads.notices import PaymentNews
from reconciler.services import mail
from reconciler.store.messages import Message
from reconciler.work import Work


def last_look(work: Work, message: Message, house: str) -> bool:
    """Whether a held mail leaves now, with its words; else it waits or is dropped."""
    said: Words | None = None
    match MessageKind(message.kind):
        case MessageKind.REMINDER:
            return remind.last_look(work, message, house)
        case MessageKind.RECEIPT:
            said = _receipt(work, message, house)
        case MessageKind.REFUND_RECEIPT | MessageKind.REFUND_FAILED:
            said = _refund(work, message, house)
        case MessageKind.NOTE:
            return True  # it has its words
    if said is None:
        mail.drop(work, message, "it is not so any more")
        return False
    mail.put_words(work, message, said.subject, said.text, said.html)
    return True


def _receipt(work: Work, message: Message, house: str) -> Words | None:
    news = reads.of_payment(work.session, message.about)
    if news is None:
        return None
    return words.receipt(
        Receipt(
            house=house,
            customer=message.recipient_name,
            currency=news.currency,
            amount=news.amount,
            received_on=news.received_on,
            lines=_lines(news),
            untied=news.untied,
            left=sum(target.left for target in news.targets),
            reference=news.id,
        )
    )


def _lines(news: PaymentNews) -> tuple[Line, ...]:
    return tuple(
        Line(text=f"{'deposit' if t.is_deposit else 'invoice'} {t.number}", amount=t.amount)
        for t in news.targets
    )


def _refund(work: Work, message: Message, house: str) -> Words | None:
    news = reads.of_refund(work.session, message.about)
    has_failed = message.kind == MessageKind.REFUND_FAILED
    if news.status != ("failed" if has_failed else "succeeded"):
        return None
    said = RefundNews(
        house=house,
        customer=message.recipient_name,
        currency=news.currency,
        amount=news.amount,
        target=news.target,
        reference=news.id,
    )
    return words.refund_failed(said) if has_failed else words.refund_receipt(said)
