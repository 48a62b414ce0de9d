"""What is agreed, asked for and billed: projects, deposits, proposals, and what a business buys.

All of it goes through the services, so that it is as people would leave it: one project in ten is
large, one customer in a thousand has many of everything.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from benchmarks.business.pen import Pen
from benchmarks.stage import CUSTOMERS
from reconciler.books.bills import CostLine
from reconciler.books.deposit_terms import DepositTerms
from reconciler.books.invoice_lines import Line
from reconciler.books.plans import STAGES_MAX, WHOLE, Part
from reconciler.services import (
    bill_payments,
    billing,
    bills,
    change_orders,
    customers,
    deposits,
    invoices,
    milestones,
    prepayments,
    projects,
    proposals,
    vendor_credits,
    vendors,
)
from reconciler.services.bill_payments import Paid
from reconciler.services.bills import NewBill
from reconciler.services.change_orders import NewChangeOrder
from reconciler.services.deposits import NewDeposit
from reconciler.services.invoices import NewInvoice
from reconciler.services.milestones import Stage
from reconciler.services.prepayments import NewPrepayment
from reconciler.services.projects import NewProject
from reconciler.services.proposals import NewProposal
from reconciler.services.vendor_credits import NewCredit
from reconciler.work import Work

PRICE = 1_200_000
_LATE = 90  # days: what is due lies so far back at most, and as far ahead
_AGREED = "agreed on the telephone"
_VAT = {"tax_rate": "19", "tax_name": "VAT"}
_CATEGORIES = ("Hosting", "Software", "Travel", "Office furniture")


@dataclass(frozen=True, slots=True)
class Papers:
    """What was made, by the ids under which it is found again."""

    projects: list[str]
    milestones: list[str]  # that wait to be signed off
    deposits: list[tuple[str, int]] = field(repr=False)  # code, amount
    void: str = ""  # the number of an invoice that takes no money


def customer(number: int) -> str:
    """Whose the `number`-th thing is: one in twenty is the first customer's."""
    return f"cus_b{0 if number % 20 == 0 else number % CUSTOMERS}"


def write(pen: Pen) -> Papers:
    """All of it, beginning with addresses of those who are written to."""
    pen.each(range(CUSTOMERS), _address)
    pen.each(range(pen.of(300)), _customer)
    made = pen.each(range(pen.of(2_000, 20)), _project, at_once=10)
    asked = pen.each(range(pen.of(30_000, 60)), _deposit, at_once=200)
    pen.each(range(pen.of(600, 12)), _proposal)
    pen.each(range(pen.of(2_000, 20)), _credited)
    pen.each(range(pen.of(300, 8)), _draft)
    (void,) = pen.each(["VOID-1"], _void)
    _buy(pen)
    return Papers([one for one, _ in made], [one for _, one in made], asked, void)


def _address(work: Work, number: int) -> None:
    customers.patch(work, f"cus_b{number}", {"email": f"buyer{number}@example.com"})


def _customer(work: Work, number: int) -> str:
    known = {"stripe": f"cus_{number % CUSTOMERS:012d}"} if number < CUSTOMERS else None
    name = f"{('Amber', 'Birch', 'Cedar')[number % 3]} and Partners {number}"
    return customers.create(
        work, name=name, email=f"office{number}@example.com", rail_customers=known
    )


def _day(work: Work, number: int) -> date:
    """Some days lie behind, as many ahead."""
    return work.now.date() + timedelta(days=number * 37 % (2 * _LATE) - _LATE)


def _project(work: Work, number: int) -> tuple[str, str]:
    """Some of its milestones are billed; gives it, and its last milestone."""
    whose = customer(number)
    name = f"Shop {number}, {('first', 'second', 'third')[number % 3]} stage"
    made = projects.create(
        work, NewProject(customer_id=whose, name=name, currency="USD", original_price=PRICE)
    )
    parts = milestones.plan(work, made, _stages(work, number))
    billing.deposit(work, parts[0])
    for at, milestone in enumerate(parts[1:-1]):
        if (number + at) % 3:
            billed = billing.invoice(work, milestone)
            if (number + at) % 3 == 1:
                invoices.send(work, billed, without_sign_off=_AGREED)
    if number % 4 == 0:
        more = Stage(kind="named", name="More of it", part=Part(amount=60_000))
        order = NewChangeOrder(
            approved_price=PRICE + 60_000, reason="Asked for in the second meeting", stages=[more]
        )
        change_orders.approve(work, made, order)
    return made, parts[-1]


def _stages(work: Work, number: int) -> list[Stage]:
    count = STAGES_MAX - 1 if number == 0 else 12 if number % 10 == 0 else 3
    each = (WHOLE - 3_000) // count
    due = _day(work, number)
    named = [
        Stage(kind="named", name=f"Part {at + 1}", part=Part(share=each), due_on=due)
        for at in range(count - 1)
    ]
    last = Part(share=WHOLE - 3_000 - each * (count - 1))
    return [
        Stage(kind="deposit", part=Part(share=3_000), due_on=due),
        *named,
        Stage(kind="final", part=last, due_on=due, description="The shop, open"),
    ]


