"""What a payment is for, asked of its payer: a mail with its words filled in, to be looked over.

It opens in the mail program of whoever asks: their own address stands on it, and the answer comes
to them.
"""

from collections.abc import Sequence
from datetime import date
from urllib.parse import quote

from reconciler.reads import customers, notes, told_apart
from reconciler.reads.pages import Session
from reconciler.reads.screens_payments import PaymentLine
from reconciler.reads.screens_unmatched import Suggested, Target
from reconciler.web import question_notes
from reconciler.web.admin import words
from reconciler.web.admin.desk import Desk


def link(desk: Desk, session: Session, payment: PaymentLine, suggested: Sequence[Suggested]) -> str:
    """The address of such a mail; empty where nobody's address is known, or nothing is open."""
    to = payment.payer_email or ""
    if not to and payment.customer_id:
        to = customers.one(session, payment.customer_id, today=desk.today).email or ""
    if not to or payment.unapplied <= 0:
        return ""
    amount = words.shown(payment.captured, payment.currency)
    left = words.shown(payment.unapplied, payment.currency)
    fits = _fitting(payment, suggested)
    is_rest = payment.unapplied < payment.captured
    day = words.day(payment.occurred_at.date())
    subject = f"About {left} of your payment" if is_rest else f"About your payment of {amount}"
    how = f"paid with {payment.method}, " if payment.method else ""
    said = f"It says: \u201c{payment.description}\u201d.\n" if payment.description else ""
    text = (
        f"Hello{' ' + payment.payer_name if payment.payer_name else ''},\n\n"
        f"we received {amount} from you on {day} ({how}reference {payment.rail_payment_id}).\n"
        f"{said}\n{_question(payment, suggested, left) or _which(session, fits)}\n"
    )
    body = text.replace("\n", "\r\n")
    return f"mailto:{quote(to, safe='@')}?subject={quote(subject)}&body={quote(body)}"


def asked_on(session: Session, payment_id: str) -> date | None:
    """The last day on which the payer was asked so; None for never."""
    asked = [one for one in notes.of(session, payment_id) if question_notes.was_asked(one.body)]
    return asked[-1].at.date() if asked else None


_WHICH = "Which invoice or order is it for? A number is enough."
_NAMED_MAX = 5  # a mail with more of them is no question
_OR_BACK = "Shall we send it back to you, or is it for something else?"


def _question(payment: PaymentLine, suggested: Sequence[Suggested], left: str) -> str:
    """What is asked: by what the payment names, and how that stands; empty where it is neither.

    Whose another customer's invoice is, and what is on it, is not told.
    """
    named = next((one for one in suggested if one.is_named and not one.ways), None)
    if named is None:
        named = next((one for one in suggested if one.is_named and one.is_anothers), None)
    if named is not None:
        target = named.shown[0]
        if named.is_anothers:
            return f"It names {target.number}, which is none of yours. {_WHICH}"
        return _of_named(payment, target, left)
    if payment.unapplied < payment.captured:
        rest = f"{left} of it is more than was owed."
        return f"{rest} Shall we send that back to you, or keep it for what comes next?"
    unknown = next((one for one in payment.reasons if one.endswith(_NOT_KNOWN)), "")
    if unknown:
        number = unknown.removesuffix(_NOT_KNOWN).rpartition(" ")[2]
        return f"It names {number}, which we do not know. {_WHICH}"
    return ""


def _fitting(payment: PaymentLine, suggested: Sequence[Suggested]) -> list[Target]:
    """What of the payer's own fits equally well; of somebody whom we do not know, nothing."""
    if not payment.customer_id:
        return []
    tied = [one for one in suggested if one.is_tied and not one.is_anothers]
    found = [one.shown[0] for one in tied if len(one.shown) == 1]
    return [one for one in found if one.customer == payment.customer][:_NAMED_MAX]


def _which(session: Session, fits: Sequence[Target]) -> str:
    """Which of what fits is meant: each by its number, what is open of it and what it is for."""
    if len(fits) < 2:
        return _WHICH
    what_for = told_apart.for_client(session, [one.id for one in fits if not one.is_deposit])
    lines = [
        f"- {one.number}, {words.shown(one.outstanding, one.currency)} open"
        + (f": {what_for[one.id]}" if what_for.get(one.id) else "")
        for one in fits
    ]
    return "\n".join(["It fits each of these:", *lines, "Which of them is it for?"])


_NOT_KNOWN = ", which is not known here"


def _of_named(payment: PaymentLine, target: Target, left: str) -> str:
    number = target.number
    if target.currency != payment.currency:
        owed = words.shown(target.outstanding, target.currency)
        return (
            f"It names {number}, of which {owed} is open, in another currency. Shall we send the"
            f" {left} back to you, so that you can pay in {target.currency}?"
        )
    if target.state == "void":
        return f"It names {number}, which was withdrawn: nothing of it is owed. {_OR_BACK}"
    if target.outstanding <= 0:
        return (
            f"It names {number}, which is paid: {left} is left over. Shall we send that back to"
            " you, or keep it for what comes next?"
        )
    return f"It names {number}. {_WHICH}"
