from datetime import date, timedelta

import pytest
from hypothesis import given, strategies as st

from reconciler.books import texts
from reconciler.errors import Invalid

TODAY = date(2026, 11, 22)


def line_or_refusal(text: str) -> str | Invalid:
    try:
        return texts.line(text, field="name", chars_max=50)
    except Invalid as refusal:
        return refusal


@given(st.text(max_size=60))
def test_a_line_is_kept_or_refused_and_twice_is_once(text):
    kept = line_or_refusal(text)
    if isinstance(kept, Invalid):
        assert kept.field == "name"
    else:
        assert line_or_refusal(kept) == kept
        assert 0 < len(kept) <= 50
        assert kept.encode()
        assert not set(kept) & set("\x00\n\t\r")


@pytest.mark.parametrize(
    "text", ["", "  ", "a\nb", "a\tb", "a\x00b", "\ud800", "a\u2028b", "x" * 51]
)
def test_what_is_no_line_is_refused(text):
    with pytest.raises(Invalid):
        texts.line(text, field="name", chars_max=50)


def test_words_may_have_lines_and_may_be_none():
    assert texts.words("one\r\ntwo\tthree", field="notes", chars_max=50) == "one\ntwo\tthree"
    assert texts.words(" ", field="notes", chars_max=50) == ""


def test_a_letter_written_in_two_ways_is_kept_in_one():
    assert texts.line("cafe\u0301", field="name", chars_max=50) == "caf\u00e9"


def test_an_address_has_two_sides():
    assert texts.mail(" Ann@example.com ") == "Ann@example.com"
    for odd in ("", "ann", "@", "a@", "@b", "a b@c", "a@b@c"):
        with pytest.raises(Invalid) as refusal:
            texts.mail(odd)
        assert refusal.value.field == "email"


@given(st.none() | st.dates())
def test_money_moves_on_a_day_that_has_come_or_begins_in_the_east(given):
    if given is not None and date(1970, 1, 1) <= given <= TODAY + timedelta(days=1):
        assert texts.day_come(given, field="received_on", today=TODAY) == given
        return
    with pytest.raises(Invalid) as refusal:
        texts.day_come(given, field="received_on", today=TODAY)
    assert refusal.value.field == "received_on"


@pytest.mark.parametrize(("days", "is_taken"), [(0, True), (1, True), (2, False), (-9_000, True)])
def test_tomorrow_is_the_last_day_that_is_taken(days, is_taken):
    wanted = TODAY + timedelta(days=days)
    if is_taken:
        assert texts.day_come(wanted, field="paid_on", today=TODAY) == wanted
    else:
        with pytest.raises(Invalid, match="to come"):
            texts.day_come(wanted, field="paid_on", today=TODAY)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"a": "\\u00e9\\ud83d\\ude00"}', {"a": "\u00e9\U0001f600"}),
        (b'{"a": "roof \\ud83d", "\\ude00": 1}', {"a": "roof ?", "?": 1}),
        (b'{"a": 1', '{"a": 1'),
        (b"\xff", "\ufffd"),
        (b"[" * 100_000, "[" * 100_000),
    ],
)
def test_a_kept_message_can_always_be_shown(body, said):
    assert texts.message(body) == said


SAID = {"id": "evt_1", "data": {"object": {"amount": 500, "paid": True, "tags": ["a", "b"]}}}


@pytest.mark.parametrize(
    ("part", "is_held"),
    [
        ({"id": "evt_1"}, True),
        ({"amount": 500}, True),
        ({"object": {"amount": 500}}, True),
        ({"amount": 500, "paid": True}, True),
        ({"amount": 500, "paid": False}, False),
        ({"paid": 1}, False),
        ({"amount": "500"}, False),
        ({"nothing": None}, False),
        ({"tags": ["b"]}, True),
        (["b", "a"], True),
        (["b", "c"], False),
        ({"id": {"evt_1": 1}}, False),
        ({"id": ["evt_1"]}, False),
        ("b", True),
        (500, True),
        (501, False),
        ({}, True),
    ],
)
def test_a_message_holds_its_parts_wherever_they_stand(part: object, is_held: bool) -> None:
    assert texts.holds(SAID, part) is is_held
