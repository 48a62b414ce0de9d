"""What is kept as somebody's account, and how little of its number is shown."""

import pytest
from hypothesis import assume, given, strategies as st

from reconciler.books import ibans, payees
from reconciler.errors import Invalid

GERMAN = "DE89370400440532013000"
BRITISH = "GB29NWBK60161331926819"
MALTESE = "MT84MALT011000012345MTLCAST001S"
DIGITS = st.integers(2, len(GERMAN) - 1)


@pytest.mark.parametrize("number", [GERMAN, BRITISH, MALTESE, "NO9386011117947"])
def test_an_iban_is_taken_however_it_is_spaced(number: str) -> None:
    typed = f" {' '.join(number[at : at + 4] for at in range(0, len(number), 4)).lower()}\u00a0"
    kept = payees.read(holder=" Oak Ltd ", number=typed)
    assert (kept.holder, kept.number, kept.bank) == ("Oak Ltd", number, None)
    assert payees.in_groups(number).replace(" ", "") == number


@given(at=DIGITS, digit=st.integers(0, 9))
def test_one_wrong_digit_is_always_found(at: int, digit: int) -> None:
    wrong = GERMAN[:at] + str(digit) + GERMAN[at + 1 :]
    assume(wrong != GERMAN)
    assert not payees.is_iban(wrong)
    with pytest.raises(Invalid) as refused:
        payees.read(holder="Oak", number=wrong)
    assert refused.value.field == "number"
    assert wrong not in str(refused.value), "what was typed is in no log"


@given(at=st.integers(4, len(GERMAN) - 2))
def test_two_digits_that_changed_places_are_always_found(at: int) -> None:
    wrong = GERMAN[:at] + GERMAN[at + 1] + GERMAN[at] + GERMAN[at + 2 :]
    assert payees.is_iban(wrong) == (wrong == GERMAN)


def checked(country: str, rest: str) -> str:
    """What those letters and digits are with check digits that fit."""
    digits = "".join(str(int(char, 36)) for char in f"{rest}{country}00")
    return f"{country}{98 - int(digits) % 97:02d}{rest}"


@given(country=st.sampled_from(sorted(ibans.LENGTHS)), rest=st.text("0123456789", min_size=11))
def test_an_iban_is_as_long_as_its_country_has_them(country: str, rest: str) -> None:
    number = checked(country, rest[:30])
    assert payees.is_iban(number) == (len(number) == ibans.LENGTHS[country])


def test_one_of_another_length_is_refused_though_its_check_digits_fit() -> None:
    short = checked("DE", GERMAN[4:-1])
    with pytest.raises(Invalid, match="one of DE has 22 characters, and this 21") as refused:
        payees.read(holder="Oak", number=short)
    assert refused.value.field == "number"
    assert payees.read(holder="Oak", number=checked("DZ", "1" * 22)).bank is None, "nobody says"


@pytest.mark.parametrize(
    ("number", "bank", "field"),
    [
        ("000123456789", None, "bank"),
        ("123", "110000000", "number"),
        ("ABCDEF", "110000000", "number"),
        ("12/34", "110000000", "number"),
        ("1" * 35, "110000000", "number"),
        ("DE89", "a bank", "number"),
        (" ", "a bank", "number"),
    ],
)
def test_what_is_no_account_is_refused_by_its_field(
    number: str, bank: str | None, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        payees.read(holder="Oak", number=number, bank=bank)
    assert refused.value.field == field


def test_an_account_of_another_kind_is_kept_with_its_bank() -> None:
    kept = payees.read(holder="Oak", number="0001 2345-6789", bank=" 110000000 ")
    assert (kept.number, kept.bank) == ("00012345-6789", "110000000")


@given(number=st.from_regex(r"[A-Z0-9-]{4,34}", fullmatch=True) | st.sampled_from([GERMAN]))
def test_little_of_a_number_is_shown(number: str) -> None:
    shown = payees.masked(number)
    told = shown.replace("•", "").replace(" ", "")
    assert number not in shown
    assert len(told) <= (8 if payees.is_iban(number) else 4)
    assert number.endswith(told[-2:])


def test_a_masked_iban_has_its_country_its_check_digits_and_its_end() -> None:
    assert payees.masked(GERMAN) == "DE89 •••• 3000"
    assert payees.masked("000123456789") == "•••• 6789"
    assert payees.masked("12345") == "•••• 45"
