from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from reconciler.errors import Invalid
from reconciler.reads.pages import decode, encode

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@given(
    st.datetimes(timezones=st.just(UTC)),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40),
    st.integers(-(2**63) + 1, 2**63 - 1),
)
def test_a_cursor_leads_back_to_its_row(at, name, seq):
    kinds = ("timestamptz", "text", "bigint")
    assert decode(encode([at, name, seq]), kinds) == [at, name, seq]


def key_or_refusal(cursor: str) -> list[object] | Invalid:
    try:
        return decode(cursor, ("timestamptz", "text"))
    except Invalid as refusal:
        return refusal


@given(st.one_of(st.text(max_size=60), st.binary(max_size=40).map(lambda b: b.decode("latin-1"))))
def test_any_other_text_is_refused_and_nothing_worse(cursor):
    found = key_or_refusal(cursor)
    if isinstance(found, Invalid):
        assert found.field == "cursor"
    else:
        assert [type(part) for part in found] == [datetime, str]


@pytest.mark.parametrize(
    ("parts", "kinds"),
    [
        ([True], ("bigint",)),
        ([1.0], ("bigint",)),
        ([2**63], ("bigint",)),
        (["1"], ("bigint",)),
        ([1], ("text",)),
        (["a\0b"], ("text",)),
        (["é"], ("text",)),
        (["2026-11-22T12:00:00"], ("timestamptz",)),
        ([NOON], ("timestamptz", "text")),
        ([], ("text",)),
    ],
)
def test_a_cursor_of_another_list_is_refused(parts, kinds):
    with pytest.raises(Invalid):
        decode(encode(parts), kinds)
