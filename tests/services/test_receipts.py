"""Money received by hand is a payment like any other, in a drawer of its own."""

from datetime import date

import pytest

from reconciler.errors import Invalid, NotFound, Refused
from reconciler.services import allocations, invoices, receipts
from reconciler.services.receipts import SOURCES, Receipt
from tests.builders import (
    asked,
    balances,
    captured,
    deposit,
    held_on,
    invoice,
    named,
    observe,
    paid_on,
    unapplied,
)
from tests.runtime import Office

TODAY = date(2026, 11, 22)


def receive(office: Office, target: str, amount: int | None = None, **more) -> str:
    said = {"source": "cash", "received_on": TODAY, "amount": amount} | more
    return office.do(lambda work: receipts.receive(work, target, Receipt(**said)))


def test_all_that_is_owed_is_received(office: Office) -> None:
    target = invoice(office, "INV-1", 500)
    payment = receive(office, target)
    assert paid_on(office, target) == (500, 0, 0)
    assert balances(office) == {"undeposited": 500, "revenue": -500}
    assert (unapplied(office, payment), asked(office, payment)) == (0, {})
    assert office.violations() == []


def test_a_part_is_received_and_then_the_rest(office: Office) -> None:
    target = invoice(office, "INV-1", 500)
    receive(office, target, 200, source="check", reference="no. 77")
    assert paid_on(office, target) == (200, 0, 300)
    receive(office, target)
    assert paid_on(office, target) == (500, 0, 0)


def test_a_deposit_is_received(office: Office) -> None:
    target = deposit(office, "DEP-1", 500)
    receive(office, target, source="bank_transfer")
    assert held_on(office, target) == (500, 0, 0, 500)
    assert balances(office) == {"undeposited": 500, "customer_deposits": -500}


def test_too_much_is_refused_with_the_excess_named(office: Office) -> None:
    for target in (invoice(office, "INV-1", 500), deposit(office, "DEP-1", 500)):
        with pytest.raises(Refused, match=r"USD 0\.50 more") as refusal:
            receive(office, target, 550)
        assert refusal.value.field == "amount"
    assert office.scalar("select count(*) from payment") == 0


def test_too_much_on_purpose_is_customer_credit(office: Office) -> None:
    target = invoice(office, "INV-1", 500)
    payment = receive(office, target, 550, may_overpay=True)
    assert paid_on(office, target) == (500, 0, 0)
    assert asked(office, payment) == {"overpayment": 50}
    other = invoice(office, "INV-2", 100)
    office.do(lambda work: allocations.allocate(work, payment, [allocations.Part(other)]))
    assert paid_on(office, other) == (50, 0, 50)
    assert office.violations() == []


REFUSED = {
    "nothing": ({"amount": 0}, Refused),
    "less-than-nothing": ({"amount": -5}, Refused),
    "a-strange-source": ({"source": "barter"}, Invalid),
}


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_what_cannot_be_is_refused(office: Office, case: str) -> None:
    more, kind = REFUSED[case]
    target = invoice(office, "INV-1", 500)
    with pytest.raises(kind):
        receive(office, target, **more)
    assert paid_on(office, target) == (0, 0, 500)


def test_only_what_is_owed_can_be_received_for(office: Office) -> None:
    draft = invoice(office, "INV-1", 500, send=False)
    paid = invoice(office, "INV-2", 500)
    receive(office, paid)
    void = invoice(office, "INV-3", 500)
    office.do(lambda work: invoices.void(work, void))
    for target in (draft, paid, void):
        with pytest.raises(Refused):
            receive(office, target)
        with pytest.raises(Refused):
            receive(office, target, 10)
    with pytest.raises(NotFound):
        receive(office, "inv_nowhere", 5)
    with pytest.raises(NotFound):
        receive(office, "INV-1", 5)  # a number is not an id


def test_every_source_is_taken(office: Office) -> None:
    target = invoice(office, "INV-1", 500)
    for source in SOURCES:
        receive(office, target, 10, source=source)
    assert paid_on(office, target) == (10 * len(SOURCES), 0, 500 - 10 * len(SOURCES))


def test_a_rail_and_the_drawer_may_pay_together(office: Office) -> None:
    target = invoice(office, "INV-1", 500)
    observe(office, captured(300, named=named(invoice="INV-1")))
    receive(office, target)
    assert paid_on(office, target) == (500, 0, 0)
    assert balances(office) == {"clearing": 300, "undeposited": 200, "revenue": -500}
    office.drain()
    assert office.violations() == []
