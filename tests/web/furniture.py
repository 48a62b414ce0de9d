"""What else a furnished company may have: projects under way, and what it buys."""

from dataclasses import replace
from datetime import date

from reconciler.books.bills import CostLine
from reconciler.books.invoice_lines import Line
from reconciler.books.plans import Part
from reconciler.services import (
    bill_payments,
    billing,
    bills,
    invoices,
    milestones,
    prepayments,
    projects,
    proposals,
    short_payments,
    vendor_credits,
    vendors,
)
from reconciler.services.bill_payments import Paid
from reconciler.services.bills import NewBill
from reconciler.services.milestones import Stage
from reconciler.services.prepayments import NewPrepayment
from reconciler.services.projects import NewProject
from reconciler.services.proposals import NewProposal
from reconciler.services.vendor_credits import NewCredit


def fee_of(made) -> None:
    """A bank's fee that was none, taken back: nothing is owed otherwise for it."""

    def step(work) -> str:
        owed = made.ids["INV-1042"]
        fee = short_payments.bear(work, owed, why="Wire & more", bounds={}, amount=1)
        short_payments.take_back(work, fee)
        return fee

    made.ids["bank_fee"] = made.by("reconciler", step)


def projects_of(made) -> None:
    """A kitchen in four milestones: held ahead, overdue, drafted, and one nobody asked for yet."""
    new = NewProject(
        customer_id=made.ids["cedar"],
        name="Kitchen & <em>larder</em>",
        currency="USD",
        original_price=1_000_001,
    )
    stages = [
        Stage(kind="deposit", part=Part(share=3_000)),
        Stage(kind="midpoint", part=Part(share=4_000), due_on=date(2026, 11, 10)),
        Stage(kind="named", name="Worktop", part=Part(share=1_000), description="Oak, oiled"),
        Stage(kind="final", part=Part(share=2_000), due_on=date(2027, 1, 15)),
    ]

    def step(work) -> tuple[str, list[str]]:
        project = projects.create(work, new)
        ids = milestones.plan(work, project, stages)
        billing.deposit(work, ids[0])
        invoices.send(work, billing.invoice(work, ids[1]), without_sign_off="Agreed on the phone")
        billing.invoice(work, ids[2])
        return project, ids

    made.ids["project"], ids = made.by("reconciler", step)
    made.ids |= {f"milestone_{place}": one for place, one in enumerate(ids)}


BATH = NewProposal(
    customer_id="",
    name="Bath",
    currency="USD",
    lines=[Line(description="Tiles & <b>grout</b>", quantity="12.5", unit_price=8_000)],
    stages=[
        Stage(kind="deposit", part=Part(share=3_000)),
        Stage(kind="final", part=Part(share=7_000), due_on=date(2027, 2, 1)),
    ],
    introduction="As we spoke of it on Monday.",
    conditions="Called off in the first week, the deposit goes back.\n\nAfter that it is kept.",
    valid_until=date(2026, 12, 31),
)


def proposal_of(made) -> None:
    """A bath is offered, and nobody has answered yet."""
    new = replace(BATH, customer_id=made.ids["cedar"])

    def step(work) -> str:
        proposal = proposals.create(work, new)
        proposals.send(work, proposal)
        return proposal

    made.ids["proposal"] = made.by("reconciler", step)


def purchases_of(made) -> None:
    """Oak is paid ahead and billed: one bill paid in part, one overdue, one a draft."""
    on = date(2026, 11, 18)

    def bill(work, number: str, price: int, *, due_on: date, currency: str = "USD") -> str:
        lines = (
            CostLine(description="Boards & <b>battens</b>", quantity="12.5", unit_price=price,
                     tax_rate="19", tax_name="VAT", category="Materials"),
            CostLine(description="Carriage", unit_price=4_500, category="Office supplies"),
        )  # fmt: skip
        new = NewBill(
            vendor_id=made.ids["vendor"], number=number, currency=currency, lines=lines,
            issued_on=on, due_on=due_on, description="Autumn order",
        )  # fmt: skip
        return bills.create(work, new)

    def step(work) -> None:
        ids = made.ids
        ids["vendor"] = vendors.create(
            work, name="Oak & <em>Ash</em> Ltd", email="books@oak.example", notes="Net 14"
        )
        ids["bill"] = bill(work, "2026-118", 8_000, due_on=date(2026, 12, 5))
        ids["bill_late"] = bill(work, "2026-101", 2_000, due_on=date(2026, 11, 10))
        ids["bill_draft"] = bill(work, "2026-131", 3_000, due_on=date(2026, 12, 20))
        for name in ("bill", "bill_late"):
            bills.open_(work, ids[name])
        ids["prepayment"] = prepayments.pay(
            work,
            NewPrepayment(
                vendor_id=ids["vendor"], currency="USD", amount=60_000, paid_on=on,
                reference="SEPA 118", notes="30 % ahead",
            ),
        )  # fmt: skip
        ids["prepayment_use"] = prepayments.apply(work, ids["prepayment"], ids["bill"], 40_000)
        back = Paid(on=on, amount=5_000, reference="Returned boards")
        ids["vendor_refund"] = prepayments.refund(work, ids["prepayment"], back)
        less = CostLine(description="Bent <i>boards</i>", unit_price=1_000, tax_rate="19",
                        tax_name="VAT", category="Materials")  # fmt: skip
        ids["vendor_credit"] = vendor_credits.note(
            work,
            NewCredit(
                vendor_id=ids["vendor"], currency="USD", number="CN-2026-9", lines=(less,),
                issued_on=on, notes="Bent in transit",
            ),
        )  # fmt: skip
        paid = Paid(on=on, amount=20_000, reference="SEPA 119")
        ids["bill_payment"] = bill_payments.pay(work, ids["bill"], paid)

    made.by("reconciler", step)
