"""What an invoice's lines come to, and the tax on them: rounded fairly, and so that it adds up.

    net of a line    quantity times unit price, rounded half up
    tax of a rate    the nets of all lines with that rate and name together, times the rate,
                     rounded half up once
    tax of a line    its share of that, cut off; the units that are left go to the lines from which
                     most was cut off

So the tax of each rate is right to the unit however many lines it stands on, lines and tax always
add up to the total, and the order of lines changes no sum. Quantities and rates are exact decimals
as text, and are kept as they were written.

What a credit note or a refund takes off an invoice takes its share of the tax with it. The share
follows from all that is credited so far (`tax_share`), and only the difference is posted: so the
books come out the same whatever was credited first, and crediting all of it gives back all of it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from reconciler import currencies
from reconciler.books import texts
from reconciler.errors import Invalid
from reconciler.money import MINOR_MAX

LINES_MAX = 200
DESCRIPTION_CHARS_MAX = 500
TAX_NAME_CHARS_MAX = 40
PERCENT_MAX = 100

# Ten digits and six decimals: more than any invoice needs, and far from any limit of the columns.
_QUANTITY = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,6})?", re.ASCII)
_RATE = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,4})?", re.ASCII)
_HALF = Fraction(1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line as it was written.

    `quantity` and `tax_rate` (percent) are decimals as text, `unit_price` is minor units without
    tax; below zero it is a discount. `tax_name` tells taxes of one rate apart.
    """

    description: str
    quantity: str = "1"
    unit_price: int
    tax_rate: str = "0"
    tax_name: str | None = None


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A line with what it comes to: `net` without tax, and its part of the `tax`. Minor units."""

    line: Line
    net: int
    tax: int


@dataclass(frozen=True, slots=True)
class TaxSum:
    """One tax of an invoice: its rate in percent, what it is taken of, and what it comes to."""

    rate: str
    name: str | None
    net: int
    tax: int


@dataclass(frozen=True, slots=True)
class Priced:
    """All of an invoice, in minor units: `subtotal` plus `tax` is `total`."""

    lines: tuple[PricedLine, ...]
    taxes: tuple[TaxSum, ...]
    subtotal: int
    tax: int

    @property
    def total(self) -> int:
        """What the customer owes."""
        return self.subtotal + self.tax


def checked(line: Line, *, place: int) -> Line:
    """The line, its words cleaned. Raises Invalid, naming the field as `lines.0.quantity`."""
    at = f"lines.{place}"
    described = texts.line(
        line.description, field=f"{at}.description", chars_max=DESCRIPTION_CHARS_MAX
    )
    name = line.tax_name
    if name is not None:
        name = texts.line(name, field=f"{at}.tax_name", chars_max=TAX_NAME_CHARS_MAX)
    quantity = _decimal(line.quantity, _QUANTITY, f"{at}.quantity", example="2.5")
    if not Fraction(quantity):
        raise Invalid("the quantity is more than nothing", field=f"{at}.quantity")
    rate = _decimal(line.tax_rate, _RATE, f"{at}.tax_rate", example="19 or 7.7")
    if Fraction(rate) > PERCENT_MAX:
        raise Invalid("a tax rate is at most 100 percent", field=f"{at}.tax_rate")
    if type(line.unit_price) is not int or abs(line.unit_price) > MINOR_MAX:
        raise Invalid("the unit price is a whole number of minor units", field=f"{at}.unit_price")
    return Line(
        description=described,
        quantity=quantity,
        unit_price=line.unit_price,
        tax_rate=rate,
        tax_name=name,
    )


def priced(lines: Sequence[Line], currency: str) -> Priced:
    """What the lines come to in `currency`.

    Raises Invalid, naming the field, for no lines or too many, and for a total or a tax that is
    nothing, less than nothing, or more than any amount kept here.
    """
    if not 0 < len(lines) <= LINES_MAX:
        raise Invalid(f"an invoice has between 1 and {LINES_MAX} lines", field="lines")
    unit = _unit(currency)
    nets = [_rounded(Fraction(one.quantity) * one.unit_price, unit) for one in lines]
    taxes = [0] * len(lines)
    sums: list[TaxSum] = []
    for (rate, name), places in sorted(_by_tax(lines).items(), key=_rate_first):
        net = sum(nets[place] for place in places)
        tax = _rounded(net * rate / 100, unit)
        if net < 0:
            raise Invalid("a discount is not more than what it is taken off", field="lines")
        if rate or name is not None:
            sums.append(TaxSum(_percent(lines[places[0]].tax_rate), name, net, tax))
        shares = _shared(tax, [nets[place] * rate / 100 for place in places], unit)
        for place, share in zip(places, shares, strict=True):
            taxes[place] = share
    found = Priced(
        tuple(PricedLine(*one) for one in zip(lines, nets, taxes, strict=True)),
        tuple(sums),
        sum(nets),
        sum(taxes),
    )
    if not 0 < found.total <= MINOR_MAX:
        raise Invalid("the lines together come to more than nothing", field="lines")
    return found


def tax_share(*, tax: int, total: int, credited: int) -> int:
    """What of an invoice's tax goes with `credited` of its total, rounded half up. Minor units.

    All of the total takes all of the tax, nothing takes nothing, and more never takes less.
    """
    assert 0 <= credited <= total, f"{credited} credited of {total}"
    return _rounded(Fraction(tax * credited, total), 1)


def _by_tax(lines: Iterable[Line]) -> dict[tuple[Fraction, str | None], list[int]]:
    """The places of the lines under each tax: `19` and `19.0` are one rate."""
    found: dict[tuple[Fraction, str | None], list[int]] = {}
    for place, one in enumerate(lines):
        found.setdefault((Fraction(one.tax_rate), one.tax_name), []).append(place)
    return found


def _rate_first(at: tuple[tuple[Fraction, str | None], list[int]]) -> tuple[Fraction, str]:
    (rate, name), _ = at
    return -rate, name or ""


def _shared(amount: int, exact: Sequence[Fraction], unit: int) -> list[int]:
    """`amount` in parts near these: each cut off, and what is left to those cut off most."""
    parts = [int(one // unit) * unit for one in exact]
    left = (amount - sum(parts)) // unit
    # Of equal rests the larger one first, so that the order of lines decides nothing that counts.
    by_rest = sorted(range(len(exact)), key=lambda at: (parts[at] - exact[at], -exact[at], at))
    for place in by_rest[:left]:
        parts[place] += unit
    return parts


def _rounded(amount: Fraction, unit: int) -> int:
    """Half up, to whole units."""
    return int((amount / unit + _HALF) // 1) * unit


def _unit(currency: str) -> int:
    """What amounts are rounded to: whole kronur where a hundredth of one is no money."""
    step = currencies.step(currency)
    return step if step == 10 ** currencies.decimals(currency) else 1


def _percent(rate: str) -> str:
    """`19.00` as `19`, so that a rate is written in one way."""
    return rate.rstrip("0").rstrip(".") if "." in rate else rate


def _decimal(text: str, form: re.Pattern[str], field: str, *, example: str) -> str:
    cleaned = text.strip()
    if not form.fullmatch(cleaned):
        raise Invalid(f"{text!r} is not such a number; write it like {example}", field=field)
    return cleaned
