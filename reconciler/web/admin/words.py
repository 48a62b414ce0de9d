"""The words and tones of the screens: one for each state, the same on every page."""

import functools
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from babel.numbers import get_currency_symbol

from reconciler import currencies, money
from reconciler.web.admin import plain_words

NARROW = "\N{NO-BREAK SPACE}"
DASH = "\N{EN DASH}"
LOCALE = "en_US"
DAYS_ARE_FEW = 3
# The rail is compared every quarter of an hour.
BEHIND = timedelta(hours=1)

_symbol = functools.cache(get_currency_symbol)  # one page asks hundreds of times
_AMOUNT = re.compile(r"\b([A-Z]{3}) ([0-9][0-9,]*(?:\.[0-9]+)?)")


@dataclass(frozen=True, slots=True)
class Pill:
    """A state in words, with the tone that its colour and shape follow."""

    text: str
    tone: str = ""


_INVOICE = {
    "draft": Pill("Draft"),
    "sent": Pill("Sent"),
    "partially_paid": Pill("Partly paid", "info"),
    "paid": Pill("Paid", "pos"),
    "overdue": Pill("Overdue", "neg"),
    "on_hold": Pill("On hold", "warn"),  # nobody is asked to pay it, so it is late for nobody
    "void": Pill("Void"),
    "refunded": Pill("Refunded"),
    "written_off": Pill("Written off"),
}
_PROPOSAL = {
    "draft": Pill("Draft"),
    "sent": Pill("Offered", "info"),
    "accepted": Pill("Accepted", "pos"),
    "declined": Pill("Declined", "neg"),
    "withdrawn": Pill("Withdrawn"),
    "expired": Pill("Expired", "warn"),
}
_DEPOSIT = {
    "pending": Pill("Pending", "info"),
    "ended": Pill("Asked for no more"),
    "taken_back": Pill("Taken back"),
    "unapplied": Pill("Unapplied", "warn"),
    "partially_applied": Pill("Partly applied", "info"),
    "completed": Pill("Completed", "pos"),
    "refunded": Pill("Refunded"),
}
_BILL = {
    "draft": Pill("Draft"),
    "open": Pill("Open"),
    "partially_paid": Pill("Partly paid", "info"),
    "paid": Pill("Paid", "pos"),
    "overdue": Pill("Overdue", "neg"),
    "void": Pill("Void"),
}
_PREPAYMENT = {
    "unapplied": Pill("Unapplied", "warn"),
    "partially_applied": Pill("Partly applied", "info"),
    "completed": Pill("Completed", "pos"),
    "void": Pill("Void"),
}
_REFUND = {
    "requested": Pill("To approve", "warn"),
    "approved": Pill("Approved", "info"),
    "rejected": Pill("Declined"),
    "submitted": Pill("Sent", "info"),
    "unknown": Pill("Sent, being looked up", "warn"),
    "pending": Pill("Sent", "info"),
    "requires_action": Pill("Needs customer action", "warn"),
    "succeeded": Pill("Done", "pos"),
    "failed": Pill("Failed", "neg"),
    "canceled": Pill("Canceled"),
    "manual": Pill("Needs a person", "warn"),
}
_EVENT = {
    "pending": Pill("Received", "info"),
    "parked": Pill("Waits for its payment", "info"),
    "applied": Pill("Applied", "pos"),
    "ignored": Pill("Ignored"),
    "quarantined": Pill("Needs review", "warn"),
    "failed": Pill("Failed", "neg"),
}
_PAYMENT = {
    "processing": Pill("Processing", "info"),
    "authorized": Pill("Authorized", "info"),
    "partially_captured": Pill("Partly captured", "info"),
    "captured": Pill("Paid", "pos"),
    "partially_refunded": Pill("Partly refunded"),
    "refunded": Pill("Refunded"),
    "refund_on_its_way": Pill("Refund on its way", "info"),
    "disputed": Pill("Disputed", "neg"),
    "lost": Pill("Lost to a dispute", "neg"),
    "partly_lost": Pill("Partly lost to a dispute", "neg"),
    "returned": Pill("Returned by the bank", "neg"),
    "failed": Pill("Failed", "neg"),
    "canceled": Pill("Canceled"),
}
_DELIVERY = {
    "waiting": Pill("Waiting", "info"),
    "claimed": Pill("Under way", "info"),
    "delivered": Pill("Delivered", "pos"),
    "given_up": Pill("Given up", "neg"),
}
_MESSAGE = {
    "waiting": Pill("Waiting", "info"),
    "claimed": Pill("Leaving", "info"),
    "sent": Pill("Sent", "pos"),
    "failed": Pill("Failed", "neg"),
    "dropped": Pill("Not needed"),
}
_CONFIDENCE = {
    "strong": Pill("Strong", "pos"),
    "possible": Pill("Possible", "warn"),
    "weak": Pill("Weak"),
}
_QUESTION = {
    "unmatched_payment": Pill("Unmatched", "warn"),
    "ambiguous_match": Pill("Several fit", "warn"),
    "overpayment": Pill("Overpayment", "warn"),
    "currency_mismatch": Pill("Other currency", "neg"),
    "invoice_not_payable": Pill("Invoice not payable", "neg"),
}
_DISPUTE = {
    "needs_response": Pill("Needs an answer", "warn"),
    "under_review": Pill("With the bank", "info"),
    "unknown": Pill("A word nobody knows", "warn"),
    "lost": Pill("Lost", "neg"),
    "won": Pill("Won", "pos"),
    "lapsed": Pill("Ended, nothing taken"),
}
_RUN = {
    "running": Pill("Under way", "info"),
    "done": Pill("Done", "pos"),
    "failed": Pill("Given up", "neg"),
}
_PAYOUT = {
    "pending": Pill("Being made", "info"),
    "in_transit": Pill("On its way", "info"),
    "paid": Pill("Paid", "pos"),
    "canceled": Pill("Canceled"),
    "failed": Pill("Came back", "neg"),
}
_STATES = {
    "payout": _PAYOUT,
    "dispute": _DISPUTE,
    "run": _RUN,
    "invoice": _INVOICE,
    "bill": _BILL,
    "prepayment": _PREPAYMENT,
    "proposal": _PROPOSAL,
    "deposit": _DEPOSIT,
    "refund": _REFUND,
    "event": _EVENT,
    "payment": _PAYMENT,
    "confidence": _CONFIDENCE,
    "question": _QUESTION,
    "message": _MESSAGE,
    "delivery": _DELIVERY,
}

