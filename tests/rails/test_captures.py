"""What a charge or an intent says of money, oddity by oddity, in both generations of the API."""

import msgspec
import pytest

from reconciler.books import payments
from reconciler.books.observations import RefundStage
from reconciler.rails.stripe.parts import balance_fact
from tests.rails.readers import (
    charge_facts,
    dispute_facts,
    intent_facts,
    merge,
    refund_facts,
    session_facts,
    sighting,
)
from tests.rails.stripe_objects import (
    AT,
    a_charge,
    a_dispute,
    a_refund,
    a_row,
    a_session,
    an_event,
    an_intent,
    body_of,
    stored,
)


def the_charge(**changed):
    seen = charge_facts(a_charge(**changed), AT)
    return seen.facts.charges["ch_1"]


def the_intent(**changed):
    return intent_facts(an_intent(**changed), AT).facts.intent


# Captures


@pytest.mark.parametrize(
    ("changed", "captured", "is_final", "is_whole"),
    [
        ({}, 10_000, True, True),
        ({"captured": False, "amount_captured": 0}, 0, False, False),
        ({"captured": False, "amount_captured": None}, 0, False, False),
        ({"amount_captured": 7_000}, 7_000, True, False),
        ({"captured": False, "amount_captured": 7_000}, 7_000, False, False),
        ({"captured": False, "amount_captured": 10_000}, 10_000, False, True),
        ({"amount_captured": 12_000}, 12_000, True, True),
        ({"status": "pending", "paid": False}, 0, False, False),
        ({"status": "failed", "paid": False}, 0, False, False),
        ({"status": "blocked_by_moon"}, None, None, None),
    ],
    ids=[
        *("automatic", "authorized", "authorized, null", "partly", "a step of several"),
        *("steps without an end", "more than was held", "debit under way", "debit failed"),
        "a word nobody knows",
    ],
)
def test_only_captured_money_counts(changed, captured, is_final, is_whole):
    seen = charge_facts(a_charge(**changed), AT)
    charge = seen.facts.charges.get("ch_1")
    if captured is None:
        assert charge is None
        assert "unknown" in seen.kept_for
    else:
        assert (charge.captured, charge.is_final, charge.is_whole) == (captured, is_final, is_whole)
        assert seen.kept_for is None


def test_a_charge_from_before_amount_captured_says_captured_but_never_that_it_was_whole():
    old = a_charge()
    del old["amount_captured"]
    fact = charge_facts(old, AT).facts.charges["ch_1"]
    assert (fact.captured, fact.is_whole) == (10_000, False)
    held = charge_facts(old | {"captured": False}, AT).facts.charges["ch_1"]
    assert held.captured == 0


@pytest.mark.parametrize("reader", ["card", "card_present"])
def test_what_was_authorized_stands_with_the_card(reader):
    details = {"type": reader, reader: {"amount_authorized": 15_000}}
    fact = the_charge(payment_method_details=details)
    assert (fact.authorized, fact.is_whole) == (15_000, False)


def test_a_debit_under_way_is_processing_and_not_a_hold():
    seen = charge_facts(a_charge(id="py_1", status="pending", paid=False), AT)
    assert seen.facts.charges["py_1"].is_pending
    assert payments.status(seen.facts, refunded=0, disputed=0) == "processing"


def test_the_intent_tells_the_same_money_and_so_do_both_together():
    intent = intent_facts(an_intent(amount_received=7_000), AT)
    charge = charge_facts(a_charge(amount_captured=7_000), AT)
    for seen in (intent, charge, merge(intent, charge)):
        assert payments.captured(seen.facts) == 7_000
        assert payments.is_final(seen.facts)


@pytest.mark.parametrize(
    ("status", "received", "authorized"),
    [
        ("succeeded", 10_000, 10_000),
        ("requires_capture", 10_000, 10_000),
        ("canceled", 10_000, 0),
        ("processing", 0, 0),
        ("requires_action", 0, 0),
        ("requires_payment_method", 0, 0),
    ],
)
def test_an_intents_money_counts_once_it_is_taken(status, received, authorized):
    fact = the_intent(status=status)
    assert (fact.received, fact.authorized) == (received, authorized)
    assert fact.is_final is (status == "succeeded")
    assert fact.is_canceled is (status == "canceled")
    assert fact.is_processing is (status == "processing")


