"""What refunds and disputes say, oddity by oddity."""

import pytest

from reconciler.books import disputes, payments
from reconciler.books.observations import BalanceFact, RefundStage
from reconciler.errors import Invalid
from reconciler.rails.stripe.parts import FOR_EVER, balance_fact
from tests.rails.readers import (
    charge_facts,
    dispute_facts,
    merge,
    refund_facts,
    sighting,
)
from tests.rails.stripe_objects import (
    AT,
    a_charge,
    a_dispute,
    a_refund,
    a_row,
    an_event,
    body_of,
    stored,
)


def the_refund(**changed):
    return refund_facts(a_refund(**changed), AT).facts.refunds["re_1"]


def the_dispute(**changed):
    return dispute_facts(a_dispute(**changed), AT).facts.disputes["du_1"]


# Refunds


@pytest.mark.parametrize(
    ("status", "balance_ref", "stage", "is_for_ever"),
    [
        ("pending", None, RefundStage.PROMISED, False),
        ("pending", "txn_2", RefundStage.LEFT, False),
        ("requires_action", None, RefundStage.PROMISED, False),
        ("succeeded", None, RefundStage.LEFT, False),
        ("succeeded", "txn_2", RefundStage.LEFT, False),
        ("failed", "txn_2", RefundStage.FAILED, True),
        ("canceled", None, RefundStage.CANCELED, True),
    ],
)
def test_how_far_a_refund_has_come(status, balance_ref, stage, is_for_ever):
    fact = the_refund(status=status, balance_transaction=balance_ref)
    assert fact.stage == stage
    assert fact.shown[2] == status
    assert fact.shown[0] == (FOR_EVER if is_for_ever else AT)


def test_a_refunds_last_word_wins_over_any_later_snapshot():
    facts = [
        refund_facts(a_refund(status=status), at).facts
        for at, status in [(AT, "failed"), (AT + 900, "succeeded"), (AT + 800, "pending")]
    ]
    joined = payments.join(payments.join(facts[0], facts[1]), facts[2])
    assert joined.refunds["re_1"].shown[2] == "failed"


@pytest.mark.parametrize("status", ["reversed", None])
def test_a_refunds_status_that_nobody_knows_is_left_out_and_kept_for_a_person(status):
    seen = refund_facts(a_refund(status=status), AT)
    assert seen.facts.refunds == {}
    assert "unknown" in seen.kept_for
    assert seen.aliases == ("re_1",)


def test_a_refund_from_before_there_was_a_status_left_if_its_balance_row_says_so():
    assert the_refund(status=None, balance_transaction="txn_2").stage == RefundStage.LEFT


@pytest.mark.parametrize(
    ("changed", "is_real", "is_released"),
    [
        ({"balance_transaction": a_row(reporting_category="refund")}, True, False),
        (
            {"balance_transaction": a_row(reporting_category="partial_capture_reversal")},
            False,
            True,
        ),
        ({"reason": "expired_uncaptured_charge"}, False, True),
        ({"destination_details": {"type": "card", "card": {"type": "reversal"}}}, False, False),
        ({}, False, False),
    ],
    ids=["refund", "remainder", "expiry", "a quick real refund", "cannot tell"],
)
def test_the_category_alone_tells_a_refund_from_a_remainder(changed, is_real, is_released):
    fact = the_refund(**changed)
    assert (fact.is_real, fact.is_released) == (is_real, is_released)


def test_our_reference_comes_back_with_the_refund():
    assert the_refund(metadata={"reconciler_refund_id": "leg_1"}).reference == "leg_1"
    assert the_refund(metadata={"reconciler_refund_id": ""}).reference is None
    assert the_refund(metadata={"refund": "leg_1"}).reference is None


def test_a_card_refund_that_failed_weeks_later():
    event = stored("examples/charge.refund.updated.event_succeeded_to_failed.zulip.json")
    seen = sighting(body_of(event))
    (refund,) = seen.facts.refunds.values()
    assert (refund.stage, refund.failure_reason) == (
        RefundStage.FAILED,
        "expired_or_canceled_card",
    )
    assert refund.balance_ref != refund.failure_ref
    assert seen.facts.currency == "INR"
    assert payments.counted_refunds(seen.facts) == []


# Disputes


@pytest.mark.parametrize(
    ("status", "is_inquiry", "was_formal", "is_over"),
    [
        ("warning_needs_response", True, False, False),
        ("warning_under_review", True, False, False),
        ("warning_closed", True, False, True),
        ("needs_response", False, True, False),
        ("under_review", False, True, False),
        ("won", False, True, True),
        ("lost", False, True, True),
        ("prevented", False, True, True),
        ("appeal_needs_response", False, True, False),
        ("appeal_under_review", False, True, False),
    ],
)
def test_what_a_disputes_word_means(status, is_inquiry, was_formal, is_over):
    fact = the_dispute(status=status)
    assert (fact.is_inquiry, fact.was_formal) == (is_inquiry, was_formal)
    assert disputes.is_over(fact) is is_over
    assert dispute_facts(a_dispute(status=status), AT).kept_for is None


def test_a_disputes_word_that_nobody_knows_leaves_it_open_and_is_kept_for_a_person():
    seen = dispute_facts(a_dispute(status="on_the_moon"), AT)
    assert not disputes.is_over(seen.facts.disputes["du_1"])
    assert "on_the_moon" in seen.kept_for


def test_a_dispute_moves_what_its_balance_rows_say():
    dispute = stored("examples/dispute_with_withdrawal_and_reinstatement.dj-stripe.json")
    seen = sighting(an_event("charge.dispute.funds_reinstated", dispute))
    rows = list(seen.facts.balance.values())
    assert [(row.net, row.category) for row in rows] == [
        (-2_500, "dispute"),
        (2_500, "dispute_reversal"),
    ]
    assert {row.source for row in rows} == {dispute["id"]}
    assert seen.facts.disputes[dispute["id"]].evidence_due == 1_626_566_399


def test_a_dispute_may_exceed_its_charge_and_speak_another_currency():
    seen = dispute_facts(a_dispute(amount=15_000, currency="eur"), AT)
    assert seen.facts.disputes["du_1"].amount == 15_000
    assert seen.facts.currency is None
    assert merge(charge_facts(a_charge(), AT), seen).facts.currency == "USD"


def test_the_oldest_disputes_know_one_balance_row():
    dispute = a_dispute(balance_transaction=a_row(amount=-10_000, reporting_category=None))
    del dispute["balance_transactions"]
    fact = dispute_facts(dispute, AT).facts.balance["txn_1"]
    assert fact == BalanceFact(
        id="txn_1",
        amount=-10_000,
        fee=320,
        currency="USD",
        category="charge",
        source="du_1",
        created=AT,
    )


def test_a_balance_row_without_a_currency_is_invalid():
    with pytest.raises(Invalid):
        balance_fact({"id": "txn_1", "amount": 5})
