"""New objects, with every field that the newest API version shows.

Keys that begin with an underscore are the sandbox's own notes and are never rendered.
"""

from dataclasses import dataclass

from reconciler.sandbox.json_types import Json

_EVIDENCE_SECONDS = 9 * 86_400
_SESSION_SECONDS = 24 * 3_600


def _nulls(names: str) -> Json:
    return dict.fromkeys(names.split())


@dataclass(frozen=True, slots=True)
class Stamp:
    """What every new object carries: its id, its second, its mode."""

    id: str
    created: int
    livemode: bool

    def head(self, kind: str) -> Json:
        """The fields with which every object begins."""
        return self.short_head(kind) | {"livemode": self.livemode}

    def short_head(self, kind: str) -> Json:
        """The same for the few objects (refund, balance transaction) that do not say their mode."""
        return {"id": self.id, "object": kind, "created": self.created}


def address() -> Json:
    """An address that nobody filled in."""
    return _nulls("city country line1 line2 postal_code state")


def customer(stamp: Stamp, name: str | None, email: str | None) -> Json:
    """A Customer."""
    settings = _nulls("custom_fields default_payment_method footer rendering_options")
    return (
        stamp.head("customer")
        | _nulls("address currency default_source description discount phone shipping test_clock")
        | {
            "balance": 0,
            "delinquent": False,
            "email": email,
            "invoice_prefix": stamp.id[-8:].upper(),
            "invoice_settings": settings,
            "metadata": {},
            "name": name,
            "next_invoice_sequence": 1,
            "preferred_locales": [],
            "tax_exempt": "none",
        }
    )


def payment_intent(stamp: Stamp, amount: int, currency: str) -> Json:
    """A PaymentIntent that nobody has confirmed yet."""
    return (
        stamp.head("payment_intent")
        | _nulls(
            """application application_fee_amount canceled_at cancellation_reason customer
            customer_account description excluded_payment_method_types last_payment_error
            latest_charge managed_payments next_action on_behalf_of payment_method
            payment_method_configuration_details processing receipt_email review
            setup_future_usage shipping source statement_descriptor statement_descriptor_suffix
            transfer_data transfer_group"""
        )
        | {
            "_charges": [],
            "amount": amount,
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
            "capture_method": "automatic_async",
            "client_secret": f"{stamp.id}_secret_{stamp.id[-12:]}",
            "confirmation_method": "automatic",
            "currency": currency,
            "metadata": {},
            "payment_method_options": {},
            "payment_method_types": ["card"],
            "status": "requires_payment_method",
        }
    )


def charge(stamp: Stamp, amount: int, currency: str, *, payment_method: str) -> Json:
    """A Charge of which only the sum is known; the operations say how it went."""
    billing = {"address": address()} | _nulls("email name phone tax_id")
    return (
        stamp.head("charge")
        | _nulls(
            """application application_fee application_fee_amount balance_transaction customer
            description failure_balance_transaction failure_code failure_message on_behalf_of
            payment_intent receipt_email receipt_number review shipping source source_transfer
            statement_descriptor statement_descriptor_suffix transfer_data transfer_group"""
        )
        | {
            "_booked": 0,
            "_disputes": [],
            "_fee": None,
            "_rate": [currency, 1, 1],
            "_refunds": [],
            "amount": amount,
            "amount_captured": 0,
            "amount_refunded": 0,
            "billing_details": billing,
            "calculated_statement_descriptor": "SANDBOX",
            "captured": False,
            "currency": currency,
            "disputed": False,
            "fraud_details": {},
            "metadata": {},
            "outcome": approved(),
            "paid": True,
            "payment_method": payment_method,
            "payment_method_details": {},
            "receipt_url": f"https://pay.stripe.com/receipts/payment/{stamp.id}",
            "refunded": False,
            "status": "succeeded",
        }
    )


def approved() -> Json:
    """`outcome` of an attempt that went through."""
    return _nulls("advice_code network_advice_code network_decline_code reason") | {
        "network_status": "approved_by_network",
        "risk_level": "normal",
        "seller_message": "Payment complete.",
        "type": "authorized",
    }


def declined(code: str) -> Json:
    """`outcome` of an attempt that the bank refused."""
    return approved() | {
        "network_status": "declined_by_network",
        "reason": code,
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }


