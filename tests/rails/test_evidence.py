"""What a payment was for, who paid it, and which events say nothing of money."""

import msgspec
import pytest

from reconciler.books import payments
from reconciler.errors import Invalid
from reconciler.rails.stripe.evidence import metadata_keys
from reconciler.rails.stripe.observe import LATER, UNKNOWN_KIND
from tests.rails.readers import (
    charge_facts,
    intent_facts,
    invoice_facts,
    invoice_payment_facts,
    merge,
    session_facts,
    sighting,
)
from tests.rails.stripe_objects import (
    AT,
    a_charge,
    a_refund,
    a_session,
    an_event,
    an_intent,
    body_of,
    stored,
)

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


@pytest.mark.parametrize(
    ("read", "build"),
    [(charge_facts, a_charge), (intent_facts, an_intent), (session_facts, a_session)],
    ids=["charge", "intent", "session"],
)
def test_a_business_may_have_metadata_keys_of_its_own(read, build):
    keys = metadata_keys({"invoice": ("order_no", "invoice_id")})
    metadata = {"order_no": "INV-1", "invoice": "INV-2", "invoice_id": "INV-3", "deposit": "DEP-1"}
    told = {"invoice:order_no": "INV-1", "invoice_id": "INV-3", "deposit": "DEP-1"}
    seen = read(build(metadata=metadata), AT, keys=keys)
    assert seen.facts.named == {name: (AT, value) for name, value in told.items()}


def test_a_key_of_its_own_stands_for_what_was_chosen_whatever_is_usual():
    assert metadata_keys({"invoice": ("deposit_code",)})["deposit_code"] == "invoice:deposit_code"


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


CREDIT = {
    "all-of-it-is-to-be-paid": ((0, 0, 0, 10_000), (0, 10_000)),
    "credit-pays-a-part": ((-3_000, 0, 0, 7_000), (3_000, 7_000)),
    "credit-is-left-over": ((-12_000, -2_000, 0, 0), (10_000, 0)),
    "debt-is-carried-over": ((500, 0, 0, 10_500), (0, 10_500)),
    "too-little-to-be-charged-is-carried-over": ((0, 30, 0, 0), (0, 0)),
    "a-credit-note-from-before": ((0, 0, 2_000, 8_000), (2_000, 8_000)),
    "both": ((-3_000, 0, 2_000, 5_000), (5_000, 5_000)),
    "never-more-than-all-of-it": ((-9_000, 0, 2_000, 0), (10_000, 0)),
}


@pytest.mark.parametrize("case", CREDIT, ids=str)
def test_what_the_customers_credit_paid_of_an_invoice(case):
    (before, after, noted, due), told = CREDIT[case]
    invoice = {
        "id": "in_1",
        "payment_intent": "pi_1",
        "total": 10_000,
        "starting_balance": before,
        "ending_balance": after,
        "pre_payment_credit_notes_amount": noted,
        "amount_due": due,
        "amount_paid": due,
    }
    assert invoice_facts(invoice).facts.rail_credits == {"in_1": told}


def test_an_invoice_that_is_not_finalized_tells_of_no_credit():
    invoice = {"id": "in_1", "payment_intent": "pi_1", "total": 5, "starting_balance": -3}
    assert invoice_facts(invoice | {"ending_balance": None}).facts.rail_credits == {}


def test_one_of_several_payments_tells_of_an_invoices_credit():
    links = [{"payment": {"payment_intent": name}, "amount_paid": 1} for name in ("pi_1", "pi_2")]
    invoice = {"id": "in_1", "total": 5, "starting_balance": -3, "ending_balance": 0}
    seen = invoice_facts(invoice | {"amount_due": 2, "payments": {"data": links}})
    assert (seen.facts.payment_id, seen.facts.rail_invoices) == ("pi_1", {"in_1": 0})
    assert seen.facts.rail_credits == {"in_1": (3, 2)}


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
        *("balance.available", "cash_balance.funds_available", "transfer.created"),
        "customer_cash_balance_transaction.created",
    ],
)
def test_balances_book_nothing_by_themselves(kind):
    assert sighting(an_event(kind, {"object": "balance"})).kept_for == LATER


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
