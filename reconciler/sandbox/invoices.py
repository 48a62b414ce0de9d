"""Stripe's own invoices, as far as a payment can be tied to one."""

import copy
from collections.abc import Mapping

from reconciler.sandbox import versions
from reconciler.sandbox.core import requested
from reconciler.sandbox.json_types import Json
from reconciler.sandbox.payments import Payments

_NULLS = """account_name account_tax_ids application automatically_finalizes_at custom_fields
    customer customer_account customer_address customer_email customer_name customer_phone
    customer_shipping default_payment_method default_source description due_date ending_balance
    footer from_invoice hosted_invoice_url invoice_pdf last_finalization_error latest_revision
    next_payment_attempt on_behalf_of parent receipt_number rendering shipping_cost
    shipping_details statement_descriptor test_clock total_pretax_credit_amounts total_taxes"""
_ZEROS = """amount_overpaid amount_paid amount_shipping attempt_count
    post_payment_credit_notes_amount pre_payment_credit_notes_amount starting_balance"""
_TAX = "disabled_reason liability provider status"
_SETTINGS = "default_mandate payment_method_options payment_method_types"


class Invoices(Payments):
    """Invoices that Stripe hosts, and which payment went to which of them."""

    @requested
    def create_invoice(
        self,
        amount: int,
        currency: str = "usd",
        *,
        number: str | None = None,
        customer: str | None = None,
        metadata: Mapping[str, str] | None = None,
        credit: int = 0,
    ) -> str:
        """An open invoice; gives the id. `credit` of the customer's balance is used on it."""
        made = self._invoice(amount, currency.lower())
        due = dict.fromkeys(("amount_due", "amount_remaining"), amount - credit)
        made |= due | {"starting_balance": -credit, "ending_balance": 0}
        made |= {"customer": customer, "metadata": dict(metadata or {}), "number": number}
        self.emit("invoice.finalized", self.add(made))
        return str(made["id"])

    def _invoice(self, amount: int, currency: str) -> Json:
        stamp = self.stamp("in")
        moments = ("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at")
        lines = {"data": [], "has_more": False, "object": "list"}
        sums = dict.fromkeys(("amount_due", "amount_remaining", "subtotal", "total"), amount)
        return {
            **stamp.head("invoice"),
            **dict.fromkeys(_NULLS.split()),
            **dict.fromkeys(_ZEROS.split(), 0),
            **sums,
            "account_country": "US",
            "attempted": False,
            "auto_advance": False,
            "automatic_tax": {"enabled": False, **dict.fromkeys(_TAX.split())},
            "billing_reason": "manual",
            "collection_method": "send_invoice",
            "currency": currency,
            "customer_tax_exempt": "none",
            "customer_tax_ids": [],
            "default_tax_rates": [],
            "discounts": [],
            "effective_at": stamp.created,
            "issuer": {"type": "self"},
            "lines": lines | {"url": f"/v1/invoices/{stamp.id}/lines"},
            "payment_settings": dict.fromkeys(_SETTINGS.split()),
            "period_end": stamp.created,
            "period_start": stamp.created,
            "status": "open",
            "status_transitions": dict.fromkeys(moments) | {"finalized_at": stamp.created},
            "subtotal_excluding_tax": amount,
            "total_discount_amounts": [],
            "total_excluding_tax": amount,
            "webhooks_delivered_at": stamp.created,
        }

    def pay_invoices(self, charge: Json, parts: Mapping[str, int]) -> None:
        """Set a payment's money against invoices: an allocation, and no further cash."""
        for invoice_id, amount in parts.items():
            invoice = self.get("invoice", invoice_id)
            before = copy.deepcopy(invoice)
            invoice["amount_paid"] += amount
            invoice["amount_remaining"] = max(0, invoice["amount_due"] - invoice["amount_paid"])
            invoice["amount_overpaid"] = max(0, invoice["amount_paid"] - invoice["amount_due"])
            invoice["_charge"] = charge["id"]
            invoice["_payment_intent"] = charge["payment_intent"]
            link = self._invoice_payment(invoice, charge, amount)
            if versions.since(self.api_version, versions.INVOICE_PAYMENT_PAID_EVENT):
                self.emit("invoice_payment.paid", link)
            if invoice["amount_remaining"]:
                self.emit("invoice.updated", invoice, before=before)
                continue
            invoice["status"] = "paid"
            invoice["status_transitions"]["paid_at"] = self.now()
            self.emit("invoice.paid", invoice)
            self.emit("invoice.payment_succeeded", invoice)

    def _invoice_payment(self, invoice: Json, charge: Json, amount: int) -> Json:
        stamp = self.stamp("inpay")
        payment = {"type": "payment_intent", "payment_intent": charge["payment_intent"]}
        if charge["payment_intent"] is None:
            payment = {"type": "charge", "charge": charge["id"]}
        return self.add(
            stamp.head("invoice_payment")
            | {
                "amount_paid": amount,
                "amount_requested": amount,
                "currency": invoice["currency"],
                "invoice": invoice["id"],
                "is_default": True,
                "payment": payment,
                "status": "paid",
                "status_transitions": {"canceled_at": None, "paid_at": stamp.created},
            }
        )
