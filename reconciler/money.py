"""Money: whole minor units of one currency, parsed from and printed for people here alone."""

import re
from dataclasses import dataclass

from typing_extensions import override

from reconciler import currencies
from reconciler.errors import Invalid

MINOR_MAX = 10**15  # far above any rail's limit, far below a 64-bit column's

_PLAIN = re.compile(r"^-?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?$|^-?[0-9]+(?:\.[0-9]+)?$")


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in `currency`'s minor unit. Adding two currencies is a bug, and crashes."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        """Refuse booleans and floats, which would pass for integers."""
        assert type(self.minor) is int, f"money is a whole number, not {self.minor!r}"
        assert self.currency.isupper(), f"currency {self.currency!r} is not upper case"

    def __add__(self, other: "Money") -> "Money":
        assert self.currency == other.currency, f"{self.currency} + {other.currency}"
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return self + -other

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    @override
    def __str__(self) -> str:
        return f"{decimal_text(self.minor, self.currency)} {self.currency}"


def decimal_text(minor: int, currency: str) -> str:
    """`1234` USD as `12.34`: exact, with a point, without grouping."""
    places = currencies.decimals(currency)
    sign = "-" if minor < 0 else ""
    digits = str(abs(minor)).rjust(places + 1, "0")
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


def shown(minor: int, currency: str) -> str:
    """For people: `USD 1,234.50`."""
    text = decimal_text(abs(minor), currency)
    whole, dot, rest = text.partition(".")
    return f"{'-' if minor < 0 else ''}{currency} {int(whole):,}{dot}{rest}"


def parse(text: str, currency: str, *, field: str = "amount") -> Money:
    """`1,234.50` in `currency`. Raises Invalid for anything that could be read two ways."""
    cleaned = text.strip()
    if not _PLAIN.match(cleaned) or not cleaned.isascii():
        raise Invalid(f"{text!r} is not an amount; write it like 1234.50", field=field)
    whole, _, fraction = cleaned.replace(",", "").partition(".")
    places = currencies.decimals(currency)
    if len(fraction) > places:
        raise Invalid(f"{currency} has {places} decimals, not {len(fraction)}", field=field)
    minor = int(whole + fraction.ljust(places, "0"))
    if abs(minor) > MINOR_MAX:
        raise Invalid(f"{text!r} is larger than any amount we keep", field=field)
    return Money(minor, currency)
