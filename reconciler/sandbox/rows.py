"""Sums on the balance: exchange, fees and rows, in whole minor units only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from reconciler.sandbox.json_types import Json

_FEE_PER_MILLE = 29
_FEE_FIXED = 30
DISPUTE_FEE = 1_500
FEE_TEXT = "Stripe processing fees"


@dataclass(frozen=True, slots=True)
class Rate:
    """What a minor unit of the charge's currency is worth where it settles, as a fraction."""

    currency: str
    numerator: int = 1
    denominator: int = 1

    @classmethod
    def of(cls, value: "Rate | Sequence[object]") -> Self:
        """From `("usd", 108, 100)`, as it travels and as it is kept."""
        if isinstance(value, Rate):
            return cls(value.currency, value.numerator, value.denominator)
        currency, numerator, denominator = value
        assert isinstance(numerator, int), "a rate is a fraction of whole numbers"
        assert isinstance(denominator, int), "a rate is a fraction of whole numbers"
        assert numerator > 0, "a rate is positive"
        assert denominator > 0, "a rate is positive"
        return cls(str(currency).lower(), numerator, denominator)

    def as_list(self) -> list[str | int]:
        """The form in which it is kept on a charge."""
        return [self.currency, self.numerator, self.denominator]

    def convert(self, amount: int) -> int:
        """`amount` where it settles, halves rounded away from zero."""
        size = (2 * abs(amount) * self.numerator + self.denominator) // (2 * self.denominator)
        return size if amount >= 0 else -size


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement of the balance, about to become a row."""

    kind: str
    category: str
    source: str | None
    amount: int
    rate: Rate
    fee: int = 0
    foreign: bool = False
    fee_text: str = FEE_TEXT
    text: str | None = None
    wait_days: int = 0

    def fill(self, row: Json) -> None:
        """Write the sums into a new balance transaction; net = amount - fee."""
        row |= {
            "amount": self.amount,
            "available_on": row["created"] + self.wait_days * 86_400,
            "currency": self.rate.currency,
            "description": self.text,
            "fee": self.fee,
            "fee_details": self._fee_details(),
            "net": self.amount - self.fee,
            "source": self.source,
        }
        if self.foreign:
            # The only number here that is no sum: Stripe itself sends it as a float.
            row["exchange_rate"] = self.rate.numerator / self.rate.denominator

    def _fee_details(self) -> list[Json]:
        if self.fee == 0:
            return []
        line = {"amount": self.fee, "application": None, "currency": self.rate.currency}
        return [line | {"description": self.fee_text, "type": "stripe_fee"}]


def processing_fee(settled: int) -> int:
    """2.9 % and 30 minor units of what settles, rounded half up."""
    return (settled * _FEE_PER_MILLE + 500) // 1_000 + _FEE_FIXED
