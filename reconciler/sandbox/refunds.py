"""Refunds, whose success is never quite final."""

import copy
from collections.abc import Mapping, Sequence
from typing import TypedDict, Unpack, cast

from typing_extensions import override

from reconciler.sandbox import objects, versions
from reconciler.sandbox.core import automatic, requested
from reconciler.sandbox.json_types import Json
from reconciler.sandbox.payments import Payments
from reconciler.sandbox.problems import StripeProblem
from reconciler.sandbox.rows import Movement, Rate

DEAD = ("failed", "canceled")
_STATUSES = ("pending", "requires_action", "succeeded", *DEAD)
_MOVES = {
    "pending": ("succeeded", "failed", "canceled", "requires_action"),
    "requires_action": ("pending", "succeeded", "failed", "canceled"),
    "succeeded": ("failed", "requires_action", "canceled"),
    "failed": (),
    "canceled": (),
}
_TOO_LITTLE = "insufficient_funds"
_EMAIL_LINK_SECONDS = 45 * 86_400


class RefundOptions(TypedDict, total=False):
    """What may be said about a refund. `row` asks for a balance row while it is still pending."""

    status: str
    reason: str | None
    metadata: Mapping[str, str]
    pending_reason: str
    failure_reason: str
    row: bool
    settle_in: Rate | Sequence[object]
    fee: int
    instructions_email: str | None