STRATEGIES = {
    "metadata": "Auto: named on the payment itself",
    "made_here": "Auto: the payment was made for it",
    "rail_invoice": "Auto: the payment provider's own invoice stands for it",
    "text": "Auto: named in the description",
    "customer_amount": "Auto: same customer, and the only one open with this amount",
    "by_hand": "Received by hand",
    "person": "Matched by a person",
}
REASONS = {
    "cancellation": "Canceled",
    "partial_scope": "Scope reduced",
    "goodwill": "Goodwill",
    "duplicate": "Duplicate payment",
    "overpayment": "Overpaid",
    "fraudulent": "Suspected fraud",
    "other": "Other",
}
METHODS = {
    "bank_transfer": "Bank transfer",
    "cash": "Cash",
    "check": "Cheque",
    "other": "Something else",
}
KEPT = {"credit": "Credit, free for any invoice", "deposit": "A deposit"}
DECISIONS = {
    "undecided": "Take the decision back",
    "chase": "Chase: the customer still owes it",
    "write_off": "Write it off: we bear it",
    "credit": "Credit it: the customer was right",
}
EFFECTS = {
    "undecided": "What was booked for the decision is reversed, and the invoice is on hold again.",
    "chase": "The invoice is no longer on hold.",
    "write_off": "The difference is booked as chargeback losses. Nobody is asked to pay it.",
    "credit": "The difference is booked as credits. Nobody is asked to pay it.",
}
NO_EFFECT = {
    "undecided": "No amount changes. The invoice is on hold again.",
    "chase": "No amount changes. The invoice stays owed and is no longer on hold.",
    "write_off": "No amount changes: no invoice is owed because of this loss.",
    "credit": "No amount changes: no invoice is owed because of this loss.",
}
# Whether a client still owes what a refund made outside took, and what each answer books.
OWES = {
    "credit": "No, it is not owed any more",
    "reopen": "Yes, it is owed again",
    "split": "It took it from these",
    "take_back": "Taken back: the question is open again",
}
OWING = {
    "credit": "The difference is booked as credits. Nobody is asked to pay it.",
    "reopen": "What was booked as credits is reversed, and the customer is asked to pay it.",
    "split": "The books follow by entries that reverse and book anew.",
    "take_back": "What was booked for the answer is reversed, and the question is asked again.",
}
NOTHING_OWED = {
    "credit": "No amount changes: that is how it is booked already.",
    "reopen": "No amount changes: it took nothing that an invoice had been paid with.",
    "split": "No amount changes: that is how it is booked already.",
    "take_back": "No amount changes, and the question is asked again.",
}
RAIL_OBJECTS = {
    "charge": "Charges",
    "refund": "Refunds",
    "dispute": "Disputes",
    "balance_transaction": "Movements of the balance",
    "payout": "Payouts",
    "event": "Events",
    "open_items": "Payments that may still change",
    "open_payouts": "Payouts that may still change",
}
RAIL_OBJECT = {
    "charge": "Charge",
    "refund": "Refund",
    "dispute": "Dispute",
    "balance_transaction": "Movement",
    "payout": "Payout",
    "event": "Event",
    "payment": "Payment",
    "balance": "Balance",
    "account": "Account",
    "bank_line": "Bank line",
}
RUNS = {
    "window": "Everything that was made",
    "open_items": "What may still change, of any age",
    "backfill": "The past, taken in",
}
BANK_TARGETS = {
    "payout": "Payout",
    "receipt": "Received by hand",
    "bill_payment": "Payment of bill",
    "prepayment": "Prepayment",
    "vendor_refund": "Given back of",
    "refund": "Refund of",
}
ROLES = {
    "viewer": "Viewer",
    "reconciler": "Reconciler",
    "approver": "Approver",
    "admin": "Admin",
}
_KNOWN_RAILS = {"stripe": "Stripe", "manual": "By hand"}


