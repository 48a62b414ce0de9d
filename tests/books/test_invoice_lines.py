"""What lines and their taxes come to: laws for all lines, and a table of cases worked by hand."""

from fractions import Fraction

import pytest
from hypothesis import given, strategies as st

from reconciler.books.invoice_lines import (
    LINES_MAX,
    Line,
    Priced,
    checked,
    priced,
    tax_share,
)
from reconciler.errors import Invalid
from reconciler.money import MINOR_MAX

CURRENCIES = st.sampled_from(["USD", "JPY", "KWD", "ISK"])
UNITS = {"ISK": 100}
quantities = st.integers(1, 10**10).map(lambda n: f"{n // 10**6}.{n % 10**6:06}")
rates = st.sampled_from(["0", "5", "7.7", "8.1", "10", "19", "19.00", "21", "33.3333", "100"])
some_lines = st.lists(
    st.builds(
        Line,
        description=st.just("Work"),
        quantity=quantities,
        unit_price=st.integers(1, 10**7),
        tax_rate=rates,
        tax_name=st.sampled_from([None, "VAT", "City"]),
    ),
    min_size=1,
    max_size=12,
)


def of(lines: list[Line], currency: str) -> Priced | None:
    """What they come to, or None where that is nothing."""
    try:
        return priced(lines, currency)
    except Invalid:
        return None


def line(unit_price: int, quantity: str = "1", tax_rate: str = "0", **more) -> Line:
    return Line(
        description="Work", quantity=quantity, unit_price=unit_price, tax_rate=tax_rate, **more
    )


@given(some_lines, CURRENCIES)
def test_lines_and_tax_come_to_the_total_to_the_unit(lines, currency):
    found = of(lines, currency)
    if found is None:
        return
    assert sum(one.net + one.tax for one in found.lines) == found.total
    assert found.subtotal + found.tax == found.total
    assert sum(one.tax for one in found.taxes) == found.tax
    assert sum(one.tax for one in found.lines) == found.tax


@given(some_lines, CURRENCIES, st.randoms(use_true_random=False))
def test_the_order_of_lines_changes_no_sum(lines, currency, chance):
    found = of(lines, currency)
    if found is None:
        return
    shuffled = [*lines]
    chance.shuffle(shuffled)
    again = priced(shuffled, currency)
    assert (again.subtotal, again.tax, again.total) == (found.subtotal, found.tax, found.total)
    assert {(one.name, Fraction(one.rate)): one.tax for one in again.taxes} == {
        (one.name, Fraction(one.rate)): one.tax for one in found.taxes
    }
    key = repr
    assert sorted(map(key, again.lines)) == sorted(map(key, found.lines))


@given(some_lines, CURRENCIES)
def test_no_tax_is_further_from_exact_than_half_a_unit_and_no_line_than_one(lines, currency):
    found = of(lines, currency)
    unit = UNITS.get(currency, 1)
    for one in found.taxes if found else ():
        assert abs(one.tax - one.net * Fraction(one.rate) / 100) <= Fraction(unit, 2)
    for one in found.lines if found else ():
        exact = one.net * Fraction(one.line.tax_rate) / 100
        assert abs(one.tax - exact) <= unit
        assert abs(one.net - Fraction(one.line.quantity) * one.line.unit_price) <= Fraction(unit, 2)
        assert one.net % unit == one.tax % unit == 0


