"""Payouts: how money leaves for the bank, and comes back when the bank refuses it."""

from reconciler.sandbox import objects
from reconciler.sandbox.core import automatic
from reconciler.sandbox.json_types import Json
from reconciler.sandbox.payments import Payments
from reconciler.sandbox.problems import StripeProblem
from reconciler.sandbox.rows import Movement, Rate

_ENDED = ("failed", "canceled")


class Payouts(Payments):
    """Automatic payouts know their members; manual ones do not, and nobody can tell."""

    @automatic
    def payout(
        self, currency: str = "usd", amount: int | None = None, *, automatic: bool = True
    ) -> str:
        """A payout of what is available; gives the id. With a manual one the sum is given.

        An account is on one schedule or the other: both in one currency would leave members
        whose sum is not the payout's.
        """
        currency = currency.lower()
        self._one_schedule(currency, automatic=automatic)
        members = self.payable_rows(currency) if automatic else []
        if automatic:
            amount = sum(row["net"] for row in members)
        if not amount:
            raise StripeProblem(f"There is nothing to pay out in {currency}.")
        stamp = self.stamp("po")
        made = objects.payout(stamp, amount, currency, automatic=automatic)
        row = self._payout_row(made, "payout", "payout", -amount)
        for member in (*members, row):
            member["_payout"] = stamp.id
        made["balance_transaction"] = row["id"]
        self.emit("payout.created", self.add(made))
        return stamp.id

    @automatic
    def send_payout(self, payout_id: str) -> None:
        """On its way; the members of an automatic payout can be listed from now on."""
        made = self._payout_in(payout_id, "pending")
        before = dict(made)
        made |= {"status": "in_transit", "trace_id": {"status": "pending", "value": None}}
        self.emit("payout.updated", made, before=before)
        if made["automatic"]:
            made["reconciliation_status"] = "completed"
            self.emit("payout.reconciliation_completed", made)

    @automatic
    def pay_payout(self, payout_id: str) -> None:
        """Expected at the bank. It may still fail within five business days."""
        if self.get("payout", payout_id)["status"] == "pending":
            self.send_payout(payout_id)
        made = self._payout_in(payout_id, "in_transit")
        trace = {"status": "supported", "value": f"0910{made['created']}"}
        made |= {"status": "paid", "trace_id": trace}
        self.emit("payout.paid", made)

    @automatic
    def fail_payout(self, payout_id: str, code: str = "account_closed") -> None:
        """The bank sent it back, even after `paid`. A later payout carries the returned money."""
        made = self.get("payout", payout_id)
        if made["status"] in _ENDED:
            raise StripeProblem(f"Payout {payout_id} is {made['status']} already.")
        row = self._payout_row(made, "payout_failure", "payout_reversal", made["amount"])
        made |= {
            "failure_balance_transaction": row["id"],
            "failure_code": code,
            "failure_message": "The bank account has been closed.",
            "status": "failed",
        }
        self.emit("payout.failed", made)

    @automatic
    def cancel_payout(self, payout_id: str) -> None:
        """Taken back before it was sent."""
        made = self._payout_in(payout_id, "pending")
        row = self._payout_row(made, "payout_cancel", "payout_reversal", made["amount"])
        made |= {"failure_balance_transaction": row["id"], "status": "canceled"}
        self.emit("payout.canceled", made)

    def payable_rows(self, currency: str) -> list[Json]:
        """Available rows that no payout has carried yet."""
        rows = self.table("balance_transaction").values()
        return [row for row in rows if self._payable(row, currency)]

    def listed_in_payout(self, row: Json, payout_id: str) -> bool:
        """Whether a list by payout shows a row: its own one, and members once they are known."""
        known = self.get("payout", payout_id)["reconciliation_status"] == "completed"
        return row.get("_payout") == payout_id and (known or row["source"] == payout_id)

    def _payable(self, row: Json, currency: str) -> bool:
        mine = row["currency"] == currency and row["balance_type"] == "payments"
        return mine and "_payout" not in row and row["available_on"] <= self.now()

    def _one_schedule(self, currency: str, *, automatic: bool) -> None:
        for made in self.table("payout").values():
            if made["currency"] == currency and made["automatic"] != automatic:
                words = f"Payouts in {currency} are on the other schedule already."
                raise StripeProblem(words)

    def _payout_row(self, made: Json, kind: str, category: str, amount: int) -> Json:
        rate = Rate(made["currency"])
        return self.book(
            Movement(kind, category, made["id"], amount, rate, text=made["description"])
        )

    def _payout_in(self, payout_id: str, status: str) -> Json:
        made = self.get("payout", payout_id)
        if made["status"] != status:
            raise StripeProblem(f"Payout {payout_id} is {made['status']}, not {status}.")
        return made