class Refunds(Payments):
    """Money on its way back."""

    def plan_refund(self, **options: Unpack[RefundOptions]) -> None:
        """How the next refund made through the API goes; it succeeds when nothing is planned."""
        with self.lock:
            self.refund_plans.append(dict(options))

    def next_plan(self) -> RefundOptions:
        """The plan for the next refund; it stays until one was made."""
        return cast("RefundOptions", self.refund_plans[0]) if self.refund_plans else {}

    @requested
    def refund(
        self, target: str, amount: int | None = None, **options: Unpack[RefundOptions]
    ) -> str:
        """Give back `amount`, or all that is left when it is not said; gives the refund's id.

        Raises StripeProblem for what Stripe refuses: more than is left, all of it a second
        time, a disputed charge, a charge that took no money.
        """
        charge = self.charge_of(target)
        left = self.refundable(charge)
        amount = left if amount is None else amount
        self._check_refund(charge, amount, left)
        made = objects.refund(self.stamp(_prefix(charge)), charge, amount)
        made |= {"metadata": dict(options.get("metadata") or {}), "reason": options.get("reason")}
        if options.get("instructions_email"):
            made["instructions_email"] = options["instructions_email"]
        made["_rate"] = Rate.of(options.get("settle_in") or charge["_rate"]).as_list()
        made["_fee"] = options.get("fee", 0)
        self._set_status(made, self._first_status(charge, made, options))
        self.add(made)
        charge["_refunds"].append(made["id"])
        self._take_from_balance(made, charge, early=options.get("row", False))
        self._announce_refund(made, charge)
        return str(made["id"])

    @automatic
    def advance_refund(
        self, refund_id: str, status: str, failure_reason: str | None = None
    ) -> None:
        """The next step in a refund's life; `failed` and `canceled` end it."""
        refund = self.get("refund", refund_id)
        if _released(refund):
            raise StripeProblem(f"{refund_id} is a released remainder, which never moves again.")
        if status not in _MOVES[refund["status"]]:
            raise StripeProblem(f"A refund does not go from {refund['status']} to {status}.")
        self._move_refund(refund, status, failure_reason)

    @requested
    def cancel_refund(self, refund_id: str) -> None:
        """What the API lets one cancel: only a refund that waits for the customer."""
        refund = self.get("refund", refund_id, param="refund")
        if refund["status"] != "requires_action":
            raise StripeProblem(
                f"You can only cancel a refund that requires action; {refund_id} is "
                f"{refund['status']}."
            )
        self._move_refund(refund, "canceled", "merchant_request")

    @automatic
    def reference_refund(self, refund_id: str, reference: str = "74980120324000000000001") -> None:
        """Days later the acquirer's reference number is known; no money moves."""
        refund = self.get("refund", refund_id)
        before = copy.deepcopy(refund)
        kind = refund["destination_details"]["type"]
        known = {"reference": reference, "reference_status": "available"}
        refund["destination_details"][kind] |= known
        self._announce_change(refund, before)

    def refundable(self, charge: Json) -> int:
        """Captured, less refunds that are alive; a released remainder was never captured."""
        if charge["status"] != "succeeded":
            return 0
        made = (self.get("refund", refund_id) for refund_id in charge["_refunds"])
        given = sum(r["amount"] for r in made if r["status"] not in DEAD and not _released(r))
        return int((charge["amount_captured"] or 0) - given)

    def fail_pending_refunds(self, charge: Json) -> None:
        """A dispute overtakes refunds that were still waiting."""
        for refund_id in charge["_refunds"]:
            refund = self.get("refund", refund_id)
            if refund["status"] == "pending":
                self._move_refund(refund, "failed", "charge_for_pending_refund_disputed")

    def open_disputes(self, charge: Json) -> list[Json]:
        """Disputes that forbid a refund of the charge."""
        disputes = [self.get("dispute", dispute_id) for dispute_id in charge["_disputes"]]
        return [dispute for dispute in disputes if not dispute["is_charge_refundable"]]

    @override
    def settle_what_waits(self) -> None:
        """A card refund that the balance did not cover leaves as soon as it does, oldest first."""
        if not self.enforce_balance:
            return
        for refund in self.table("refund").values():
            if refund.get("pending_reason") == _TOO_LITTLE and self._covered(refund):
                self._move_refund(refund, "succeeded", None)

    # How it begins

    def _check_refund(self, charge: Json, amount: int, left: int) -> None:
        charge_id = charge["id"]
        if charge["status"] != "succeeded" or not charge["amount_captured"]:
            words = f"Charge {charge_id} does not have captured money to refund."
            if charge["payment_intent"]:
                words = (
                    f"This PaymentIntent ({charge['payment_intent']}) does not have a successful "
                    f"charge to refund."
                )
            raise StripeProblem(words)
        if self.open_disputes(charge):
            words = f"Charge {charge_id} has been charged back; cannot issue a refund."
            raise StripeProblem(words, code="charge_disputed")
        if left <= 0:
            words = f"Charge {charge_id} has already been refunded."
            raise StripeProblem(words, code="charge_already_refunded")
        if amount > left:
            words = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
            raise StripeProblem(words, param="amount")
        if amount < 1:
            raise StripeProblem("Invalid positive integer", param="amount", executed=False)

    def _first_status(self, charge: Json, made: Json, options: RefundOptions) -> str:
        status = options.get("status", "succeeded")
        assert status in _STATUSES, f"{status} is no status of a refund"
        if status == "pending":
            made["pending_reason"] = options.get("pending_reason", "processing")
        if status in DEAD:
            made["failure_reason"] = options.get("failure_reason", "unknown")
        if status == "succeeded" and self.enforce_balance and not self._covered(made):
            if charge["payment_method_details"]["type"] == "card":
                made["pending_reason"] = _TOO_LITTLE
                return "pending"
            made["failure_reason"] = _TOO_LITTLE
            return "failed"
        return status

    def _covered(self, made: Json) -> bool:
        rate = Rate.of(made["_rate"])
        rows = self.table("balance_transaction").values()
        total = sum(row["net"] for row in rows if row["currency"] == rate.currency)
        return bool(total >= rate.convert(made["amount"]))

    def _announce_refund(self, made: Json, charge: Json) -> None:
        if made["status"] in DEAD:
            self.emit("refund.created", made)
            if made["status"] == "failed":
                self._announce_failure(made)
            return
        before = charge | {"_refunds": charge["_refunds"][:-1]}
        self._count_refunds(charge)
        self.emit("refund.created", made)
        self.emit("charge.refunded", charge, before=before)

    # How it goes on

    def _move_refund(self, refund: Json, status: str, failure_reason: str | None) -> None:
        charge = self.get("charge", refund["charge"])
        before = copy.deepcopy(refund)
        if status in DEAD:
            default = "unknown" if status == "failed" else "merchant_request"
            refund["failure_reason"] = failure_reason or default
            refund["failure_balance_transaction"] = self._give_back_to_balance(refund)
        self._set_status(refund, status)
        self._take_from_balance(refund, charge, early=False)
        self._count_refunds(charge)
        self._announce_change(refund, before)
        if status == "failed":
            self._announce_failure(refund)

    def _set_status(self, refund: Json, status: str) -> None:
        refund["status"] = status
        if status == "pending":
            refund.setdefault("pending_reason", "processing")
        else:
            refund.pop("pending_reason", None)
        refund.pop("next_action", None)
        if status == "requires_action":
            mailed = {"expires_at": self.now() + _EMAIL_LINK_SECONDS}
            sent = {"email_sent_at": self.now(), "email_sent_to": refund.get("instructions_email")}
            details = mailed | {"email_sent": sent}
            refund["next_action"] = {"display_details": details, "type": "display_details"}

    def _take_from_balance(self, refund: Json, charge: Json, *, early: bool) -> None:
        """One row for a refund, once: when it succeeds, or earlier where that was asked for."""
        if refund["balance_transaction"] is not None:
            return
        if refund["status"] != "succeeded" and not (early and refund["status"] not in DEAD):
            return
        rate = Rate.of(refund["_rate"])
        is_card = charge["payment_method_details"]["type"] == "card"
        row = self.book(
            Movement(
                "refund" if is_card else "payment_refund",
                "refund",
                refund["id"],
                -rate.convert(refund["amount"]),
                rate,
                fee=refund["_fee"],
                foreign=rate.currency != refund["currency"],
                text=f"REFUND FOR CHARGE ({charge['description']})",
            )
        )
        refund["balance_transaction"] = row["id"]

    def _give_back_to_balance(self, refund: Json) -> str | None:
        if refund["balance_transaction"] is None:
            return None
        row = self.get("balance_transaction", refund["balance_transaction"])
        kind = "refund_failure" if row["type"] == "refund" else "payment_refund"
        back = self.book(
            Movement(
                kind,
                "refund_failure",
                refund["id"],
                -row["amount"],
                Rate.of(refund["_rate"]),
                foreign=row["exchange_rate"] is not None,
                text=f"REFUND FAILURE ({refund['id']})",
            )
        )
        return str(back["id"])

    def _count_refunds(self, charge: Json) -> None:
        """`amount_refunded` counts what is alive, the released remainder included."""
        made = [self.get("refund", refund_id) for refund_id in charge["_refunds"]]
        alive = sum(refund["amount"] for refund in made if refund["status"] not in DEAD)
        charge["amount_refunded"] = alive
        charge["refunded"] = bool(charge["captured"]) and self.refundable(charge) <= 0

    def _announce_change(self, refund: Json, before: Json) -> None:
        self.emit("refund.updated", refund, before=before)
        self.emit("charge.refund.updated", refund, before=before)

    def _announce_failure(self, refund: Json) -> None:
        if versions.since(self.api_version, versions.REFUND_FAILED_EVENT):
            self.emit("refund.failed", refund)


def _prefix(charge: Json) -> str:
    return "re" if charge["payment_method_details"]["type"] == "card" else "pyr"


def _released(refund: Json) -> bool:
    return bool(refund.get("_remainder", False))
