"""Money on its way is bound for what it will pay, and for nothing once it came or went."""

from reconciler.flows.find_payments import find_payments
from reconciler.reads import balances
from tests.builders import charge, customer, deposit, facts, intent, invoice, named, observe
from tests.runtime import Office


def bound(office: Office, document: str) -> int:
    with office.runtime.read() as session:
        found = balances.of_invoices(session, [document], today=office.clock().date())
        found |= balances.of_deposits(session, [document])
    return found[document].on_its_way


def held(amount: int, number: str, **known):
    return facts(
        intent=intent(authorized=amount),
        charges=charge(authorized=amount),
        named=named(invoice=number),
        **known,
    )


def test_a_hold_is_bound_for_its_invoice_and_pays_nothing(office: Office) -> None:
    owed = invoice(office, "INV-1", 2_000)
    observe(office, held(800, "INV-1"))
    assert bound(office, owed) == 800
    assert office.rows("select paid, outstanding from invoice")[0] == (0, 2_000)


def test_a_hold_is_bound_for_a_deposit(office: Office) -> None:
    asked = deposit(office, "DEP-1", 500)
    observe(office, facts(charges=charge(authorized=500), named=named(deposit="DEP-1")))
    assert bound(office, asked) == 500


def test_an_invoice_that_is_written_later_finds_its_hold(office: Office) -> None:
    observe(office, held(800, "INV-1"))
    owed = invoice(office, "INV-1", 2_000)
    find_payments(office.runtime)
    assert bound(office, owed) == 800


def test_what_came_or_was_let_go_is_not_on_its_way(office: Office) -> None:
    owed = invoice(office, "INV-1", 2_000)
    observe(office, held(800, "INV-1"))
    observe(
        office, facts("pi_2", charges=charge("ch_2", authorized=500), named=named(invoice="INV-1"))
    )
    assert bound(office, owed) == 1_300
    observe(office, facts(charges=charge(authorized=800, captured=800, is_final=True)))
    observe(office, facts("pi_2", intent=intent(is_canceled=True)))
    assert bound(office, owed) == 0
    assert office.rows("select paid, outstanding from invoice")[0] == (800, 1_200)


def test_the_rest_of_a_hold_is_on_its_way_until_the_last_capture(office: Office) -> None:
    owed = invoice(office, "INV-1", 2_000)
    observe(office, held(800, "INV-1"))
    observe(office, facts(charges=charge(authorized=800, captured=300)))
    assert bound(office, owed) == 500


def test_what_names_nothing_is_on_its_way_to_the_customer_alone(office: Office) -> None:
    ann = customer(office, rail_id="cus_ann")
    owed = invoice(office, "INV-1", 2_000, customer_id=ann)
    paying = {"customer": (1, "cus_ann")}
    observe(office, facts(charges=charge(authorized=800), payer=paying))
    with office.runtime.read() as session:
        stand = balances.of_customers(session, [ann], today=office.clock().date())[ann]["USD"]
    assert (stand.on_its_way, stand.outstanding, stand.credit) == (800, 2_000, 0)
    assert bound(office, owed) == 0
