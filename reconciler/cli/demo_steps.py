"""What the demo does in the books, through the services that screens and programs use.

Each step looks first whether it is done, so that a demo that was interrupted goes on where it
stopped, and a second one changes nothing.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from reconciler.books.consent import RefundPolicy
from reconciler.books.invoice_lines import Line
from reconciler.books.people import Role
from reconciler.books.refunds import RefundStatus
from reconciler.cli import demo_projects, demo_purchases
from reconciler.cli.demo_projects import AGREED, Place
from reconciler.errors import Conflict
from reconciler.ids import new_token
from reconciler.reads import (
    customers as customer_reads,
    deposits as deposit_reads,
    invoices as invoice_reads,
    payments as payment_reads,
    refunds as refund_reads,
)
from reconciler.reads.pages import Wanted
from reconciler.reads.refunds import RefundRow
from reconciler.sandbox.demo_trouble import LATE_REFUND, VOIDED, VOIDED_WHY
from reconciler.sandbox.story import (
    DemoApplication,
    DemoCustomer,
    DemoDeposit,
    DemoInvoice,
    DemoPayment,
    DemoProject,
)
from reconciler.services import (
    applications,
    customers,
    deposits,
    invoices,
    notes,
    people,
    refund_requests,
    refunds,
    reminders,
)
from reconciler.services.deposits import NewDeposit
from reconciler.services.invoices import NewInvoice
from reconciler.services.refund_grounds import RefundAsk
from reconciler.work import Work

ASKER = ("dana.desk@studio.example", "Dana Desk", Role.RECONCILER)
APPROVER = ("ari.approver@studio.example", "Ari Approver", Role.APPROVER)
OVERPAID = "50.00 too much"  # the story's title of the payment that is given back in part
OVERPAID_BY = 5_000
SHORTENED = "INV-1031"
SHORTENED_BY = 5_000
TAXED = "INV-1025"  # written in lines, with tax
TAX_PERCENT = 20
LATE = "INV-1030"  # a refund of it comes back from the bank, days after it went
PRINTED = "INV-1026"
PRINTED_BY = 3_000
PAUSED = "INV-1020"  # nobody is written to about this one

APPROVED = frozenset({"overpayment", "goodwill"})
RETURNED = "lost_or_stolen_card"  # why the bank returns it, in the rail's words

_ONE = Wanted(1)


@dataclass(frozen=True, slots=True)
class Story:
    """What the sandbox told: plain data, as it came over the wire."""

    first_event: int
    event_count: int
    customers: list[DemoCustomer]
    projects: list[DemoProject]
    invoices: list[DemoInvoice]
    deposits: list[DemoDeposit]
    applications: list[DemoApplication]
    payments: list[DemoPayment]

    @classmethod
    def read(cls, told: dict[str, Any]) -> "Story":
        """The story from the sandbox's answer."""
        return cls(
            first_event=told["first_event"],
            event_count=told["event_count"],
            customers=[DemoCustomer(**one) for one in told["customers"]],
            projects=[DemoProject(**one) for one in told["projects"]],
            invoices=[DemoInvoice(**one) for one in told["invoices"]],
            deposits=[DemoDeposit(**one) for one in told["deposits"]],
            applications=[DemoApplication(**one) for one in told["applications"]],
            payments=[DemoPayment(**one) for one in told["payments"]],
        )


def load_documents(work: Work, story: Story) -> bool:
    """Customers, sent invoices and expected deposits; False if they are there already.

    Raises Conflict where other documents have the demo's numbers.
    """
    first = {"rail_customer_id": story.customers[0].rail_id}
    if customer_reads.page(work.session, first, _ONE, today=work.now.date()).data:
        return False
    ids = {
        one.key: customers.create(
            work, name=one.name, email=one.email, rail_customers={"stripe": one.rail_id}
        )
        for one in story.customers
    }
    known = {one.key: one for one in story.customers}
    try:
        planned = demo_projects.plan(work, story.projects, story.invoices, known, ids)
        for invoice in story.invoices:
            place = planned.places.get(invoice.number)
            made = invoices.create(work, _invoice(invoice, ids[invoice.customer], place))
            invoices.send(work, made, without_sign_off=AGREED if place else None)
            if invoice.number == PAUSED:
                reminders.pause(
                    work, made, until=None, why="Their card was declined: we are talking"
                )
        for deposit in story.deposits:
            project = planned.ids.get(deposit.project)
            deposits.create(work, _deposit(deposit, ids[deposit.customer], project))
        demo_projects.bill_what_waits(work, planned)
        demo_purchases.buy(work)
    except Conflict as taken:
        raise Conflict(
            f"these books have documents of their own ({taken}); give the demo an"
            " empty folder: RECONCILER_DATA_DIR=./var-demo ./run --demo"
        ) from taken
    return True


