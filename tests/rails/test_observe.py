"""Each oddity of Stripe, one test: what an event says of money, in both generations of its API."""

import msgspec
import pytest

from reconciler.books import payments
from reconciler.books.observations import BalanceFact, RefundStage
from reconciler.errors import Invalid
from reconciler.rails.stripe.objects import (
    charge_facts,
    intent_facts,
    invoice_facts,
    invoice_payment_facts,
    merge,
    session_facts,
)
from reconciler.rails.stripe.observe import LATER, UNKNOWN_KIND, sighting
from reconciler.rails.stripe.parts import FOR_EVER, balance_fact, dispute_facts, refund_facts
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


def the_refund(**changed):
    return refund_facts(a_refund(**changed), AT).facts.refunds["re_1"]


def the_dispute(**changed):
    return dispute_facts(a_dispute(**changed), AT).facts.disputes["du_1"]


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
    ("status", "is_inquiry", "was_formal", "is_closed"),
    [
        ("warning_needs_response", True, False, False),
        ("warning_under_review", True, False, False),
        ("warning_closed", True, False, True),
        ("needs_response", False, True, False),
        ("under_review", False, True, False),
        ("won", False, True, True),
        ("lost", False, True, True),
        ("prevented", False, True, False),
        ("appeal_needs_response", False, True, False),
        ("appeal_under_review", False, True, False),
    ],
)
def test_what_a_disputes_word_means(status, is_inquiry, was_formal, is_closed):
    fact = the_dispute(status=status)
    assert (fact.is_inquiry, fact.was_formal) == (is_inquiry, was_formal)
    assert fact.is_closed is is_closed
    assert dispute_facts(a_dispute(status=status), AT).kept_for is None


def test_a_disputes_word_that_nobody_knows_leaves_it_open_and_is_kept_for_a_person():
    seen = dispute_facts(a_dispute(status="on_the_moon"), AT)
    assert not seen.facts.disputes["du_1"].is_closed
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


# What it was for and who paid


@pytest.mark.parametrize(
    "key", ["invoice", "invoice_number", "invoice_id", "deposit", "deposit_code", "deposit_id"]
)
@pytest.mark.parametrize(
    ("read", "build"),
    [(charge_facts, a_charge), (intent_facts, an_intent), (session_facts, a_session)],
    ids=["charge", "intent", "session"],
)
def test_metadata_names_the_target_wherever_it_stands(read, build, key):
    metadata = {key: "  INV-1 ", "invoice_note": "x", "amount": "5"}
    assert read(build(metadata=metadata), AT).facts.named == {key: (AT, "INV-1")}


def test_empty_metadata_names_nothing():
    assert charge_facts(a_charge(metadata={"invoice": "  "}), AT).facts.named == {}
    assert charge_facts(a_charge(metadata=None), AT).facts.named == {}


def test_a_sessions_reference_of_the_caller_is_a_name_too():
    seen = session_facts(a_session(client_reference_id="INV-7"), AT)
    assert seen.facts.named == {"client_reference_id": (AT, "INV-7")}
    assert seen.facts.sessions == seen.aliases == ("cs_test_1",)


def test_the_earliest_wording_stands_and_then_the_smallest():
    first = charge_facts(a_charge(metadata={"invoice": "INV-2"}), AT)
    edited = charge_facts(a_charge(metadata={"invoice": "INV-1"}), AT + 5)
    other = intent_facts(an_intent(metadata={"invoice": "INV-3"}), AT)
    for seen in (merge(first, edited, other), merge(other, edited, first)):
        assert seen.facts.named == {"invoice": (AT, "INV-2")}


def test_a_session_before_its_intent_or_with_nothing_to_pay_says_nothing():
    event = an_event("checkout.session.completed", a_session(payment_intent=None))
    assert sighting(event) == msgspec.structs.replace(sighting(event), facts=None, kept_for=None)


@pytest.mark.parametrize(
    ("details", "method"),
    [
        ({"type": "card", "card": {"brand": "visa", "last4": "4242"}}, "Visa •• 4242"),
        ({"type": "card", "card": {"brand": "amex", "last4": "0005"}}, "American Express •• 0005"),
        ({"type": "sepa_debit", "sepa_debit": {"last4": "3000"}}, "SEPA debit •• 3000"),
        (
            {"type": "us_bank_account", "us_bank_account": {"last4": "6789"}},
            "US bank account •• 6789",
        ),
        ({"type": "klarna", "klarna": {}}, "Klarna"),
        ({"type": "card", "card": {}}, "Card"),
        ({}, None),
        (None, None),
    ],
)
def test_the_method_is_told_in_peoples_words(details, method):
    payer = charge_facts(a_charge(payment_method_details=details), AT).facts.payer
    assert payer.get("method", (AT, None))[1] == method


def test_a_declined_card_paid_nothing():
    details = {"type": "card", "card": {"brand": "visa", "last4": "0002"}}
    seen = charge_facts(a_charge(status="failed", payment_method_details=details), AT)
    assert "method" not in seen.facts.payer


