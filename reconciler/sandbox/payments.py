"""Payments that take money at once, or fail to."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict, Unpack

from reconciler.sandbox import objects, versions
from reconciler.sandbox.core import Core, automatic, requested
from reconciler.sandbox.json_types import Json
from reconciler.sandbox.problems import StripeProblem, missing
from reconciler.sandbox.rows import Movement, Rate, processing_fee

_SETTLE_DAYS = 2
_AUTHORIZATION_SECONDS = 7 * 86_400
_INTENT_TEXTS = ("customer", "description", "receipt_email", "statement_descriptor_suffix")


@dataclass(frozen=True, slots=True)
class Payment:
    """The ids of what a payer did, empty where there is none: an old charge has no intent."""

    intent: str
    charge: str


class PayOptions(TypedDict, total=False):
    """What may be said about a payment. `metadata` is the intent's, copied once to the charge."""

    customer: str | None
    metadata: Mapping[str, str]
    charge_metadata: Mapping[str, str]
    description: str | None
    receipt_email: str | None
    statement_descriptor_suffix: str | None
    billing_name: str | None
    method: Literal["card", "delayed"]
    settle_in: Rate | Sequence[object]
    fee: int
    intent: str
    no_intent: bool
    settle: bool
    early_row: bool
    three_d_secure: bool
    session: str
    invoices: Mapping[str, int]
    multicapture: bool
    overcapture: int
    code: str


