"""What is promised of money that is too much, of credit, and of comparing what should be the same.

The number in a test's name is the promise's; README says in words what each of them is.
"""

import re
from datetime import timedelta
from html import unescape

import pytest

from reconciler.reads import papers
from reconciler.services.overpayments import REST
from reconciler.web.paper.papers import page as page_of_paper
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


@pytest.mark.parametrize(
    "fault",
    [
        _not_heard_of,
        _not_taken_up,
        pytest.param(_not_booked, marks=pytest.mark.spoilt),
        _not_explained,
    ],
)
def test_98_a_fault_in_each_layer_is_found_and_named(empty_api, fault):
    wanted = fault(empty_api.office)
    told = run(empty_api.office)
    assert wanted in {(one.kind, one.rail_object) for one in told.discrepancies}
    assert bool(left(told)) is (fault in (_not_booked, _not_explained))


def test_53_each_state_of_an_invoice_follows_from_what_happened_to_it(empty_api):
    api = empty_api
    sent = [api.an_invoice(10_000, due_on="2026-12-01") for _ in range(7)]
    draft = api.an_invoice(10_000, send=False)
    late = api.an_invoice(10_000, issued_on="2026-11-01", due_on="2026-11-20")
    _, partly, paid, over, back, disputed, void = sent
    for one, amount in ((partly, 4_000), (paid, 10_000), (over, 12_000), (back, 10_000)):
        one["payment"] = api.paid(amount, metadata={"invoice": one["number"]})
    api.office.world.refund(back["payment"]["rail_payment_id"], 10_000)
    api.settle()
    gone = api.office.world.pay(10_000, "usd", metadata={"invoice": disputed["number"]})
    api.office.world.dispute(str(gone.charge), 10_000)
    api.settle()
    api.make(f"/invoices/{void['id']}/void")
    states = {
        "sent": sent[0], "partially_paid": partly, "paid": paid, "refunded": back, "void": void,
        "draft": draft, "overdue": late,
    }  # fmt: skip
    for status, one in states.items():
        assert api.read(f"/invoices/{one['id']}")["status"] == status
        found = api.read("/invoices", status=status, limit=50)["data"]
        assert one["id"] in [row["id"] for row in found], status
    # More than was owed leaves it paid, and the excess is the customer's, with a question about it.
    assert api.read(f"/invoices/{over['id']}")["status"] == "paid"
    open_ = api.read("/review-items", state="open", limit=50)["data"]
    [item] = [one for one in open_ if one["kind"] == "overpayment"]
    assert item["amount"] == 2_000
    # While the bank asks it stays paid, and nobody is asked for it meanwhile.
    asked = api.read(f"/invoices/{disputed['id']}")
    assert (asked["status"], asked["on_hold"]) == ("paid", True)
    api.sound()


def test_67_the_receipt_of_a_refund_says_what_came_what_went_back_and_the_rest(empty_api):
    api = empty_api
    made = api.an_invoice(50_000)
    payment = api.paid(50_000, metadata={"invoice": made["number"]})
    api.office.world.refund(payment["rail_payment_id"], 20_000)
    api.settle()
    with api.office.runtime.read() as session:
        paper = papers.receipt(session, payment["id"])
    said = " ".join(unescape(re.sub(r"<[^>]+>", " ", page_of_paper(paper, ()))).split())
    for part in (
        "Received USD 500.00", "Paid back or taken back -USD 200.00", "Left of it USD 300.00",
    ):  # fmt: skip
        assert part in said, said
