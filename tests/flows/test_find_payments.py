"""Money that came before anybody knew what for meets its document, whichever appears."""

import pytest

from reconciler.flows.find_payments import find_payments
from reconciler.services import customers, deposits, invoices
from tests.builders import (
    AT,
    asked,
    captured,
    customer,
    deposit,
    facts,
    held_on,
    invoice,
    named,
    observe,
    paid_on,
    unapplied,
)
from tests.runtime import Office

LATER = {
    "an-invoice-with-the-number-in-the-metadata": {"named": named(invoice="INV-1")},
    "in-other-letters": {"named": named(invoice=" inv-1")},
    "in-the-text": {"texts": {"description": (AT, "for INV-1")}},
    "as-a-reference": {"named": named(client_reference_id="INV-1")},
}


@pytest.mark.parametrize("case", LATER, ids=str)
def test_an_invoice_finds_its_money(office: Office, case: str) -> None:
    (payment,) = observe(office, captured(500, **LATER[case]))
    assert asked(office, payment) == {"unmatched_payment": 500}

    made = invoice(office, "INV-1", 500)
    assert find_payments(office.runtime) >= 1

    assert paid_on(office, made) == (500, 0, 0)
    assert asked(office, payment) == {}
    assert office.violations() == []


def test_a_draft_finds_its_money_when_it_is_sent(office: Office) -> None:
    made = invoice(office, "INV-1", 500, send=False)
    (payment,) = observe(office, captured(500, named=named(invoice="INV-1")))
    assert asked(office, payment) == {"invoice_not_payable": 500}
    find_payments(office.runtime)
    assert unapplied(office, payment) == 500

    office.do(lambda work: invoices.send(work, made))
    find_payments(office.runtime)

    assert paid_on(office, made) == (500, 0, 0)


def test_a_deposit_finds_its_money(office: Office) -> None:
    observe(office, captured(500, named=named(deposit="DEP-1")))
    made = deposit(office, "DEP-1", 500)
    find_payments(office.runtime)
    assert held_on(office, made) == (500, 0, 0, 500)


def test_an_object_of_the_rail_that_is_named_later_leads_to_its_money(office: Office) -> None:
    observe(office, captured(500, "pi_1", sessions=("cs_1",)), captured(300, "pi_2"))
    first, second = invoice(office, "INV-1", 500), deposit(office, "DEP-1", 300)
    find_payments(office.runtime)

    office.do(lambda work: invoices.add_references(work, first, "stripe", ["cs_1"]))
    office.do(lambda work: deposits.add_references(work, second, "stripe", ["pi_2"]))
    find_payments(office.runtime)

    assert paid_on(office, first) == (500, 0, 0)
    assert held_on(office, second) == (300, 0, 0, 300)


def test_a_payer_who_becomes_known_is_matched_by_equal_amount(office: Office) -> None:
    ann = customer(office)
    made = invoice(office, "INV-1", 500, customer_id=ann)
    observe(office, captured(500, payer={"customer": (AT, "cus_ann")}))
    find_payments(office.runtime)
    assert paid_on(office, made) == (0, 0, 500)

    known = {"rail_customers": {"stripe": "cus_ann"}}
    office.do(lambda work: customers.patch(work, ann, known))
    find_payments(office.runtime)

    assert paid_on(office, made) == (500, 0, 0)


def test_what_is_matched_or_placed_by_a_person_is_left_alone(office: Office) -> None:
    first = invoice(office, "INV-1", 500)
    observe(office, captured(500, named=named(invoice="INV-1")))
    ann = customer(office, rail_id="cus_ann")
    invoice(office, "INV-2", 500, customer_id=ann)
    assert paid_on(office, first) == (500, 0, 0)
    find_payments(office.runtime)
    find_payments(office.runtime)
    assert paid_on(office, first) == (500, 0, 0)


def test_of_two_held_payments_that_fit_only_one_takes_it(office: Office) -> None:
    ann = customer(office, rail_id="cus_ann")
    payer = {"customer": (AT, "cus_ann")}
    held = observe(office, captured(500, "pi_1", payer=payer), captured(500, "pi_2", payer=payer))
    made = invoice(office, "INV-1", 500, customer_id=ann)
    find_payments(office.runtime)
    assert paid_on(office, made) == (500, 0, 0)
    assert sorted(unapplied(office, payment) for payment in held) == [0, 500]
    assert office.violations() == []


def test_a_hold_that_is_captured_later_is_matched_then(office: Office) -> None:
    made = invoice(office, "INV-1", 500)
    told = captured(500, named=named(invoice="INV-1"))
    observe(office, facts(named=told.named))
    assert paid_on(office, made) == (0, 0, 500)
    observe(office, facts(charges=told.charges))
    assert paid_on(office, made) == (500, 0, 0)