class Payments(Core):
    """Customers, intents, charges and the rows that their money makes."""

    @requested
    def create_customer(
        self,
        name: str | None = None,
        email: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """A customer; gives the id."""
        made = objects.customer(self.stamp("cus"), name, email)
        made["metadata"] = dict(metadata or {})
        self.emit("customer.created", self.add(made))
        return str(made["id"])

    @requested
    def decline(self, amount: int, currency: str = "usd", **options: Unpack[PayOptions]) -> Payment:
        """An attempt that the bank refused. The intent waits for another one (`intent=`)."""
        intent = self._intent(amount, currency, options)
        charge = self._charge(intent, amount, currency, options)
        self._fail(charge, intent, options.get("code", "generic_decline"))
        return Payment(intent["id"] if intent else "", charge["id"])

    @requested
    def authorize(
        self, amount: int, currency: str = "usd", **options: Unpack[PayOptions]
    ) -> Payment:
        """A hold on a card. No money: `captured` is false and there is no row."""
        intent = self._intent(amount, currency, options, capture_method="manual")
        assert intent is not None, "an authorization needs an intent here"
        charge = self._charge(intent, amount, currency, options)
        card = charge["payment_method_details"]["card"]
        card["capture_before"] = charge["created"] + _AUTHORIZATION_SECONDS
        intent |= {"amount_capturable": amount, "status": "requires_capture"}
        self.emit("charge.succeeded", charge)
        self.emit("payment_intent.amount_capturable_updated", intent)
        return Payment(intent["id"], charge["id"])

    @automatic
    def settle(self, charge_id: str) -> str | None:
        """Asynchronous capture catches up: the row appears, and charge.updated says so."""
        charge = self.get("charge", charge_id)
        before = copy.deepcopy(charge)
        row = self.book_capture(charge, charge["amount_captured"] or 0)
        if row is None:
            return None
        if charge["balance_transaction"] != before["balance_transaction"]:
            self.emit("charge.updated", charge, before=before)
        return str(row["id"])

    def charge_of(self, target: str, *, param: str = "charge") -> Json:
        """The charge with this id, or the latest one of the intent with this id."""
        if target in self.table("charge"):
            return self.table("charge")[target]
        intent = self.table("payment_intent").get(target)
        if intent is None:
            raise missing(param, target, param=param)
        if intent["latest_charge"] is None:
            words = f"This PaymentIntent ({target}) does not have a successful charge to refund."
            raise StripeProblem(words)
        return self.get("charge", intent["latest_charge"])

    def intent_of(self, charge: Json) -> Json | None:
        """The intent behind a charge, if it has one."""
        if charge["payment_intent"] is None:
            return None
        return self.get("payment_intent", charge["payment_intent"])

    def book_capture(self, charge: Json, up_to: int) -> Json | None:
        """The row for what is captured up to a sum and has none yet."""
        amount = up_to - charge["_booked"]
        if amount == 0:
            return None
        rate = Rate.of(charge["_rate"])
        settled = rate.convert(amount)
        is_card = charge["payment_method_details"]["type"] == "card"
        fee = charge["_fee"]
        row = self.book(
            Movement(
                "charge" if is_card else "payment",
                "charge",
                charge["id"],
                settled,
                rate,
                fee=processing_fee(settled) if fee is None else fee,
                foreign=rate.currency != charge["currency"],
                text=charge["description"],
                wait_days=_SETTLE_DAYS,
            )
        )
        charge["_booked"] = up_to
        if charge["balance_transaction"] is None:
            charge["balance_transaction"] = row["id"]
        return row

    def books_at_once(self) -> bool:
        """Before 2024-04-10 the row was there as soon as the charge was."""
        return not versions.since(self.api_version, versions.CAPTURE_BECAME_ASYNC)

    def _intent(
        self,
        amount: int,
        currency: str,
        options: PayOptions,
        *,
        capture_method: str = "automatic_async",
    ) -> Json | None:
        if options.get("no_intent"):
            return None
        if "intent" in options:
            return self.get("payment_intent", options["intent"])
        made = objects.payment_intent(self.stamp("pi"), amount, currency.lower())
        given: Mapping[str, object] = options
        made |= {name: given.get(name) for name in _INTENT_TEXTS}
        made["metadata"] = dict(options.get("metadata") or {})
        made["capture_method"] = capture_method
        if self.books_at_once() and capture_method != "manual":
            made["capture_method"] = "automatic"
        if options.get("method") == "delayed":
            made["payment_method_types"] = ["us_bank_account"]
        invoices = list(options.get("invoices") or {})
        made["_invoice"] = invoices[0] if len(invoices) == 1 else None
        self.emit("payment_intent.created", self.add(made))
        return made

    def _charge(self, intent: Json | None, amount: int, currency: str, options: PayOptions) -> Json:
        delayed = options.get("method") == "delayed"
        method = self.new_id("pm")
        stamp = self.stamp("py" if delayed else "ch")
        made = objects.charge(stamp, amount, currency.lower(), payment_method=method)
        source: Mapping[str, object] = options if intent is None else intent
        made |= {name: source.get(name) for name in _INTENT_TEXTS}
        copied = (options.get("metadata") if intent is None else intent["metadata"]) or {}
        made["metadata"] = {**copied, **(options.get("charge_metadata") or {})}
        made["billing_details"] |= {
            "email": made["receipt_email"],
            "name": options.get("billing_name"),
        }
        made["payment_method_details"] = _method_details(amount, options, delayed=delayed)
        made["_rate"] = Rate.of(options.get("settle_in") or (currency, 1, 1)).as_list()
        made["_fee"] = options.get("fee")
        made["_invoice"] = intent["_invoice"] if intent else None
        if intent is not None:
            made["payment_intent"] = intent["id"]
            intent["_charges"].append(made["id"])
            intent |= {
                "latest_charge": made["id"],
                "payment_method": method,
                "last_payment_error": None,
            }
        return self.add(made)

    def _fail(self, charge: Json, intent: Json | None, code: str) -> None:
        message = "Your card was declined."
        charge |= {"failure_code": "card_declined", "failure_message": message}
        charge |= {"outcome": objects.declined(code), "paid": False, "status": "failed"}
        self.emit("charge.failed", charge)
        if intent is None:
            return
        intent |= {
            "last_payment_error": {
                "charge": charge["id"],
                "code": "card_declined",
                "decline_code": code,
                "message": message,
                "type": "card_error",
            },
            "payment_method": None,
            "status": "requires_payment_method",
        }
        self.emit("payment_intent.payment_failed", intent)


def _method_details(amount: int, options: PayOptions, *, delayed: bool) -> Json:
    if delayed:
        return objects.bank_details()
    return objects.card_details(
        amount,
        multicapture=options.get("multicapture", False),
        overcapture=options.get("overcapture"),
    )
