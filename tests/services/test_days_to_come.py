"""Nothing is booked on a day that is to come: whoever names one is told which field it was."""

from datetime import timedelta

import pytest

from reconciler.books.bills import CostLine
from reconciler.errors import Invalid
from reconciler.services import (
    bill_payments,
    change_orders,
    prepayments,
    projects,
    receipts,
    vendor_credits,
)
from reconciler.services.bill_payments import Paid
from reconciler.services.change_orders import NewChangeOrder
from reconciler.services.projects import NewProject
from reconciler.services.receipts import Receipt
from reconciler.services.vendor_credits import NewCredit
from tests.builders import bill, customer, deposit, invoice, prepayment, vendor


def received(office, day):
    owed = invoice(office, f"INV-{day}", 500)
    office.do(lambda work: receipts.receive(work, owed, Receipt("cash", day)))


def received_on_deposit(office, day):
    asked = deposit(office, f"D-{day}", 500)
    office.do(lambda work: receipts.receive(work, asked, Receipt("cash", day)))


def a_bill_paid(office, day):
    owed = bill(office, f"B-{day}", 500)
    office.do(lambda work: bill_payments.pay(work, owed, Paid(on=day)))


def given_back(office, day):
    ahead = prepayment(office, 500)
    office.do(lambda work: prepayments.refund(work, ahead, Paid(on=day)))


def credited(office, day):
    line = CostLine(description="Returned", unit_price=5, category="materials")
    note = NewCredit(
        vendor_id=vendor(office), currency="USD", number="C-1", lines=(line,), issued_on=day
    )
    office.do(lambda work: vendor_credits.note(work, note))


def another_price(office, day):
    new = NewProject(
        customer_id=customer(office), name="Kitchen", currency="USD", original_price=500
    )
    project = office.do(lambda work: projects.create(work, new))
    order = NewChangeOrder(approved_price=600, reason="A tap", approved_on=day)
    office.do(lambda work: change_orders.approve(work, project, order))


DEEDS = {
    received: "received_on",
    received_on_deposit: "received_on",
    a_bill_paid: "paid_on",
    given_back: "received_on",
    credited: "issued_on",
    another_price: "approved_on",
    lambda office, day: prepayment(office, 500, paid_on=day): "paid_on",
    lambda office, day: invoice(office, "INV-1", 500, issued_on=day): "issued_on",
    lambda office, day: bill(office, "B-1", 500, issued_on=day): "issued_on",
}


@pytest.mark.parametrize(
    ("deed", "field"), DEEDS.items(), ids=[f"{n}-{field}" for n, field in enumerate(DEEDS.values())]
)
def test_a_day_to_come_is_refused_by_its_field_and_tomorrow_is_not(office, deed, field):
    today = office.clock().date()
    with pytest.raises(Invalid, match="to come") as refusal:
        deed(office, today + timedelta(days=2))
    assert refusal.value.field == field
    moved = "select count(*) from journal_entry where effective_on > :day"
    assert office.scalar(moved, day=today) == 0
    deed(office, today + timedelta(days=1))
    assert office.violations() == []


def test_a_draft_may_be_of_a_day_to_come_and_waits_for_it(office):
    later = office.clock().date() + timedelta(days=9)
    assert invoice(office, "INV-1", 500, send=False, issued_on=later)
    assert bill(office, "B-1", 500, open_=False, issued_on=later)
