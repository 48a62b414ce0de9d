"""The house's own words: fields that are known become their values, all others are refused."""

from datetime import date, timedelta

import pytest
from hypothesis import given, strategies as st

from reconciler.books.reminder_words import FIELDS, ReminderMoment, ReminderWords, judged, moment_of
from reconciler.errors import Invalid

TODAY = date(2026, 12, 1)
VALUES = {name: f"<{name}>" for name in FIELDS}


def text(**said: str) -> ReminderWords:
    return ReminderWords(**{"subject": "Soon", "opening": "Hello", "closing": ""} | said)


@pytest.mark.parametrize(
    ("days", "moment"),
    [(1, ReminderMoment.BEFORE), (0, ReminderMoment.ON), (-1, ReminderMoment.AFTER)],
)
def test_the_moment_follows_from_the_due_day(days, moment):
    assert moment_of(TODAY + timedelta(days=days), TODAY) is moment
    assert moment_of(None, TODAY) is ReminderMoment.AFTER
    of_deposit = moment_of(TODAY + timedelta(days=days), TODAY, is_deposit=True)
    assert of_deposit.is_of_deposit
    assert not moment.is_of_deposit
    assert of_deposit.value == f"deposit_{moment.value}"


@given(st.lists(st.sampled_from(sorted(FIELDS)), max_size=5))
def test_known_fields_become_their_values_and_nothing_else_changes(names):
    said = " and ".join(f"{{{name}}}" for name in names) or "nothing"
    filled = judged(text(opening=said)).filled(VALUES)
    assert filled.opening == (" and ".join(f"<{name}>" for name in names) or "nothing")
    assert (filled.subject, filled.closing) == ("Soon", "")


def test_a_value_that_looks_like_a_field_stays_as_it_is():
    said = text(opening="{customer}, hello").filled(VALUES | {"customer": "{left}"})
    assert said.opening == "{left}, hello"


@pytest.mark.parametrize("name", ["subject", "opening", "closing"])
@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("{balance} is left", "there is no field {balance}; there are {customer}"),
        ("{ left }", "there is no field { left }"),
        ("{}", "there is no field {}"),
        ("a brace { alone", "a brace that belongs to no field"),
        ("}", "a brace that belongs to no field"),
        ("x" * 2_001, "longer than"),
    ],
)
def test_what_is_no_field_is_refused_by_name(name, said, why):
    with pytest.raises(Invalid) as refused:
        judged(text(**{name: said}))
    assert why in str(refused.value)
    assert refused.value.field == name


@pytest.mark.parametrize("name", ["subject", "opening"])
def test_words_that_must_be_there_are(name):
    with pytest.raises(Invalid) as refused:
        judged(text(**{name: "  "}))
    assert refused.value.field == name