def test_an_intent_that_waits_after_a_decline_has_failed_and_a_new_one_has_not():
    assert not the_intent(status="requires_payment_method").is_failed
    assert the_intent(status="requires_payment_method", last_payment_error={"code": "x"}).is_failed
    event = an_event("payment_intent.payment_failed", an_intent(status="requires_payment_method"))
    assert sighting(event).facts.intent.is_failed


def test_an_intents_status_that_nobody_knows_is_kept_for_a_person():
    seen = intent_facts(an_intent(status="dreaming"), AT)
    assert "dreaming" in seen.kept_for
    assert payments.captured(seen.facts) == 0


def test_only_the_event_tells_that_an_authorization_expired():
    held = a_charge(captured=False, amount_captured=0)
    expired = sighting(an_event("charge.expired", held)).facts
    assert payments.status(expired, refunded=0, disputed=0) == "canceled"
    updated = sighting(an_event("charge.updated", held)).facts
    assert payments.status(updated, refunded=0, disputed=0) == "authorized"


def test_a_void_dressed_as_a_full_refund_moves_no_money():
    void = a_charge(captured=False, amount_captured=None, refunded=True, amount_refunded=10_000)
    charge = sighting(an_event("charge.refunded", void))
    assert charge.facts.charges["ch_1"].is_expired
    refund = refund_facts(a_refund(amount=10_000), AT)
    both = merge(charge, refund).facts
    assert payments.captured(both) == 0
    assert payments.is_released(both.refunds["re_1"], both) is True
    assert payments.counted_refunds(both) == []


@pytest.mark.parametrize("shape", ["legacy_before_2025-03-31.basil", "basil_and_later"])
def test_a_partial_capture_is_the_same_in_both_generations(shape):
    story = stored("synthetic/partial_capture_two_shapes.json")[shape]
    rows = [balance_fact(row) for row in story["balance_transactions"]]
    parts = [refund_facts(refund, AT) for refund in story["refunds"]]
    seen = merge(
        charge_facts(story["charge"], AT), intent_facts(story["payment_intent"], AT), *parts
    )
    facts = msgspec.structs.replace(seen.facts, balance={row.id: row for row in rows})
    expected = story["books_must_show"]
    assert payments.captured(facts) == expected["captured"]
    assert payments.counted_refunds(facts) == []
    assert sum(row.fee for row in rows) == expected["fee"]
    assert sum(row.net for row in rows) == expected["stripe_clearing"]
    assert payments.status(facts, refunded=0, disputed=0) == "partially_captured"


def test_without_the_balance_row_nobody_can_tell_a_remainder_from_a_refund():
    story = stored("synthetic/partial_capture_two_shapes.json")["legacy_before_2025-03-31.basil"]
    facts = merge(charge_facts(story["charge"], AT), refund_facts(story["refunds"][0], AT)).facts
    assert payments.is_released(facts.refunds["re_L"], facts) is None


def test_a_whole_capture_proves_a_refund_real():
    facts = merge(charge_facts(a_charge(), AT), refund_facts(a_refund(), AT)).facts
    assert payments.is_released(facts.refunds["re_1"], facts) is False


# The old shapes, and links


def test_refunds_embedded_in_a_charge_are_refunds():
    event = stored("examples/charge.refunded.event_with_previous_attributes.sync-engine.json")
    seen = sighting(body_of(event))
    refund = seen.facts.refunds["re_3Kl36gJDPojXS6LN0eP4yPDz"]
    assert (refund.amount, refund.stage) == (2_500, RefundStage.LEFT)
    assert seen.facts.livemode
    assert seen.facts.rail_invoices == {"in_1KJdKkJDPojXS6LNSwSWkZSN": 2_500}
    assert seen.facts.payer["method"][1] == "Mastercard •• 7572"
    assert {"ch_3Kl36gJDPojXS6LN0DCM4A8l", refund.id} <= set(seen.aliases)
    assert payments.counted_refunds(seen.facts) == [refund]


def test_embedded_refunds_belong_to_the_charge_they_stand_in():
    data = stored("examples/charge.refunded.data.pay-rails.json")
    seen = sighting(an_event("charge.refunded", data["object"]))  # without `object`, as published
    assert seen.facts.payment_id == "pm_1234"
    assert [refund.amount for refund in seen.facts.refunds.values()] == [500]


