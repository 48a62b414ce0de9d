"""Stripe's objects as small as a test needs them, in the new shape unless said otherwise."""

import hashlib
import hmac
import json
from pathlib import Path

DATA = Path(__file__).parents[1] / "data" / "stripe"
AT = 1_790_000_000


def stored(name: str):
    return json.loads((DATA / name).read_text())


def a_charge(**changed):
    return {
        "id": "ch_1",
        "object": "charge",
        "amount": 10_000,
        "amount_captured": 10_000,
        "amount_refunded": 0,
        "balance_transaction": None,
        "captured": True,
        "created": AT,
        "currency": "usd",
        "livemode": False,
        "metadata": {},
        "paid": True,
        "payment_intent": "pi_1",
        "refunded": False,
        "status": "succeeded",
    } | changed


def an_intent(**changed):
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "amount": 10_000,
        "amount_received": 10_000,
        "created": AT,
        "currency": "usd",
        "latest_charge": "ch_1",
        "livemode": False,
        "metadata": {},
        "status": "succeeded",
    } | changed


def a_refund(**changed):
    return {
        "id": "re_1",
        "object": "refund",
        "amount": 3_000,
        "balance_transaction": None,
        "charge": "ch_1",
        "created": AT + 60,
        "currency": "usd",
        "metadata": {},
        "payment_intent": "pi_1",
        "reason": None,
        "status": "succeeded",
    } | changed


def a_dispute(**changed):
    return {
        "id": "du_1",
        "object": "dispute",
        "amount": 10_000,
        "balance_transactions": [],
        "charge": "ch_1",
        "created": AT + 90,
        "currency": "usd",
        "evidence_details": {"due_by": AT + 600_000},
        "livemode": False,
        "payment_intent": "pi_1",
        "reason": "fraudulent",
        "status": "needs_response",
    } | changed


def a_row(**changed):
    return {
        "id": "txn_1",
        "object": "balance_transaction",
        "amount": 10_000,
        "created": AT,
        "currency": "usd",
        "fee": 320,
        "net": 9_680,
        "reporting_category": "charge",
        "source": "ch_1",
        "type": "charge",
    } | changed


def a_session(**changed):
    return {
        "id": "cs_test_1",
        "object": "checkout.session",
        "client_reference_id": None,
        "created": AT,
        "currency": "usd",
        "customer": None,
        "customer_details": None,
        "livemode": False,
        "metadata": {},
        "payment_intent": "pi_1",
        "payment_status": "paid",
    } | changed


def an_event(kind, obj, **changed):
    return {
        "id": "evt_1",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": AT,
        "data": {"object": obj},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    } | changed


def body_of(event) -> bytes:
    return json.dumps(event, indent=2).encode()


def signed(body: bytes, at: int, *secrets: bytes) -> str:
    macs = [hmac.new(key, f"{at}.".encode() + body, hashlib.sha256).hexdigest() for key in secrets]
    return ",".join([f"t={at}", *(f"v1={mac}" for mac in macs)])
