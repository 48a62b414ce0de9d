"""What differences between the two sides are called, and which objects are compared."""

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.books.observations import BalanceFact, ChargeFact, DisputeFact, PaymentFacts
from reconciler.books.payouts import Movement
from reconciler.books.rail_objects import view_of_movement
from reconciler.books.reconciliation import (
    FIRST,
    LAG,
    OVERLAP,
    Difference,
    Shown,
    Window,
    advanced,
    difference,
    next_window,
)
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


def test_what_only_we_have_is_missing_there():
    assert difference(None, THERE) == Difference.MISSING_THERE


NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
KINDS = frozenset({"charge", "refund"})


def test_the_first_window_reaches_as_far_back_as_webhooks_are_tried():
    assert next_window({}, KINDS, NOON) == Window(NOON - FIRST, NOON - LAG)
    long_ago = NOON - 100 * HOUR
    assert next_window({"charge": long_ago}, KINDS, NOON).since == long_ago
    assert next_window({"charge": NOON - HOUR}, KINDS, NOON).since == NOON - FIRST


def test_the_next_window_begins_before_the_least_advanced_kind():
    marks = {"charge": NOON - HOUR, "refund": NOON - 9 * HOUR, "payout": NOON - 50 * HOUR}
    assert next_window(marks, KINDS, NOON) == Window(NOON - 9 * HOUR - OVERLAP, NOON - LAG)


def test_a_mark_moves_only_where_no_gap_is_left():
    window = Window(NOON - 2 * HOUR, NOON)
    assert advanced(None, window) == NOON
    assert advanced(NOON - HOUR, window) == NOON
    assert advanced(NOON - 2 * HOUR, window) == NOON
    assert advanced(NOON - 3 * HOUR, window) == NOON - 3 * HOUR, "there is a gap between"
    assert advanced(NOON + HOUR, window) == NOON + HOUR, "it lies behind"
