"""Values become a subject, a text and an HTML page. Whatever customers wrote is escaped."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from reconciler import money
from reconciler.books.mail import NOT_KEPT, Words
from reconciler.books.reminder_words import ReminderWords

_TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True, slots=True)
class House:
    """Who writes: the name that mails are signed with, and the address its pages are at."""

    name: str
    address: str

    def page(self, token: str = NOT_KEPT, place: str = "") -> str:
        """A place on a client's page."""
        return f"{self.address}/portal/{token}{place}"

    def screen(self, place: str) -> str:
        """A place on the screens of people here."""
        return f"{self.address}/admin{place}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """What a reminder speaks of. Minor units of `currency`; `left` is what is to be paid."""

    house: str
    customer: str
    number: str
    description: str | None
    currency: str
    billed: int
    received: int
    credited: int
    held: int  # of deposits, not used on an invoice yet
    left: int
    due_on: date | None
    today: date
    link: str | None = None
    noun: str = "invoice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An amount and what it went to."""

    text: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a receipt speaks of: one payment, where it went, and what is left of those."""

    house: str
    customer: str
    currency: str
    amount: int
    received_on: date
    lines: tuple[Line, ...]
    untied: int  # kept as credit
    left: int  # of the invoices it went to
    reference: str
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundNews:
    """What the mail about a refund speaks of."""

    house: str
    customer: str
    currency: str
    amount: int
    target: str | None
    reference: str
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceNews:
    """An invoice that was sent, as it stands, in minor units of `currency`."""

    house: str
    customer: str
    number: str
    description: str | None
    currency: str
    billed: int
    received: int
    credited: int
    left: int
    due_on: date | None
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientPage:
    """The page that is a client's own. `until` is the last day on which `link` opens it."""

    house: str
    customer: str
    until: date
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalNews:
    """Something that is offered, in minor units of `currency`. `replaces`: an earlier version."""

    house: str
    customer: str
    name: str
    currency: str
    price: int
    valid_until: date | None
    replaces: bool
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalAnswer:
    """What people here are told: `client` has `answer`ed, as `decided_by`. Minor units.

    `customer` is whom the letter greets.
    """

    house: str
    customer: str
    client: str
    name: str
    currency: str
    price: int
    answer: str
    decided_by: str
    on: date
    reason: str | None
    link: str


def reminder(said: Reminder, own: ReminderWords | None = None) -> Words:
    """A reminder, as of this moment; in the house's own words, where it has some."""
    if own is not None:
        text = own.filled(_fields(said))
        return _words("reminder", text.subject, said=said, own=text, when="")
    amount, noun = money.shown(said.left, said.currency), said.noun.capitalize()
    if said.due_on is None:
        when, subject = "is open", f"{noun} {said.number}: {amount} open"
    elif said.due_on > said.today:
        when = f"is due on {day(said.due_on)}"
        subject = f"{noun} {said.number}: {amount} due on {day(said.due_on)}"
    elif said.due_on == said.today:
        when, subject = "is due today", f"{noun} {said.number}: {amount} due today"
    else:
        when = f"was due on {day(said.due_on)}"
        subject = f"{noun} {said.number}: {amount} was due on {day(said.due_on)}"
    return _words("reminder", subject, said=said, own=None, when=when)


def _fields(said: Reminder) -> dict[str, str]:
    amounts = {
        "left": said.left, "billed": said.billed, "received": said.received,
        "credited": said.credited, "deposit": said.held,
    }  # fmt: skip
    return {
        "customer": said.customer,
        "number": said.number,
        "description": said.description or "",
        "due_on": day(said.due_on) if said.due_on else "",
        "house": said.house,
    } | {name: money.shown(amount, said.currency) for name, amount in amounts.items()}


def receipt(said: Receipt) -> Words:
    """Thanks for a payment."""
    subject = f"Receipt for {money.shown(said.amount, said.currency)}"
    return _words("receipt", subject, said=said)


def refund_receipt(said: RefundNews) -> Words:
    """A refund has left."""
    subject = f"Your refund of {money.shown(said.amount, said.currency)}"
    return _words("refund_receipt", subject, said=said)


def refund_failed(said: RefundNews) -> Words:
    """A refund that was said to have left came back."""
    subject = f"Your refund of {money.shown(said.amount, said.currency)} came back"
    return _words("refund_failed", subject, said=said)


def invoice(said: InvoiceNews) -> Words:
    """An invoice, with what is left to pay of it."""
    return _words("invoice", f"Invoice {said.number} from {said.house}", said=said)


def client_page(said: ClientPage) -> Words:
    """The link to a client's own page, and how long it opens."""
    return _words("client_page", f"Your page at {said.house}", said=said)


def proposal(said: ProposalNews) -> Words:
    """A proposal that can be answered."""
    subject = f"{'A new version of our' if said.replaces else 'Our'} proposal: {said.name}"
    return _words("proposal", subject, said=said)


def proposal_answered(said: ProposalAnswer) -> Words:
    """A client has said yes or no, to whoever goes on with it here."""
    return _words("proposal_answered", f"{said.client} has {said.answer} {said.name}", said=said)


def day(value: date) -> str:
    """A day as it stands in a mail: 1 December 2026."""
    return f"{value.day} {value:%B %Y}"


def _words(name: str, subject: str, **values: object) -> Words:
    given = {"subject": subject, **values}
    text = _templates.get_template(f"{name}.txt").render(given)
    html = _templates.get_template(f"{name}.html").render(given)
    return Words(subject, text.strip() + "\n", html)


_templates = Environment(
    loader=FileSystemLoader(_TEMPLATES),
    autoescape=select_autoescape(("html",), disabled_extensions=("txt",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_templates.filters |= {"day": day, "money": money.shown}