def take_one_back(work: Work) -> None:
    """Void the invoice that went out by mistake, and say why, as whoever causes `work`.

    So they say why a bill is paid in part: a program notes nothing that somebody has to judge.
    """
    invoice = invoice_id(work, VOIDED)
    if invoice_reads.one(work.session, invoice, today=work.now.date()).status == "void":
        work.has_only_looked = True
        return
    invoices.void(work, invoice)
    notes.add(work, invoice, VOIDED_WHY)
    demo_purchases.say_why(work)


def apply_deposits(work: Work, story: Story) -> None:
    """Use each deposit on the invoices that it is meant for."""
    for use in story.applications:
        deposit = deposit_reads.page(work.session, {"code": use.deposit}, _ONE).data[0]
        invoice = invoice_id(work, use.invoice)
        if invoice not in {made.invoice_id for made in deposit.applications}:
            applications.apply(work, deposit.id, invoice, use.amount)


def ensure_person(work: Work, who: tuple[str, str, Role], password: str = "") -> str:
    """An account for somebody of the story; gives its id. Nobody knows a password not given."""
    email, name, role = who
    known = [person.id for person in people.users(work) if person.email == email]
    if not known:
        chosen = password or new_token()
        return people.create_user(work, email=email, password=chosen, role=role, name=name)
    if password:
        people.set_password(work, known[0], password)
    return known[0]


def ask_refunds(work: Work, story: Story, policy: RefundPolicy) -> None:
    """Refunds, asked for by whoever causes `work`: too much was paid, less was done."""
    if asked_by(work, work.cause.id):
        return
    overpaid = next(one for one in story.payments if one.title == OVERPAID)
    found = payment_reads.page(work.session, {"rail_payment_id": overpaid.intent}, _ONE)
    asks = (
        RefundAsk(
            reason="overpayment",
            payment_id=found.data[0].id,
            amount=OVERPAID_BY,
            note="Paid 500.00 for an invoice of 450.00",
        ),
        RefundAsk(
            reason="partial_scope",
            invoice_id=invoice_id(work, SHORTENED),
            amount=SHORTENED_BY,
            note="One berth less than planned",
        ),
        RefundAsk(
            reason="goodwill",
            invoice_id=invoice_id(work, LATE),
            amount=LATE_REFUND,
            note="Two evenings without the site, on the 9th and the 10th",
        ),
        RefundAsk(
            reason="other",
            invoice_id=invoice_id(work, PRINTED),
            amount=PRINTED_BY,
            note="The printed menus were theirs to order; agreed by mail with A. Cobalt",
        ),
    )
    for ask in asks:
        refund_requests.request(work, ask, policy)


def approve_some(work: Work, asker: str) -> None:
    """Approve two of them; the others wait for a second person."""
    for refund in asked_by(work, asker):
        if refund.reason in APPROVED and refund.status == RefundStatus.REQUESTED.value:
            refunds.approve(work, refund.id)


def late_refund(work: Work, asker: str) -> str | None:
    """The rail's id of the refund that its bank returns, as long as it says that it succeeded."""
    for refund in asked_by(work, asker):
        if refund.reason == "goodwill" and refund.status == RefundStatus.SUCCEEDED.value:
            return refund.rail_refund_id
    return None


def asked_by(work: Work, person: str) -> list[RefundRow]:
    """Refunds that a person asked for."""
    return refund_reads.page(work.session, {"requested_by": person}, Wanted()).data


def invoice_id(work: Work, number: str) -> str:
    """The id of the invoice with a number of the story."""
    today = work.now.date()
    return invoice_reads.page(work.session, {"number": number}, _ONE, today=today).data[0].id


def _invoice(told: DemoInvoice, customer_id: str, place: Place | None) -> NewInvoice:
    lines = _taxed(told) if told.number == TAXED else ()
    return NewInvoice(
        customer_id=customer_id,
        currency=told.currency,
        total=None if lines else told.total,
        lines=lines,
        project_id=place.project_id if place else None,
        milestone_id=place.milestone_id if place else None,
        number=told.number,
        issued_on=_day(told.issued_on),
        due_on=_day(told.due_on),
        description=told.description,
    )


def _taxed(told: DemoInvoice) -> tuple[Line, ...]:
    """The same total, as hours with tax and a discount."""
    net = told.total * 100 // (100 + TAX_PERCENT)
    tax = {"tax_rate": str(TAX_PERCENT), "tax_name": "Sales tax"}
    return (
        Line(description="Care, hours", quantity="4", unit_price=net // 3, **tax),
        Line(description="Discount of a long customer", unit_price=net - net // 3 * 4, **tax),
    )


def _deposit(told: DemoDeposit, customer_id: str, project_id: str | None) -> NewDeposit:
    return NewDeposit(
        customer_id=customer_id,
        project_id=project_id,
        currency=told.currency,
        amount=told.amount,
        code=told.code,
        date=_day(told.date),
    )


def _day(text: str) -> date:
    return datetime.fromisoformat(text).date()