def pill(noun: str, state: str) -> Pill:
    """The words of a state; one that nobody has worded yet is shown as it is."""
    return _STATES[noun].get(state) or Pill(state.replace("_", " ").capitalize())


def applied(*, kept: int, allocated: int) -> Pill | None:
    """Whether a payment's money is where it belongs; None where there is none."""
    if kept <= 0:
        return None
    if not allocated:
        return Pill("Unmatched", "warn")
    return Pill("Applied", "pos") if allocated >= kept else Pill("Partly applied", "info")


def shown(minor: int, currency: str | None) -> str:
    """`$1,234.50`, `-€20.00`, `KWD 1.500`: our own decimals, with the currency's sign.

    A dash while it is not known in which currency.
    """
    if currency is None:
        return DASH
    text = money.decimal_text(abs(minor), currency)
    whole, point, rest = text.partition(".")
    minus = "-" if minor < 0 else ""
    return minus + _signed(currency, f"{int(whole):,}{point}{rest}")


def with_signs(text: str) -> str:
    """The same text, with `USD 12.50` in it as `$12.50`, which is how the screens write money."""
    return _AMOUNT.sub(lambda found: _signed(found[1], found[2]), text)


def sentence(text: str) -> str:
    """The same text, beginning with a capital and ending in a full stop, money as on screens."""
    text = plain_words.plain(with_signs(text))
    return plain_words.stopped(text[:1].upper() + text[1:])


def _signed(currency: str, digits: str) -> str:
    if currency not in currencies.KNOWN:
        return f"{currency} {digits}"
    sign = _symbol(currency, locale=LOCALE)
    return f"{sign}{NARROW if sign[-1].isalpha() else ''}{digits}"


def typed(minor: int, currency: str) -> str:
    """`1234.50`: what a field is filled with."""
    return money.decimal_text(minor, currency)


def rail_name(rail: str) -> str:
    """A rail as people call it."""
    return _KNOWN_RAILS.get(rail, rail.capitalize())


def moment(instant: datetime) -> str:
    """`19 Nov 2026, 14:03 UTC`."""
    at = instant.astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def days_left(left: int | None) -> Pill | None:
    """How long a dispute can still be answered, with the tone of how soon that ends."""
    if left is None:
        return None
    if left < 0:
        return Pill("Too late to answer", "neg")
    text = "Last day to answer" if left == 0 else f"{counted(left, 'day')} left to answer"
    return Pill(text, "neg" if left <= DAYS_ARE_FEW else "warn")


def second(instant: datetime) -> str:
    """`19 Nov 2026, 14:03:22 UTC`."""
    at = instant.astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M:%S} UTC"


def short(instant: datetime) -> str:
    """`19 Nov, 14:03`."""
    at = instant.astimezone(UTC)
    return f"{at.day} {at:%b, %H:%M}"


def day(when: date | None) -> str:
    """`1 Dec 2026`, or a dash."""
    return f"{when.day} {when:%b %Y}" if when else DASH


def later(when: date, days: int) -> date:
    """The day so many days after."""
    return when + timedelta(days=days)


def age(since: datetime, now: datetime) -> str:
    """`12 seconds`, `4 minutes`, `3 days`: how long ago, without the `ago`."""
    return span(max(now - since, timedelta(0)))


def span(past: timedelta) -> str:
    """`12 seconds`, `15 minutes`, `7 days`: a length of time, in the largest unit that it fills."""
    seconds = int(past.total_seconds())
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            return counted(seconds // length, unit)
    return counted(seconds, "second")


def is_behind(until: datetime, now: datetime) -> bool:
    """Whether what is complete `until` then should be complete further on by now."""
    return now - until > BEHIND


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 payment`, `1,204 payments`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def need(role: str, what: str) -> str:
    """What is said to somebody whose role does not do for it."""
    name = ROLES[role]
    return f"You can look but not {what}. Ask an admin for the {name} role."