def test_charges_embedded_in_an_intent_are_charges():
    intent = an_intent(charges={"object": "list", "data": [a_charge(amount_captured=6_000)]})
    del intent["latest_charge"]
    seen = intent_facts(intent, AT)
    assert seen.facts.charges["ch_1"].captured == 6_000
    assert seen.facts.intent.charges == ("ch_1",)
    assert "ch_1" in seen.aliases


def test_a_charge_with_a_balance_row_set_later_says_only_that():
    data = stored("examples/charge.updated.data_balance_transaction_set.pay-rails.json")
    seen = sighting(an_event("charge.updated", data["object"], livemode=True))
    fact = seen.facts.charges["ch_1234"]
    assert (fact.captured, fact.balance_ref, fact.is_whole) == (24_900, "txn_1234", True)
    assert seen.facts.payer["email"] == (AT, "customer@example.org")


@pytest.mark.parametrize(
    ("plain", "whole"),
    [
        (a_charge(), a_charge(payment_intent=an_intent())),
        (a_charge(customer="cus_1"), a_charge(customer={"id": "cus_1", "object": "customer"})),
        (a_charge(invoice="in_1"), a_charge(invoice={"id": "in_1", "object": "invoice"})),
        (an_intent(customer="cus_1"), an_intent(customer={"id": "cus_1"})),
        (a_refund(), a_refund(charge=a_charge(), payment_intent=an_intent())),
        (a_dispute(), a_dispute(charge=a_charge())),
        (a_session(customer="cus_1"), a_session(customer={"id": "cus_1"})),
    ],
)
def test_a_link_says_the_same_as_the_whole_object(plain, whole):
    kinds = {
        "charge": "charge.updated",
        "payment_intent": "payment_intent.succeeded",
        "refund": "refund.updated",
        "dispute": "charge.dispute.updated",
        "checkout.session": "checkout.session.completed",
    }
    kind = kinds[plain["object"]]
    assert sighting(an_event(kind, whole)) == sighting(an_event(kind, plain))


def test_whole_objects_in_links_are_read_too():
    refund = a_refund(
        status="failed",
        balance_transaction=a_row(id="txn_2", amount=-3_000, fee=0, source="re_1"),
        failure_balance_transaction=a_row(id="txn_3", amount=3_000, fee=0, source="re_1"),
    )
    charge = a_charge(
        balance_transaction=a_row(),
        refunds={"data": [refund]},
        dispute=a_dispute(balance_transactions=[a_row(id="txn_4", amount=-10_000, fee=1_500)]),
    )
    seen = session_facts(a_session(payment_intent=an_intent(latest_charge=charge)), AT)
    assert set(seen.facts.balance) == {"txn_1", "txn_2", "txn_3", "txn_4"}
    assert seen.facts.refunds["re_1"].failure_ref == "txn_3"
    assert set(seen.aliases) == {"ch_1", "re_1", "du_1", "cs_test_1"}


def test_a_charge_that_only_names_its_dispute_leads_from_it_to_the_payment():
    assert charge_facts(a_charge(dispute="dp_5"), AT).aliases == ("ch_1", "dp_5")


@pytest.mark.parametrize(
    ("part", "payment_id", "via"),
    [
        (a_refund(), "pi_1", None),
        (a_refund(payment_intent=None), "ch_1", None),
        ({"id": "re_1", "charge": "ch_1", "amount": 1, "status": "failed"}, "", "ch_1"),
        (a_refund(payment_intent=None, charge=a_charge()), "pi_1", None),
        (a_refund(payment_intent=None, charge=a_charge(payment_intent=None)), "ch_1", None),
    ],
    ids=["intent", "no intent", "an old shape", "whole charge", "whole charge without"],
)
def test_a_refund_finds_its_payment_or_says_through_what(part, payment_id, via):
    seen = refund_facts(part, AT)
    assert (seen.facts.payment_id, seen.via) == (payment_id, via)


def test_parts_of_no_payment_are_kept_and_not_applied():
    orphan = {"payment_intent": None, "charge": None}
    assert "cash balance" in refund_facts(a_refund(**orphan), AT).kept_for
    assert dispute_facts(a_dispute(**orphan), AT).facts is None


def test_a_charge_without_an_intent_is_its_own_payment():
    assert charge_facts(a_charge(payment_intent=None), AT).facts.payment_id == "ch_1"