def _deposit(work: Work, number: int) -> tuple[str, int]:
    """Asked for under a code of its own; one in four is forfeited once work has begun."""
    code, amount = f"DEP-{number:08d}", 5_000 + number * 7_919 % 90_000
    terms = DepositTerms(once_begun=True, kept=5_000) if number % 4 == 0 else None
    new = NewDeposit(
        customer_id=customer(number), currency="USD", amount=amount, code=code, terms=terms,
        due_on=_day(work, number), notes=f"For order {number}",
    )  # fmt: skip
    deposits.create(work, new)
    return code, amount


def _proposal(work: Work, number: int) -> str:
    new = NewProposal(
        customer_id=customer(number), name=f"Online shop {number}", currency="USD",
        lines=[
            Line(description="Design of six pages", unit_price=120_000),
            Line(description="Building them, hours", quantity="32", unit_price=9_500),
        ],
        stages=[
            Stage(kind="deposit", part=Part(share=3_000)),
            Stage(kind="final", part=Part(share=7_000), description="The shop, open"),
        ],
        introduction="As we spoke of it.", conditions="Called off, the deposit goes back.",
        valid_until=work.now.date() + timedelta(days=30),
    )  # fmt: skip
    made = proposals.create(work, new)
    if number % 4:
        proposals.send(work, made)
    if number % 4 == 2:
        proposals.revise(work, made)
        proposals.send(work, made)
    if number % 4 == 3:
        proposals.withdraw(work, made, reason="They found somebody else")
    return made


def _credited(work: Work, number: int) -> str:
    made = _invoice(work, number)
    invoices.send(work, made)
    invoices.credit_note(work, made, amount=1_000 + number, reason="One page less than agreed")
    return made


def _draft(work: Work, number: int) -> str:
    return _invoice(work, number)


def _void(work: Work, number: str) -> str:
    made = invoices.create(
        work, NewInvoice(customer_id="cus_b1", currency="USD", total=1_000, number=number)
    )
    invoices.send(work, made)
    invoices.void(work, made)
    return number


def _invoice(work: Work, number: int) -> str:
    lines = tuple(
        Line(description=f"Page {at + 1}", unit_price=10_000 + number, tax_rate="20")
        for at in range(3)
    )
    new = NewInvoice(
        customer_id=customer(number), currency="USD", lines=lines, due_on=_day(work, number)
    )
    return invoices.create(work, new)


def _buy(pen: Pen) -> None:
    sellers = pen.each(range(pen.of(300, 8)), _vendor)
    pen.each(range(pen.of(3_000, 24)), lambda work, number: _bill(work, sellers, number))
    pen.each(range(pen.of(800, 8)), lambda work, number: _ahead(work, sellers, number))


def _vendor(work: Work, number: int) -> str:
    return vendors.create(work, name=f"Vendor {number}", email=f"billing{number}@example.com")


def _of(sellers: Sequence[str], number: int) -> str:
    """One bill in ten is of the first vendor."""
    return sellers[0 if number % 10 == 0 else number % len(sellers)]


def _cost(number: int) -> tuple[CostLine, ...]:
    return tuple(
        CostLine(
            description=f"Item {at + 1}", unit_price=4_000 + number,
            category=_CATEGORIES[(number + at) % len(_CATEGORIES)], **_VAT,
        )
        for at in range(3)
    )  # fmt: skip


def _bill(work: Work, sellers: Sequence[str], number: int) -> None:
    """One in four stays a draft, one is paid in part, one whole."""
    today = work.now.date()
    new = NewBill(
        vendor_id=_of(sellers, number), number=f"B-{number:06d}", currency="USD",
        lines=_cost(number), issued_on=today - timedelta(days=100), due_on=_day(work, number),
    )  # fmt: skip
    made = bills.create(work, new)
    if number % 4:
        bills.open_(work, made)
    if number % 4 > 1:
        paid = Paid(on=today, amount=1_000 if number % 4 == 2 else None, reference=f"T {number}")
        bill_payments.pay(work, made, paid)


def _ahead(work: Work, sellers: Sequence[str], number: int) -> None:
    today, seller = work.now.date(), _of(sellers, number)
    if number % 2:
        note = NewCredit(
            vendor_id=seller, currency="USD", number=f"C-{number:06d}", lines=_cost(number),
            issued_on=today,
        )  # fmt: skip
        vendor_credits.note(work, note)
        return
    paid = NewPrepayment(vendor_id=seller, currency="USD", amount=90_000 + number, paid_on=today)
    prepayments.pay(work, paid)
