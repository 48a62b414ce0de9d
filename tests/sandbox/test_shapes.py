"""Our objects against Stripe's own examples and against the types of Stripe's own SDK."""

import inspect
import json
from pathlib import Path
from typing import Any

import pytest
import stripe

from reconciler.sandbox.world import World

EXAMPLES = Path(__file__).parents[1] / "data" / "stripe"
SDK = {
    "balance": stripe.Balance,
    "balance_transaction": stripe.BalanceTransaction,
    "charge": stripe.Charge,
    "checkout.session": stripe.checkout.Session,
    "customer": stripe.Customer,
    "dispute": stripe.Dispute,
    "event": stripe.Event,
    "invoice": stripe.Invoice,
    "invoice_payment": stripe.InvoicePayment,
    "payment_intent": stripe.PaymentIntent,
    "payout": stripe.Payout,
    "refund": stripe.Refund,
}
# Fields of ours that Stripe's example lacks, each with why it is right all the same.
MORE = {
    "charge.outcome.risk_level": "shown by real charges; the example's outcome is a stub",
    "charge.payment_method_details.card.capture_before": "only while money is held",
    "charge.payment_method_details.us_bank_account": "the example was paid by card",
    "event.data.previous_attributes": "only on updates",
    "payment_intent.automatic_payment_methods.allow_redirects": "optional",
    "refund.failure_balance_transaction": "only once it failed",
    "refund.failure_reason": "only once it failed",
    "refund.pending_reason": "only while it is pending",
    "refund.next_action": "only while the customer must act",
    "refund.destination_details.card.reference": "only once it is known",
    "refund.destination_details.card.reference_status": "optional",
    "refund.destination_details.card.reference_type": "optional",
    "refund.destination_details.us_bank_transfer": "the example went to a card",
    "invoice_payment.payment.payment_intent": "the example's payment is a stub",
}
# Fields of the example that ours lacks.
LESS = {
    "balance.connect_reserved": "only for platforms",
    "charge.payment_method_details.card": "where a bank account paid",
    "charge.refunds": "only when expanded, since 2022-11-15",
    "refund.destination_details.card": "where it went to a bank account",
    "invoice.subscription": "removed in basil; the example still has it",
}
# Objects whose inside is anything: other people's keys, or a list of one of many kinds.
OPAQUE = (
    "balance_transaction.fee_details",
    "charge.fraud_details",
    "charge.metadata",
    "event.data.object",
    "invoice.lines.data",
    "payment_intent.last_payment_error",
    "payment_intent.metadata",
    "refund.metadata",
    "customer.metadata",
    "invoice.metadata",
)


def everything(world: World) -> list[dict[str, Any]]:
    """At least one object of each kind, in as many states as there are."""
    customer = world.create_customer("Ann", "ann@example.com", {"a": "b"})
    paid = world.pay(10_000, customer=customer, metadata={"invoice": "INV-1"})
    refund = world.refund(paid.intent, 1_000)
    world.reference_refund(refund)
    world.advance_refund(refund, "failed")
    world.refund(paid.intent, 500, status="pending")
    world.refund(paid.intent, 500, status="requires_action")
    bank = world.pay(9_000, method="delayed", three_d_secure=True)
    world.settle_delayed(bank.intent)
    world.refund(bank.charge, 100)
    world.decline(700)
    held = world.authorize(5_000, multicapture=True)
    world.capture(held.intent, 100, final=False)
    invoice = world.create_invoice(800)
    world.pay(800, invoices={invoice: 800})
    world.close_dispute(world.dispute(world.pay(40_000).charge), "won")
    world.complete_session(world.open_session(300))
    world.open_session(0)
    world.advance(3 * 86_400)
    world.pay_payout(world.payout())
    tables = world.truth.tables.values()
    return [world.render(kept) for table in tables for kept in table.values()] + [world.balance()]


def differences(path: str, ours: Any, example: Any) -> list[str]:
    if path.startswith(OPAQUE) or example is None or ours is None:
        return []
    if isinstance(example, dict) and isinstance(ours, dict):
        found = [f"more {path}.{name}" for name in ours.keys() - example.keys()]
        found += [f"less {path}.{name}" for name in example.keys() - ours.keys()]
        for name in ours.keys() & example.keys():
            found += differences(f"{path}.{name}", ours[name], example[name])
        return found
    if isinstance(example, dict) and not example and ours == []:
        return []
    if type(ours) is not type(example):
        return [f"type {path}: {type(ours).__name__} for {type(example).__name__}"]
    if isinstance(ours, list) and example:
        return [diff for one in ours for diff in differences(path, one, example[0])]
    return []


def is_optional(annotation: object) -> bool:
    return "Optional" in repr(annotation) or "NoneType" in repr(annotation)


@pytest.mark.parametrize("kind", sorted(SDK))
def test_every_field_is_one_of_stripes_and_of_its_type(world: World, kind: str) -> None:
    example = json.loads((EXAMPLES / f"{kind}.json").read_text())
    allowed = {f"more {name}" for name in MORE} | {f"less {name}" for name in LESS}
    made = [one for one in everything(world) if one["object"] == kind]

    found = {diff for one in made for diff in differences(kind, one, example)}

    assert made
    assert sorted(found - allowed) == []


@pytest.mark.parametrize("kind", sorted(SDK))
def test_only_what_the_sdk_calls_optional_is_null(world: World, kind: str) -> None:
    types: dict[str, Any] = {}
    for base in reversed(SDK[kind].__mro__):
        types |= inspect.get_annotations(base)
    made = [one for one in everything(world) if one["object"] == kind]

    nulls = {name for one in made for name, value in one.items() if value is None}

    assert sorted(name for name in nulls if not is_optional(types[name])) == []


def test_a_charge_says_for_each_version_what_that_version_knew(world: World) -> None:
    paid = world.pay(1_000, invoices={world.create_invoice(1_000): 1_000})
    world.refund(paid.charge, 400)

    def keys(version: str) -> set[str]:
        return set(world.show(paid.charge, version))

    assert "invoice" not in keys("2025-03-31.basil")
    assert "invoice" in keys("2025-02-24.acacia")
    assert "refunds" not in keys("2022-11-15")
    assert "refunds" in keys("2022-08-01")


def test_an_intent_embedded_its_charges_before_late_2022(world: World) -> None:
    first = world.decline(1_000)
    paid = world.pay(1_000, intent=first.intent)

    old = world.show(paid.intent, "2022-08-01")
    new = world.show(paid.intent, "2022-11-15")

    assert [one["id"] for one in old["charges"]["data"]] == [paid.charge, first.charge]
    assert "latest_charge" not in old
    assert new["latest_charge"] == paid.charge
    assert "charges" not in new


def test_an_old_charge_embeds_its_ten_newest_refunds_only(old_world: World) -> None:
    paid = old_world.pay(1_200)
    made = [old_world.refund(paid.charge, 100) for _ in range(12)]

    embedded = old_world.show(paid.charge)["refunds"]

    assert [one["id"] for one in embedded["data"]] == made[:1:-1]
    assert embedded["has_more"]
    assert embedded["total_count"] == 12


def test_notes_of_the_sandbox_are_never_shown(world: World) -> None:
    assert not [
        (one["object"], name) for one in everything(world) for name in one if name.startswith("_")
    ]