@pytest.mark.parametrize(
    ("currency", "lines", "nets", "taxes", "total"),
    [
        ("USD", [line(10_000, "2.5", "19")], [25_000], [4_750], 29_750),
        # Three lines of 0.33 at 7.7 %: 0.07623 together is 0.08, and two of them carry 0.03.
        ("USD", [line(33, tax_rate="7.7")] * 3, [33] * 3, [3, 3, 2], 107),
        ("USD", [line(1, "0.5", "0")], [1], [0], 1),  # half a cent is a cent
        ("JPY", [line(333, "3", "10"), line(333, tax_rate="8")], [999, 333], [100, 27], 1_459),
        ("KWD", [line(1_005, "3", "5")], [3_015], [151], 3_166),
        ("ISK", [line(12_345, "1", "24")], [12_300], [3_000], 15_300),  # whole kronur
        # A discount takes its share of the tax along.
        ("EUR", [line(10_000, tax_rate="19"), line(-1_000, tax_rate="19")], [10_000, -1_000],
         [1_900, -190], 10_710),
        # The same rate under two names is two taxes.
        ("USD", [line(50, tax_rate="5", tax_name="State"), line(50, tax_rate="5")], [50, 50],
         [3, 3], 106),
    ],
)  # fmt: skip
def test_worked_by_hand(currency, lines, nets, taxes, total):
    found = priced(lines, currency)
    assert [one.net for one in found.lines] == nets
    assert [one.tax for one in found.lines] == taxes
    assert found.total == total


def test_a_rate_of_nothing_is_a_tax_only_where_it_has_a_name():
    found = priced([line(100), line(100, tax_rate="0.0", tax_name="Reverse charge")], "EUR")
    assert [(one.rate, one.name, one.net, one.tax) for one in found.taxes] == [
        ("0", "Reverse charge", 100, 0)
    ]


@given(st.integers(1, 10**12), st.data())
def test_the_tax_share_grows_with_what_is_credited_and_ends_at_all_of_it(total, data):
    tax = data.draw(st.integers(0, total))
    steps = sorted(data.draw(st.lists(st.integers(0, total), max_size=6)))
    shares = [tax_share(tax=tax, total=total, credited=one) for one in (0, *steps, total)]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, tax)
    for credited, share in zip(steps, shares[1:], strict=False):
        assert share <= credited
        assert abs(share * total - tax * credited) * 2 <= total


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"quantity": "0"}, "quantity"),
        ({"quantity": "-1"}, "quantity"),
        ({"quantity": "1e3"}, "quantity"),
        ({"quantity": "1,5"}, "quantity"),
        ({"quantity": ".5"}, "quantity"),
        ({"quantity": "٣"}, "quantity"),
        ({"quantity": "1.0000001"}, "quantity"),
        ({"tax_rate": "100.1"}, "tax_rate"),
        ({"tax_rate": "-19"}, "tax_rate"),
        ({"tax_rate": "19%"}, "tax_rate"),
        ({"unit_price": 1.5}, "unit_price"),
        ({"unit_price": True}, "unit_price"),
        ({"unit_price": MINOR_MAX + 1}, "unit_price"),
        ({"description": " "}, "description"),
        ({"description": "a\nb"}, "description"),
        ({"tax_name": ""}, "tax_name"),
        ({"tax_name": "x" * 41}, "tax_name"),
    ],
)
def test_a_line_that_could_be_read_two_ways_is_refused_by_its_field(changed, field):
    given_ = {"description": "Work", "unit_price": 100} | changed
    with pytest.raises(Invalid) as refusal:
        checked(Line(**given_), place=3)
    assert refusal.value.field == f"lines.3.{field}"


def test_a_line_is_kept_as_it_was_written_but_for_the_space_around_it():
    written = Line(description=" Work ", quantity=" 2.50", unit_price=-5, tax_rate="7.70 ")
    assert checked(written, place=0) == Line(
        description="Work", quantity="2.50", unit_price=-5, tax_rate="7.70"
    )


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [line(1)] * (LINES_MAX + 1),
        [line(0)],
        [line(-100)],
        [line(100), line(-100)],
        [line(1_000), line(100, tax_rate="19"), line(-200, tax_rate="19")],
        [line(MINOR_MAX), line(MINOR_MAX)],
    ],
    ids=["none", "too-many", "nothing", "less", "even", "a-tax-below-nothing", "too-much"],
)
def test_what_comes_to_no_invoice_is_refused(lines):
    with pytest.raises(Invalid) as refusal:
        priced(lines, "USD")
    assert refusal.value.field == "lines"
