"""Taking authorized money, letting it go, and the two ways in which Stripe shows the rest."""

import copy

from reconciler.sandbox import objects, versions
from reconciler.sandbox.core import automatic, requested
from reconciler.sandbox.json_types import Json
from reconciler.sandbox.payments import Payments
from reconciler.sandbox.problems import StripeProblem
from reconciler.sandbox.rows import Movement, Rate, processing_fee

_NOTHING_REFUNDED: Json = {"_refunds": [], "amount_refunded": 0}


class Captures(Payments):
    """What may happen to an authorization.

    `legacy` says which generation the acting request belongs to; None means the world's own
    version. Old requests show a released remainder as a Refund, new ones do not; both kinds
    occur side by side in one account.
    """

    @requested
    def capture(
        self,
        target: str,
        amount: int | None = None,
        *,
        final: bool = True,
        legacy: bool | None = None,
    ) -> str:
        """Take `amount` (all that is left, unless said) of an authorization; gives the charge's id.

        `final=False` needs multicapture. A final capture of 0 after others releases the rest.
        Multicapture knows no refund of the remainder in either generation.
        """
        charge, intent = self._authorized(target)
        left = intent["amount_capturable"]
        amount = left if amount is None else amount
        self._check_capture(charge, intent, amount, final=final)
        started = charge["amount_captured"] > 0
        if started or not final:
            self._capture_part(charge, intent, amount, final=final)
        else:
            self._capture_once(charge, intent, amount, legacy=self._is_legacy(legacy=legacy))
        return str(charge["id"])

    @requested
    def increment_authorization(self, target: str, amount: int) -> None:
        """Hold more: `amount` is the new total."""
        charge, intent = self._authorized(target)
        more = amount - intent["amount"]
        if more <= 0:
            raise StripeProblem("The new amount must be greater than the authorized one.")
        intent |= {"amount": amount, "amount_capturable": intent["amount_capturable"] + more}
        charge["amount"] = amount
        card = charge["payment_method_details"]["card"]
        card["amount_authorized"] = amount
        card["overcapture"]["maximum_amount_capturable"] = amount
        self.emit("payment_intent.amount_capturable_updated", intent)

    @requested
    def cancel(self, target: str, reason: str | None = None, *, legacy: bool | None = None) -> None:
        """Give up an intent; what it held is released and no money ever moved."""
        intent = self._intent_by(target)
        if intent["status"] in ("succeeded", "canceled", "processing"):
            raise StripeProblem(
                f"You cannot cancel this PaymentIntent because it has a status of "
                f"{intent['status']}.",
                code="payment_intent_unexpected_state",
            )
        held = intent["status"] == "requires_capture"
        charge = self.get("charge", intent["latest_charge"]) if held else None
        if charge is not None and charge["amount_captured"]:
            raise StripeProblem(
                "This PaymentIntent is partially captured: finish it with a final capture of 0.",
                code="payment_intent_unexpected_state",
            )
        self._give_up(intent, reason)
        if charge is not None and self._is_legacy(legacy=legacy):
            self._show_void_as_refund(charge, reason=None)

    @automatic
    def expire(self, target: str, *, legacy: bool | None = None) -> None:
        """The hold ran out. What was captured in parts stays, and the intent has succeeded."""
        charge, intent = self._authorized(target)
        if charge["amount_captured"]:
            self._finish(charge, intent)
            return
        old = self._is_legacy(legacy=legacy)
        self.emit("charge.expired", charge)
        self._give_up(intent, "automatic" if old else "expired")
        if old:
            self._show_void_as_refund(charge, reason="expired_uncaptured_charge")

    # One capture

    def _capture_once(self, charge: Json, intent: Json, amount: int, *, legacy: bool) -> None:
        charge |= {"amount_captured": amount, "captured": True}
        rest = charge["amount"] - amount
        remainder = None
        if legacy and rest > 0:
            remainder = self._release_as_refund(charge, rest)
        elif self.books_at_once():
            self.book_capture(charge, amount)
        # An over-capture rewrites the intent's amount; the card keeps what was authorized.
        intent["amount"] = max(intent["amount"], amount)
        intent |= {"amount_capturable": 0, "amount_received": amount, "status": "succeeded"}
        self.emit("charge.captured", charge)
        if remainder is not None:
            self.emit("charge.refunded", charge, before=charge | _NOTHING_REFUNDED)
            unbooked = remainder | {"balance_transaction": None}
            self.emit("charge.refund.updated", remainder, before=unbooked)
        self.emit("payment_intent.succeeded", intent)
        self.settle(charge["id"])

    def _release_as_refund(self, charge: Json, rest: int) -> Json:
        """Before basil: the whole authorization is booked, and the rest comes back as a refund."""
        rate = Rate.of(charge["_rate"])
        captured = charge["amount_captured"]
        charge["_booked"] = 0
        row = self.book_capture(charge, charge["amount"])
        assert row is not None, "an authorization is of more than nothing"
        charge["_booked"] = captured
        made = objects.refund(self.stamp("re"), charge, rest)
        made["_remainder"] = True
        taken_back = row["amount"] - rate.convert(captured)
        fee = processing_fee(rate.convert(captured)) if charge["_fee"] is None else charge["_fee"]
        back = self.book(
            Movement(
                "refund",
                "partial_capture_reversal",
                made["id"],
                -taken_back,
                rate,
                fee=fee - row["fee"],
                foreign=row["exchange_rate"] is not None,
            )
        )
        made["balance_transaction"] = back["id"]
        charge["_refunds"].append(made["id"])
        charge["amount_refunded"] += rest
        return self.add(made)

    # Several captures

    def _capture_part(self, charge: Json, intent: Json, amount: int, *, final: bool) -> None:
        before = copy.deepcopy(charge)
        charge["amount_captured"] += amount
        charge["captured"] = final
        self.book_capture(charge, charge["amount_captured"])
        intent["amount_received"] += amount
        intent["amount_capturable"] = 0 if final else intent["amount_capturable"] - amount
        if amount:
            self.emit("charge.updated", charge, before=before)
        self.emit("payment_intent.amount_capturable_updated", intent)
        if final:
            self._finish(charge, intent)

    def _finish(self, charge: Json, intent: Json) -> None:
        charge["captured"] = True
        charge["refunded"] = charge["amount_refunded"] >= charge["amount_captured"]
        intent |= {"amount_capturable": 0, "status": "succeeded"}
        self.emit("charge.captured", charge)
        self.emit("payment_intent.succeeded", intent)

    # Releasing

    def _give_up(self, intent: Json, reason: str | None) -> None:
        intent |= {
            "amount_capturable": 0,
            "canceled_at": self.now(),
            "cancellation_reason": reason,
            "status": "canceled",
        }
        self.emit("payment_intent.canceled", intent)

    def _show_void_as_refund(self, charge: Json, *, reason: str | None) -> None:
        before = copy.deepcopy(charge)
        made = objects.refund(self.stamp("re"), charge, charge["amount"])
        made |= {"_remainder": True, "reason": reason}
        self.add(made)
        charge["_refunds"].append(made["id"])
        charge |= {"amount_captured": None, "amount_refunded": charge["amount"], "refunded": True}
        self.emit("charge.refunded", charge, before=before)

    # Checks

    def _is_legacy(self, *, legacy: bool | None) -> bool:
        if legacy is None:
            return not versions.since(self.api_version, versions.BASIL)
        return legacy

    def _intent_by(self, target: str) -> Json:
        if target in self.table("charge"):
            target = self.table("charge")[target]["payment_intent"]
        return self.get("payment_intent", target, param="intent")

    def _authorized(self, target: str) -> tuple[Json, Json]:
        intent = self._intent_by(target)
        if intent["status"] != "requires_capture":
            raise StripeProblem(
                f"This PaymentIntent could not be captured because it has a status of "
                f"{intent['status']}. Only a PaymentIntent with one of the following statuses may "
                f"be captured: requires_capture.",
                code="payment_intent_unexpected_state",
            )
        return self.get("charge", intent["latest_charge"]), intent

    def _check_capture(self, charge: Json, intent: Json, amount: int, *, final: bool) -> None:
        card = charge["payment_method_details"]["card"]
        started = charge["amount_captured"] > 0
        if not final and card["multicapture"]["status"] != "available":
            raise StripeProblem("Multicapture is not available for this payment.")
        if amount < 0 or (amount == 0 and not (final and started)):
            raise StripeProblem("Invalid positive integer", param="amount_to_capture")
        ceiling = intent["amount_capturable"]
        if card["overcapture"]["status"] == "available" and not started and final:
            ceiling = card["overcapture"]["maximum_amount_capturable"]
        if amount > ceiling:
            raise StripeProblem(
                f"The amount to capture ({amount}) is greater than the capturable amount "
                f"({ceiling}).",
                code="amount_too_large",
                param="amount_to_capture",
            )