def test_who_paid_is_read_from_all_three():
    customer = {"id": "cus_1", "email": "ann@example.com", "name": "Ann"}
    charge = a_charge(customer=customer, billing_details={"name": "Ann B", "email": None})
    assert charge_facts(charge, AT).facts.payer == {
        "customer": (AT, "cus_1"),
        "email": (AT, "ann@example.com"),
        "name": (AT, "Ann B"),
    }
    intent = intent_facts(an_intent(receipt_email="bo@example.com"), AT)
    assert intent.facts.payer == {"email": (AT, "bo@example.com")}
    details = {"email": "cy@example.com", "name": "Cy"}
    session = session_facts(a_session(customer="cus_2", customer_details=details), AT)
    assert session.facts.payer == {
        "customer": (AT, "cus_2"),
        "email": (AT, "cy@example.com"),
        "name": (AT, "Cy"),
    }


def test_texts_that_may_mention_an_invoice_are_kept():
    texts = {
        "description": "for INV-1",
        "statement_descriptor": "ACME",
        "calculated_statement_descriptor": "ACME* INV-1",
    }
    assert {
        key: value for key, (_, value) in charge_facts(a_charge(**texts), AT).facts.texts.items()
    } == texts


# Stripe's own invoices: evidence, never money


def test_a_paid_invoice_is_evidence_and_no_money_in_each_of_its_shapes():
    old = {"id": "in_1", "amount_paid": 5_000, "payment_intent": "pi_1", "charge": "ch_1"}
    payment = {"payment": {"type": "payment_intent", "payment_intent": "pi_1"}}
    part = {"id": "inpay_1", "invoice": "in_1", "amount_paid": 5_000, "status": "paid", **payment}
    canceled = part | {"status": "canceled", "amount_paid": None}
    new = {"id": "in_1", "amount_paid": 5_000, "payments": {"data": [part, canceled]}}
    told = [invoice_facts(old), invoice_facts(new), invoice_payment_facts(part)]
    told += [
        sighting(an_event(kind, new | {"object": "invoice"}))
        for kind in ("invoice.paid", "invoice.payment_succeeded")
    ]
    for seen in told:
        assert seen.facts.payment_id == "pi_1"
        assert seen.facts.rail_invoices == {"in_1": 5_000}
        assert payments.captured(seen.facts) == 0


def test_an_invoice_payment_of_the_new_kind():
    seen = sighting(body_of(stored("examples/invoice_payment.paid.event.sync-engine.json")))
    assert seen.facts.rail_invoices == {"in_103Q0w2eZvKYlo2C5PYwf6Wf": 2_000}
    assert seen.facts.payment_id == "pi_103Q0w2eZvKYlo2C364X582Z"


def test_an_invoice_paid_by_several_or_outside_leaves_it_to_them():
    parts = [{"status": "paid", "amount_paid": 1}, {"status": "paid", "amount_paid": 2}]
    assert invoice_facts({"id": "in_1", "payments": {"data": parts}}).facts is None
    assert invoice_facts({"id": "in_1", "amount_paid": 5_000}).facts is None


def test_an_invoice_that_knows_only_the_charge_is_looked_up_through_it():
    seen = invoice_facts({"id": "in_1", "amount_paid": 5_000, "charge": "ch_1"})
    assert (seen.facts.payment_id, seen.via) == ("", "ch_1")


def test_an_old_intents_invoice_is_evidence():
    seen = intent_facts(an_intent(invoice="in_1", amount_received=7_000), AT)
    assert seen.facts.rail_invoices == {"in_1": 7_000}


# Which events


@pytest.mark.parametrize(
    "kind",
    [
        *("payout.created", "payout.paid", "payout.failed", "payout.reconciliation_completed"),
        *("balance.available", "cash_balance.funds_available", "transfer.created"),
        "customer_cash_balance_transaction.created",
    ],
)
def test_payouts_and_balances_are_kept_for_later(kind):
    assert sighting(an_event(kind, {"object": "payout"})).kept_for == LATER


@pytest.mark.parametrize("kind", ["foo.bar", "customer.created", "invoice.created", "chargeback.x"])
def test_a_type_that_nobody_handles_is_kept(kind):
    assert sighting(an_event(kind, {"object": "customer"})).kept_for == UNKNOWN_KIND


def test_a_type_goes_by_the_object_inside():
    seen = sighting(an_event("charge.refund.updated", a_refund()))
    assert set(seen.facts.refunds) == {"re_1"}
    swapped = sighting(an_event("charge.refunded", a_refund()))
    assert set(swapped.facts.refunds) == {"re_1"}
    with pytest.raises(Invalid):
        sighting(an_event("charge.updated", {"object": "payout", "id": "po_1"}))


def test_the_envelope_tells_the_mode_of_parts_that_do_not():
    assert sighting(an_event("refund.created", a_refund(), livemode=True)).facts.livemode
    assert not sighting(an_event("refund.created", a_refund())).facts.livemode


@pytest.mark.parametrize("currency", ["jpy", "KWD", "isk"])
def test_currencies_are_upper_case_inside(currency):
    assert charge_facts(a_charge(currency=currency), AT).facts.currency == currency.upper()


@pytest.mark.parametrize(
    "changed",
    [
        {"currency": "doubloon"},
        {"currency": 5},
        {"amount": 10.5},
        {"amount": "10000"},
        {"amount_captured": True},
        {"amount_captured": -1},
        {"amount": 10**16},
        {"created": "yesterday"},
        {"payment_intent": ["pi_1"]},
        {"refunds": {"data": "re_1"}},
        {"metadata": []},
        {"id": None},
        {"refunds": [a_refund(currency="eur")]},
    ],
    ids=repr,
)
def test_a_charge_that_cannot_be_right_is_invalid(changed):
    with pytest.raises(Invalid):
        charge_facts(a_charge(**changed), AT)
