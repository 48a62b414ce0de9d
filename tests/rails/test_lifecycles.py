"""Whole lives as Stripe tells them: any order, any repetition, the same facts."""

from functools import reduce
from itertools import pairwise

import pytest
from hypothesis import given, settings, strategies as st

from reconciler.books import payments
from reconciler.rails.stripe.observe import sighting
from tests.rails.stripe_objects import (
    AT,
    a_charge,
    a_dispute,
    a_refund,
    a_row,
    an_event,
    an_intent,
    stored,
)
from tests.tiers import size

BUILDERS = (
    ("charge.dispute.", a_dispute),
    ("charge.", a_charge),
    ("payment_intent.", an_intent),
    ("refund.", a_refund),
)
INTENT_WORDS = {
    "payment_intent.amount_capturable_updated": "requires_capture",
    "payment_intent.canceled": "canceled",
    "payment_intent.succeeded": "succeeded",
}
# Of each life: captured, refunded, net of the balance rows, the status of the payment.
LIVES = {
    "L01": (10_000, 0, 0, "captured"),
    "L02": (10_000, 0, 0, "captured"),
    "L03": (10_000, 0, 0, "captured"),
    "L04": (0, 0, 0, "canceled"),
    "L05": (0, 0, 0, "canceled"),
    "L06": (0, 0, 0, "canceled"),
    "L07": (900, 0, 0, "partially_captured"),
    "L08": (0, 0, 0, "failed"),
    "L09": (10_000, 0, 0, "captured"),
    "L10": (10_000, 5_000, 0, "partially_refunded"),
    "L11": (10_000, 0, -11_500, "captured"),
    "L12": (10_000, 0, -1_500, "captured"),
    "L13": (10_000, 0, 0, "captured"),
    "L15": (1_200, 0, 0, "captured"),
}


def events_of(life: str):
    (story,) = [row for row in stored("synthetic/lifecycles.json") if row["id"] == life]
    for number, told in enumerate(story["events"]):
        kind, changed = told["type"], dict(told["object"])
        build = next(build for prefix, build in BUILDERS if kind.startswith(prefix))
        if build is an_intent:
            changed = {"status": INTENT_WORDS.get(kind), "amount_received": 0} | changed
            changed = {"latest_charge": None} | changed
        if "balance_transactions" in changed:
            changed["balance_transactions"] = [
                a_row(**row) for row in changed["balance_transactions"]
            ]
        if life in {"L07", "L15"}:
            changed = {"amount": 1_000} | changed
        yield an_event(kind, build(**changed), created=AT + number // 2)
    if life in {"L09", "L10", "L11", "L12", "L13"}:  # told without the payment they belong to
        yield an_event("charge.succeeded", a_charge(), created=AT)


def joined(events):
    seen = [sighting(event).facts for event in events]
    return reduce(payments.join, [facts for facts in seen if facts])


@pytest.mark.parametrize("life", sorted(LIVES))
@settings(max_examples=size(quick=20, full=60))
@given(data=st.data())
def test_any_order_and_repetition_gives_the_same_facts(life, data):
    events = list(events_of(life))
    again = data.draw(st.lists(st.sampled_from(events), max_size=6))
    mixed = data.draw(st.permutations(events + again))
    assert joined(mixed) == joined(events)


@pytest.mark.parametrize("life", sorted(LIVES))
def test_a_life_ends_where_the_books_say(life):
    facts = joined(events_of(life))
    captured, refunded, net, status = LIVES[life]
    counted = sum(refund.amount for refund in payments.counted_refunds(facts))
    assert payments.captured(facts) == captured
    assert counted == refunded
    assert sum(row.net for row in facts.balance.values()) == net
    assert payments.status(facts, refunded=counted, disputed=0) == status


@pytest.mark.parametrize("life", sorted(LIVES))
def test_captured_money_never_shrinks_on_the_way(life):
    events = list(events_of(life))
    seen = [payments.captured(joined(events[:end])) for end in range(1, len(events) + 1)]
    assert all(before <= after for before, after in pairwise(seen))
