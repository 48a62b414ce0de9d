"""The world: every operation that can befall a Stripe account, over one truth."""

import copy
from collections.abc import Mapping

from reconciler.sandbox.captures import Captures
from reconciler.sandbox.core import automatic, requested
from reconciler.sandbox.disputes import Disputes
from reconciler.sandbox.json_types import Json
from reconciler.sandbox.paying import Paying
from reconciler.sandbox.payments import Payment
from reconciler.sandbox.payouts import Payouts
from reconciler.sandbox.problems import StripeProblem
from reconciler.sandbox.rows import Movement, Rate

__all__ = ["Payment", "Rate", "StripeProblem", "World"]

# Intents have no event for an edit; the other kinds say it with `<kind>.updated`.
_EDIT_EVENTS = {
    "charge": ("charge.updated",),
    "customer": ("customer.updated",),
    "dispute": ("charge.dispute.updated",),
    "payout": ("payout.updated",),
    "refund": ("refund.updated", "charge.refund.updated"),
}


class World(Paying, Captures, Disputes, Payouts):
    """One Stripe account in memory. Thread-safe; deterministic for a seed, a salt and a clock."""

    def balance(self) -> Json:
        """The Balance: per currency, available + pending = the sum of all rows' net."""
        with self.lock:
            sums: dict[str, dict[str, int]] = {"available": {"usd": 0}, "pending": {"usd": 0}}
            for row in self.table("balance_transaction").values():
                side = "available" if row["available_on"] <= self.now() else "pending"
                for part in sums.values():
                    part.setdefault(row["currency"], 0)
                sums[side][row["currency"]] += row["net"]
            shown: Json = {name: _sums_by_currency(part) for name, part in sums.items()}
            return {"object": "balance", "livemode": self.livemode} | shown

    def net(self) -> dict[str, int]:
        """The sum of all rows' net per currency, zero sums left out."""
        with self.lock:
            nets: dict[str, int] = {}
            for row in self.table("balance_transaction").values():
                nets[row["currency"]] = nets.get(row["currency"], 0) + row["net"]
            return {currency: net for currency, net in sorted(nets.items()) if net}

    def account_object(self) -> Json:
        """The Account."""
        return {
            "id": self.account,
            "object": "account",
            "business_profile": {"name": "Sandbox", "url": None},
            "charges_enabled": True,
            "country": "US",
            "default_currency": "usd",
            "details_submitted": True,
            "email": "owner@sandbox.example",
            "payouts_enabled": True,
            "settings": {"dashboard": {"display_name": "Sandbox", "timezone": "Etc/UTC"}},
            "type": "standard",
        }

    @requested
    def edit_metadata(self, object_id: str, metadata: Mapping[str, str]) -> None:
        """Somebody edits metadata in the dashboard. An intent's edit reaches no charge."""
        for kind, table in self.truth.tables.items():
            if object_id in table:
                kept = table[object_id]
                before = copy.deepcopy(kept)
                kept["metadata"] = dict(metadata)
                for name in _EDIT_EVENTS.get(kind, ()):
                    self.emit(name, kept, before=before)
                return
        raise StripeProblem(f"There is no {object_id}.", status=404)

    @automatic
    def other_row(
        self,
        amount: int,
        currency: str = "usd",
        *,
        kind: str = "stripe_fee",
        category: str = "fee",
    ) -> str:
        """A movement of another kind, such as a monthly fee, or one that nobody knows."""
        row = self.book(Movement(kind, category, None, amount, Rate(currency.lower())))
        return str(row["id"])

    @automatic
    def release_funds(self) -> None:
        """balance.available, whose object has no id."""
        balance = self.balance()
        self.emit("balance.available", balance)


def _sums_by_currency(sums: Mapping[str, int]) -> list[Json]:
    return [
        {"amount": amount, "currency": currency, "source_types": {"card": amount}}
        for currency, amount in sorted(sums.items())
    ]
