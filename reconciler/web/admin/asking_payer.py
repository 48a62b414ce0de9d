"""What a payment is for, asked of its payer: a mail with its words filled in, to be looked over.

It opens in the mail program of whoever asks: their own address stands on it, and the answer comes
to them.
"""

from urllib.parse import quote

from reconciler.reads import customers
from reconciler.reads.pages import Session
from reconciler.reads.screens_payments import PaymentLine
from reconciler.web.admin import words
from reconciler.web.admin.desk import Desk


def link(desk: Desk, session: Session, payment: PaymentLine) -> str:
    """The address of such a mail; empty where nobody's address is known, or nothing is open."""
    to = payment.payer_email or ""
    if not to and payment.customer_id:
        to = customers.one(session, payment.customer_id, today=desk.today).email or ""
    if not to or payment.unapplied <= 0:
        return ""
    amount = words.shown(payment.captured, payment.currency)
    day = words.day(payment.occurred_at.date())
    subject = f"What is your payment of {amount} for?"
    how = f"paid with {payment.method}, " if payment.method else ""
    said = f"It says: \u201c{payment.description}\u201d.\n" if payment.description else ""
    text = (
        f"Hello{' ' + payment.payer_name if payment.payer_name else ''},\n\n"
        f"we received {amount} from you on {day} ({how}reference {payment.rail_payment_id}).\n"
        f"{said}\nWhich invoice or order is it for? A number is enough.\n"
    )
    body = text.replace("\n", "\r\n")
    return f"mailto:{quote(to, safe='@')}?subject={quote(subject)}&body={quote(body)}"
