"""Disputes: what a payer's bank takes, and sometimes gives back."""

import copy
from collections.abc import Sequence
from typing import TypedDict, Unpack

from reconciler.sandbox import objects
from reconciler.sandbox.core import automatic, requested
from reconciler.sandbox.json_types import Json
from reconciler.sandbox.problems import StripeProblem
from reconciler.sandbox.refunds import Refunds
from reconciler.sandbox.rows import DISPUTE_FEE, Movement, Rate

_CONTESTED = ("needs_response", "under_review", "appeal_needs_response", "appeal_under_review")
_OUTCOMES = {
    "won": _CONTESTED,
    "lost": _CONTESTED,
    "warning_closed": ("warning_needs_response", "warning_under_review"),
}


class DisputeOptions(TypedDict, total=False):
    """What may be said about a dispute; `settle_in` is another rate than the charge's.

    `due_by` is the second until which evidence is taken.
    """

    inquiry: bool
    fee: int
    reason: str
    already_lost: bool
    due_by: int
    settle_in: Rate | Sequence[object]


class Disputes(Refunds):
    """A dispute's money is in its balance transactions and nowhere else."""

    @automatic
    def dispute(
        self, target: str, amount: int | None = None, **options: Unpack[DisputeOptions]
    ) -> str:
        """The payer's bank asks (`inquiry`) or takes; gives the dispute's id.

        `amount` may be more than the charge: a network may bundle several payments in one.
        """
        charge = self.charge_of(target)
        if charge["status"] != "succeeded" or not charge["amount_captured"]:
            raise StripeProblem(f"Charge {charge['id']} took no money that could be disputed.")
        made = self._new_dispute(charge, amount or charge["amount_captured"], options)
        made["evidence_details"]["due_by"] = options.get(
            "due_by", made["evidence_details"]["due_by"]
        )
        if options.get("inquiry"):
            made |= {"is_charge_refundable": True, "status": "warning_needs_response"}
            made["payment_method_details"]["card"]["case_type"] = "inquiry"
            self.emit("charge.dispute.created", made)
            return str(made["id"])
        lost = options.get("already_lost", False)
        made["status"] = "lost" if lost else "needs_response"
        self.emit("charge.dispute.created", made)
        self._withdraw(made, charge)
        if lost:
            self.emit("charge.dispute.closed", made)
        return str(made["id"])

    @automatic
    def escalate(self, dispute_id: str) -> None:
        """An inquiry becomes a chargeback: now the money is taken."""
        dispute = self.get("dispute", dispute_id)
        if not dispute["status"].startswith("warning_"):
            raise StripeProblem(f"Dispute {dispute_id} is {dispute['status']}: no inquiry.")
        before = copy.deepcopy(dispute)
        dispute |= {"is_charge_refundable": False, "status": "needs_response"}
        dispute["payment_method_details"]["card"]["case_type"] = "chargeback"
        self.emit("charge.dispute.updated", dispute, before=before)
        self._withdraw(dispute, self.get("charge", dispute["charge"]))

    @requested
    def respond(self, dispute_id: str, countered_fee: int = 0) -> None:
        """Evidence goes in. Contesting may cost a fee of its own, which a win returns."""
        dispute = self.get("dispute", dispute_id)
        waits = str(dispute["status"])
        if not waits.endswith("needs_response"):
            raise StripeProblem(f"Dispute {dispute_id} is {waits}: nothing to answer.")
        before = copy.deepcopy(dispute)
        dispute["status"] = waits.replace("needs_response", "under_review")
        dispute["evidence"]["uncategorized_text"] = "Signed order and delivery note."
        dispute["evidence_details"] |= {"has_evidence": True, "submission_count": 1}
        dispute["_countered_fee"] = countered_fee
        self._countered_fee(dispute, -countered_fee)
        self.emit("charge.dispute.updated", dispute, before=before)

    @automatic
    def close_dispute(
        self, dispute_id: str, outcome: str, reinstate: int | None = None, fee_back: int = 0
    ) -> None:
        """`won`, `lost` or `warning_closed`. A win gives back `reinstate`, all unless said.

        `fee_back` is what the old rules returned of the fee; the newer ones return nothing.
        """
        dispute = self.get("dispute", dispute_id)
        if dispute["status"] not in _OUTCOMES[outcome]:
            raise StripeProblem(f"Dispute {dispute_id} is {dispute['status']}: never {outcome}.")
        dispute["status"] = outcome
        if outcome != "lost":
            dispute["is_charge_refundable"] = True
        self.emit("charge.dispute.closed", dispute)
        if outcome == "won":
            self._reinstate(dispute, reinstate, fee_back)

    @automatic
    def late_win(self, dispute_id: str, reinstate: int | None = None, fee_back: int = 0) -> None:
        """Lost, and months later won all the same."""
        dispute = self.get("dispute", dispute_id)
        if dispute["status"] != "lost":
            raise StripeProblem(f"Dispute {dispute_id} is {dispute['status']}, not lost.")
        before = copy.deepcopy(dispute)
        dispute |= {"is_charge_refundable": True, "status": "won"}
        self.emit("charge.dispute.updated", dispute, before=before)
        self._reinstate(dispute, reinstate, fee_back)

    @automatic
    def appeal(self, dispute_id: str) -> None:
        """What was lost may be contested again (since 2026-10-28.endive). No money moves."""
        dispute = self.get("dispute", dispute_id)
        if dispute["status"] != "lost":
            raise StripeProblem(f"Dispute {dispute_id} is {dispute['status']}, not lost.")
        self.set_dispute_status(dispute_id, "appeal_needs_response")

    @automatic
    def prevented(self, target: str, amount: int | None = None, case_type: str = "block") -> str:
        """A dispute that was headed off (`block` or `resolution`). No row: none is documented."""
        charge = self.charge_of(target)
        made = self._new_dispute(charge, amount or charge["amount_captured"], {})
        made |= {"is_charge_refundable": True, "status": "prevented"}
        made["payment_method_details"]["card"]["case_type"] = case_type
        self.emit("charge.dispute.created", made)
        return str(made["id"])

    @automatic
    def return_debit(self, target: str) -> None:
        """The payer's bank takes a debit back that had come through, and opens no dispute.

        Only the balance row tells: Stripe documents no event and no status for it.
        """
        charge = self.charge_of(target)
        if charge["status"] != "succeeded" or not charge["amount_captured"]:
            raise StripeProblem(f"Charge {charge['id']} took no money that could go back.")
        rate = Rate.of(charge["_rate"])
        self.book(
            Movement(
                "payment_reversal",
                "charge_failure",
                charge["id"],
                -rate.convert(charge["amount_captured"]),
                rate,
                foreign=rate.currency != charge["currency"],
            )
        )

    @automatic
    def set_dispute_status(self, dispute_id: str, status: str) -> None:
        """Any other status; no money moves."""
        dispute = self.get("dispute", dispute_id)
        before = copy.deepcopy(dispute)
        dispute["status"] = status
        self.emit("charge.dispute.updated", dispute, before=before)

    def _new_dispute(self, charge: Json, amount: int, options: DisputeOptions) -> Json:
        made = objects.dispute(self.stamp("du"), charge, amount)
        made["reason"] = options.get("reason", "fraudulent")
        made["_fee"] = options.get("fee", DISPUTE_FEE)
        made["_rate"] = Rate.of(options.get("settle_in") or charge["_rate"]).as_list()
        made["_countered_fee"] = 0
        charge["disputed"] = True
        charge["_disputes"].append(made["id"])
        return self.add(made)

    def _withdraw(self, dispute: Json, charge: Json) -> None:
        row = self._dispute_row(
            dispute, "dispute", -dispute["amount"], dispute["_fee"], "Dispute fee"
        )
        row["description"] = f"Chargeback withdrawal for {charge['id']}"
        self.emit("charge.dispute.funds_withdrawn", dispute)
        self.fail_pending_refunds(charge)

    def _reinstate(self, dispute: Json, amount: int | None, fee_back: int) -> None:
        back = dispute["amount"] if amount is None else amount
        row = self._dispute_row(dispute, "dispute_reversal", back, -fee_back, "Dispute fee refund")
        row["description"] = f"Chargeback reversal for {dispute['charge']}"
        self._countered_fee(dispute, dispute["_countered_fee"])
        dispute["_countered_fee"] = 0
        self.emit("charge.dispute.funds_reinstated", dispute)

    def _dispute_row(
        self, dispute: Json, category: str, amount: int, fee: int, fee_text: str
    ) -> Json:
        rate = Rate.of(dispute["_rate"])
        row = self.book(
            Movement(
                "adjustment",
                category,
                dispute["id"],
                rate.convert(amount),
                rate,
                fee=fee,
                foreign=rate.currency != dispute["currency"],
                fee_text=fee_text,
            )
        )
        dispute["balance_transactions"].append(row["id"])
        return row

    def _countered_fee(self, dispute: Json, amount: int) -> None:
        if amount == 0:
            return
        rate = Rate(Rate.of(dispute["_rate"]).currency)
        text = f"Dispute countered fee for {dispute['id']}"
        self.book(Movement("stripe_fee", "fee", None, amount, rate, text=text))