def card_details(amount: int, *, multicapture: bool, overcapture: int | None) -> Json:
    """`payment_method_details` of a card."""
    checks = {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"}
    ceiling = {
        "maximum_amount_capturable": overcapture or amount,
        "status": "available" if overcapture else "unavailable",
    }
    nulls = _nulls(
        """authorization_code installments mandate network_transaction_id three_d_secure
        transaction_link_id wallet"""
    )
    card = nulls | {
        "amount_authorized": amount,
        "brand": "visa",
        "checks": checks,
        "country": "US",
        "exp_month": 8,
        "exp_year": 2030,
        "extended_authorization": {"status": "disabled"},
        "fingerprint": "Sb7x0kQ2fWc1pLmN",
        "funding": "credit",
        "incremental_authorization": {"status": "available"},
        "last4": "4242",
        "multicapture": {"status": "available" if multicapture else "unavailable"},
        "network": "visa",
        "network_token": {"used": False},
        "overcapture": ceiling,
        "regulated_status": "unregulated",
    }
    return {"card": card, "type": "card"}


def bank_details() -> Json:
    """`payment_method_details` of a debit from a bank account."""
    account = _nulls("expected_debit_date mandate payment_reference") | {
        "account_holder_type": "company",
        "account_type": "checking",
        "bank_name": "SANDBOX BANK",
        "fingerprint": "ltFxS1nUHqPyZb3d",
        "last4": "6789",
        "routing_number": "110000000",
    }
    return {"type": "us_bank_account", "us_bank_account": account}


def refund(stamp: Stamp, paid: Json, amount: int) -> Json:
    """A Refund of part of the charge `paid`."""
    return (
        stamp.short_head("refund")
        | _nulls(
            """balance_transaction customer_account reason receipt_number
            source_transfer_reversal transfer_reversal"""
        )
        | {
            "amount": amount,
            "charge": paid["id"],
            "currency": paid["currency"],
            "customer": paid["customer"],
            "destination_details": _destination(paid),
            "metadata": {},
            "payment_intent": paid["payment_intent"],
            "payment_method": paid["payment_method"],
            "status": "succeeded",
        }
    )


def _destination(paid: Json) -> Json:
    if paid["payment_method_details"]["type"] != "card":
        return {
            "type": "us_bank_transfer",
            "us_bank_transfer": _nulls("reference reference_status"),
        }
    card = {
        "reference_status": "pending",
        "reference_type": "acquirer_reference_number",
        "type": "refund",
    }
    return {"card": card, "type": "card"}


def dispute(stamp: Stamp, paid: Json, amount: int) -> Json:
    """A Dispute over a charge; its amount may be more than the charge's."""
    evidence = _nulls(
        """access_activity_log billing_address cancellation_policy cancellation_policy_disclosure
        cancellation_rebuttal customer_communication customer_email_address customer_name
        customer_purchase_ip customer_signature duplicate_charge_documentation
        duplicate_charge_explanation duplicate_charge_id product_description receipt refund_policy
        refund_policy_disclosure refund_refusal_explanation service_date service_documentation
        shipping_address shipping_carrier shipping_date shipping_documentation
        shipping_tracking_number uncategorized_file uncategorized_text"""
    )
    card = {"brand": "visa", "case_type": "chargeback", "network": "visa"}
    return stamp.head("dispute") | {
        "amount": amount,
        "balance_transactions": [],
        "charge": paid["id"],
        "currency": paid["currency"],
        "enhanced_eligibility_types": [],
        "evidence": evidence | {"enhanced_evidence": {}},
        "evidence_details": {
            "due_by": stamp.created + _EVIDENCE_SECONDS,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "metadata": {},
        "payment_intent": paid["payment_intent"],
        "payment_method_details": {"card": card | {"network_reason_code": "10.4"}, "type": "card"},
        "reason": "fraudulent",
        "status": "needs_response",
    }


def balance_transaction(stamp: Stamp, kind: str, category: str) -> Json:
    """One row of the balance, still without its sums."""
    return stamp.short_head("balance_transaction") | {
        "amount": 0,
        "available_on": stamp.created,
        "balance_type": "payments",
        "currency": "usd",
        "description": None,
        "exchange_rate": None,
        "fee": 0,
        "fee_details": [],
        "net": 0,
        "reporting_category": category,
        "source": None,
        "status": "pending",
        "type": kind,
    }


def payout(stamp: Stamp, amount: int, currency: str, *, automatic: bool) -> Json:
    """A Payout to the bank or, with a negative amount, a debit from it."""
    return (
        stamp.head("payout")
        | _nulls(
            """application_fee application_fee_amount balance_transaction
            failure_balance_transaction failure_code failure_message original_payout
            payout_method reversed_by statement_descriptor"""
        )
        | {
            "amount": amount,
            "arrival_date": (stamp.created // 86_400 + 2) * 86_400,
            "automatic": automatic,
            "currency": currency,
            "description": "STRIPE PAYOUT",
            "destination": "ba_3SandboxBankAccount000001",
            "metadata": {},
            "method": "standard",
            "reconciliation_status": "in_progress" if automatic else "not_applicable",
            "source_type": "card",
            "status": "pending",
            "trace_id": {"status": "pending", "value": None},
            "type": "bank_account",
        }
    )


def checkout_session(stamp: Stamp, amount: int, currency: str, *, url: str) -> Json:
    """An open Checkout Session for one sum."""
    tax = {"enabled": False} | _nulls("liability provider status")
    texts = _nulls("after_submit shipping_address submit terms_of_service_acceptance")
    return (
        stamp.head("checkout.session")
        | _nulls(
            """after_expiration allow_promotion_codes billing_address_collection cancel_url
            client_reference_id client_secret collected_information consent consent_collection
            currency_conversion customer customer_account customer_details customer_email
            integration_identifier invoice invoice_creation locale managed_payments origin_context
            payment_intent payment_link payment_method_configuration_details permissions
            recovered_from saved_payment_method_options setup_intent
            shipping_address_collection shipping_cost submit_type subscription success_url
            wallet_options"""
        )
        | {
            "adaptive_pricing": {"enabled": False},
            "amount_subtotal": amount,
            "amount_total": amount,
            "automatic_tax": tax,
            "currency": currency,
            "custom_fields": [],
            "custom_text": texts,
            "customer_creation": "if_required",
            "discounts": [],
            "expires_at": stamp.created + _SESSION_SECONDS,
            "metadata": {},
            "mode": "payment",
            "payment_method_collection": "if_required",
            "payment_method_options": {},
            "payment_method_types": ["card"],
            "payment_status": "unpaid",
            "phone_number_collection": {"enabled": False},
            "shipping_options": [],
            "status": "open",
            "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
            "ui_mode": "hosted_page",
            "url": url,
        }
    )


def customer_details(email: str | None) -> Json:
    """What a payer said on the Checkout page."""
    return _nulls("business_name individual_name name phone") | {
        "address": address(),
        "email": email,
        "tax_exempt": "none",
        "tax_ids": [],
    }


def event(stamp: Stamp, kind: str, api_version: str) -> Json:
    """An Event without its data."""
    return stamp.head("event") | {
        "api_version": api_version,
        "data": {},
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }
