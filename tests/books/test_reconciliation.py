"""What differences between the two sides are called, and which objects are compared."""

import pytest

from reconciler.books.observations import BalanceFact, ChargeFact, DisputeFact, PaymentFacts
from reconciler.books.payouts import Movement
from reconciler.books.rail_objects import view_of_movement
from reconciler.books.reconciliation import Difference, Shown, difference
from reconciler.books.refunds import at_risk

THERE = Shown(500, "USD", "left")


@pytest.mark.parametrize(
    ("ours", "named"),
    [
        (THERE, None),
        (None, Difference.MISSING_HERE),
        (Shown(400, "EUR", "left"), Difference.CURRENCY),
        (Shown(400, "USD", "failed"), Difference.AMOUNT),
        (Shown(500, "USD", "failed"), Difference.STATE),
    ],
)
def test_the_weightiest_difference_is_named(ours, named):
    assert difference(THERE, ours) == named


def test_a_movement_of_another_balance_says_so():
    row = BalanceFact(id="txn_1", amount=50, fee=1, currency="USD", category="fee")
    own = Movement(rail="stripe", account="own", row=row, kind="fee")
    other = Movement(rail="stripe", account="own", row=row, kind="fee", balance_type="issuing")
    assert (view_of_movement(own).state, view_of_movement(own).amount) == ("fee", 49)
    assert view_of_movement(other).state == "fee/issuing"


def test_an_open_dispute_puts_all_that_it_claims_at_risk():
    facts = PaymentFacts(
        rail="stripe",
        account="own",
        payment_id="pi_1",
        currency="USD",
        charges={"ch_1": ChargeFact(id="ch_1", authorized=900, captured=900)},
        disputes={"du_1": DisputeFact(id="du_1", amount=700, was_formal=True, charge="ch_1")},
    )
    assert at_risk(facts) == 700
