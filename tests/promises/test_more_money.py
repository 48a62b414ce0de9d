"""What is promised of money that is too much, of credit, and of comparing what should be the same.

The number in a test's name is the promise's; README says in words what each of them is.
"""

from datetime import timedelta

import pytest

from reconciler.services.overpayments import REST
from tests.flows.test_reconcile import change, left, run


@pytest.mark.parametrize(
    ("policy", "credit", "deposits", "refunds"),
    [("hold", 600, 0, 0), ("deposit", 0, 600, 0), ("refund", 600, 0, 600)],
)
def test_45_what_is_too_much_follows_the_customers_policy(
    empty_api, policy, credit, deposits, refunds
):
    api = empty_api
    ann = api.a_customer(overpayment_policy=policy)["id"]
    invoice = api.an_invoice(8_900, customer_id=ann)
    api.paid(9_500, metadata={"invoice": invoice["number"]})
    api.office.clock.advance(seconds=REST.total_seconds())
    api.settle()
    assert api.read(f"/invoices/{invoice['id']}")["paid"] == 8_900
    stand = api.read(f"/customers/{ann}")["balances"]["USD"]
    assert (stand["credit"], stand["deposits"]) == (credit, deposits)
    asked = api.read("/refunds")["data"]
    assert sum(one["amount"] for one in asked) == refunds
    if policy == "hold":  # nobody else decides: a person is asked
        [item] = api.read("/review-items", state="open")["data"]
        assert (item["kind"], item["amount"]) == ("overpayment", 600)
    api.sound()


@pytest.mark.parametrize("to", ["credit", "refund"])
def test_46_a_credit_note_lowers_what_is_due_and_the_rest_is_credit_or_goes_back(empty_api, to):
    api = empty_api
    ann = api.a_customer()["id"]
    invoice = api.an_invoice(15_000, customer_id=ann)
    api.paid(10_000, metadata={"invoice": invoice["number"]})
    note = {"amount": 12_000, "reason": "Half the pages", "freed_to": to}
    made = api.make(f"/invoices/{invoice['id']}/credit-notes", note)
    assert (made["outstanding"], made["credited"], made["paid"]) == (0, 12_000, 3_000)
    assert api.read(f"/customers/{ann}")["balances"]["USD"]["credit"] == 7_000
    asked = [one["amount"] for one in api.read("/refunds")["data"]]
    assert asked == ([7_000] if to == "refund" else [])
    api.sound()


def _not_heard_of(office):
    """Rail against inbox: an event that never arrived."""
    return ("missing_here", office.world.pay(1_000).charge)


def _heard(office):
    office.world.pay(1_000)
    office.deliver(*office.world.events())
    office.drain()


def _not_taken_up(office):
    """Inbox against payments: an event that was kept, and nobody has applied it."""
    _heard(office)
    change(office, "update inbox_horizon set seq = (select max(seq) from inbox_event)")
    change(office, "delete from inbox_outcome where seq = (select min(seq) from inbox_outcome)")
    return ("not_applied", office.scalar("select rail_event_id from inbox_event order by seq"))


def _not_booked(office):
    """Payments against the ledger: a figure that the entries do not have."""
    _heard(office)
    change(office, "update payment set refunded = 400")
    return ("not_booked", office.scalar("select id from payment"))


def _not_explained(office):
    """The ledger against the rail's own balance: a movement that nothing accounts for."""
    _heard(office)
    with office.world.at(int((office.clock() - timedelta(days=30)).timestamp())):
        office.world.other_row(-250)
    return ("balance", "USD")


@pytest.mark.parametrize("fault", [_not_heard_of, _not_taken_up, _not_booked, _not_explained])
def test_98_a_fault_in_each_layer_is_found_and_named(empty_api, fault):
    wanted = fault(empty_api.office)
    told = run(empty_api.office)
    assert wanted in {(one.kind, one.rail_object) for one in told.discrepancies}
    assert bool(left(told)) is (fault in (_not_booked, _not_explained))
