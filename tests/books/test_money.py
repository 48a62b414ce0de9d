"""Money is whole minor units; what people write is read one way or not at all."""

import pytest
from hypothesis import given, strategies as st

from reconciler import currencies
from reconciler.errors import Invalid
from reconciler.money import MINOR_MAX, Money, decimal_text, parse, shown

CODES = st.sampled_from(sorted(currencies.KNOWN))
MINOR = st.integers(-MINOR_MAX, MINOR_MAX)


@given(MINOR, CODES)
def test_what_is_printed_is_read_back(minor: int, currency: str) -> None:
    assert parse(decimal_text(minor, currency), currency) == Money(minor, currency)


@given(MINOR, CODES)
def test_what_people_are_shown_says_the_same(minor: int, currency: str) -> None:
    text = shown(minor, currency)
    sign, written = ("-", text[1:]) if text.startswith("-") else ("", text)
    assert parse(sign + written.removeprefix(f"{currency} "), currency).minor == minor


READ = {
    ("1,234.50", "USD"): 123_450,
    (" 12 ", "USD"): 1_200,
    ("0.5", "USD"): 50,
    ("-3.07", "USD"): -307,
    ("1,000", "JPY"): 1_000,
    ("5.12", "KWD"): 5_120,
    ("5", "ISK"): 500,
    ("1,234,567.89", "EUR"): 123_456_789,
}


@pytest.mark.parametrize("written", READ, ids=str)
def test_amounts_are_read(written: tuple[str, str]) -> None:
    assert parse(*written).minor == READ[written]


WRONG = (
    "", " ", "abc", "1.234", "1,23", "12,34.50", ",5", ".5", "5.", "--5", "+5", "1e3", "1_000",
    "0x10", "٣", "½", "NaN", "inf", "1 000", "$5", "5 USD", "1.2.3", "9" * 17, "1\n", "1,000,00",
)  # fmt: skip


@pytest.mark.parametrize("written", WRONG, ids=repr)
def test_what_could_be_read_two_ways_is_refused(written: str) -> None:
    if written == "1\n":  # space around it does not matter
        assert parse(written, "USD").minor == 100
        return
    with pytest.raises(Invalid) as refusal:
        parse(written, "USD", field="total")
    assert refusal.value.field == "total"


def test_yen_have_no_cents() -> None:
    with pytest.raises(Invalid, match="0 decimals"):
        parse("5.0", "JPY")


def test_nothing_above_the_limit_is_kept() -> None:
    limit = decimal_text(MINOR_MAX, "USD")
    assert parse(limit, "USD").minor == MINOR_MAX
    with pytest.raises(Invalid, match="larger"):
        parse(decimal_text(MINOR_MAX + 1, "USD"), "USD")


@given(MINOR, MINOR)
def test_money_adds_and_subtracts(one: int, other: int) -> None:
    a, b = Money(one, "USD"), Money(other, "USD")
    assert (a + b).minor == one + other
    assert (a - b).minor == one - other
    assert (a < b) is (one < other)


def test_two_currencies_are_never_added() -> None:
    for step in (lambda a, b: a + b, lambda a, b: a - b):
        with pytest.raises(AssertionError):
            step(Money(1, "USD"), Money(1, "EUR"))


@pytest.mark.parametrize("minor", [1.0, True, "1", None])
def test_only_whole_numbers_are_money(minor: object) -> None:
    with pytest.raises(AssertionError):
        Money(minor, "USD")


def test_a_currency_is_written_large() -> None:
    with pytest.raises(AssertionError):
        Money(1, "usd")
    assert currencies.code(" usd ") == "USD"
    for wrong in ("", "us", "dollars", "XXX", "U$D", None, 5):
        with pytest.raises(Invalid):
            currencies.code(wrong)


def test_the_rails_decimals_are_not_those_of_the_standard() -> None:
    assert [currencies.decimals(c) for c in ("JPY", "USD", "KWD", "ISK", "UGX")] == [0, 2, 3, 2, 2]
    assert [currencies.step(c) for c in ("JPY", "USD", "KWD", "ISK", "UGX")] == [1, 1, 10, 100, 100]
    assert str(Money(-7, "KWD")) == "-0.007 KWD"
