"""Laws of the chain: it closes over what was written, and over nothing else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, strategies as st

from reconciler.books.audit import ORIGIN, Kept, Line, Seal, breaks, digest, seal

WORDS = st.text(max_size=20)
INSTANTS = st.datetimes(timezones=st.just(UTC))


@st.composite
def chains(draw, least: int = 0) -> list[Kept]:
    """What was written, one after the other."""
    found, before = [], ORIGIN
    for _ in range(draw(st.integers(least, 6))):
        salt, words = draw(WORDS), draw(WORDS)
        line = Line(
            at=draw(INSTANTS),
            cause_kind=draw(WORDS),
            cause_id=draw(WORDS),
            action=draw(WORDS),
            subject=draw(WORDS),
            request_id=draw(st.none() | WORDS),
            words_digest=digest(salt, words),
        )
        before = seal(line, before)
        found.append(Kept(line=line, seal=before, salt=salt, words=words, is_erased=False))
    return found


def with_line(kept: Kept, **changed) -> Kept:
    return replace(kept, line=replace(kept.line, **changed))


@given(chains())
def test_what_was_written_has_no_break(chain) -> None:
    assert list(breaks(chain)) == []


@given(chains(), st.integers(0, 6))
def test_any_later_part_can_be_checked_from_the_seal_before_it(chain, start) -> None:
    before = chain[start - 1].seal if 0 < start <= len(chain) else ORIGIN
    assert list(breaks(chain[start:] if start <= len(chain) else [], before)) == []


@given(chains(least=1), st.data())
def test_a_changed_field_of_any_line_is_found_there_and_only_there(chain, data) -> None:
    at = data.draw(st.integers(0, len(chain) - 1))
    name = data.draw(st.sampled_from(["cause_kind", "cause_id", "action", "subject", "request_id"]))
    chain[at] = with_line(chain[at], **{name: f"{getattr(chain[at].line, name)}!"})
    assert list(breaks(chain)) == [f"line {at + 1} is not as it was written"]


@given(chains(least=1), st.data())
def test_a_changed_instant_is_found_however_it_is_written(chain, data) -> None:
    at = data.draw(st.integers(0, len(chain) - 1))
    instant = chain[at].line.at.replace(year=2000)
    chain[at] = with_line(chain[at], at=instant.astimezone(timezone(timedelta(hours=9))))
    same = chain[at].line.at == instant and seal(chain[at].line, ORIGIN)
    assert same == seal(replace(chain[at].line, at=instant), ORIGIN)
    chain[at] = with_line(chain[at], at=instant + timedelta(microseconds=1))
    assert f"line {at + 1} is not as it was written" in list(breaks(chain))


@given(chains(least=2), st.data())
def test_a_line_taken_out_is_missed(chain, data) -> None:
    at = data.draw(st.integers(0, len(chain) - 2))
    del chain[at]
    assert list(breaks(chain)) == [f"line {at + 1} missing before line {at + 2}"]


def test_several_lines_taken_out_are_missed_together() -> None:
    chain = _three() + _three(after=_three()[-1].seal)
    assert list(breaks(chain[4:])) == ["lines 1 to 4 missing before line 5"]


@given(chains(least=2), st.data())
def test_two_lines_that_changed_places_are_found(chain, data) -> None:
    at = data.draw(st.integers(0, len(chain) - 2))
    first, second = chain[at], chain[at + 1]
    chain[at] = replace(second, seal=first.seal)
    chain[at + 1] = replace(first, seal=second.seal)
    found = list(breaks(chain))
    assert (found != []) is (first.line != second.line)


def test_lines_told_in_another_order_are_found() -> None:
    one, two, three = _three()
    assert list(breaks([one, three, two])) == [
        "line 2 missing before line 3",
        "lines 4 to 1 missing before line 2",
    ]


@given(chains(least=1), st.data())
def test_a_line_sealed_anew_breaks_the_next_one(chain, data) -> None:
    at = data.draw(st.integers(0, len(chain) - 1))
    before = chain[at - 1].seal if at else ORIGIN
    line = replace(chain[at].line, subject=chain[at].line.subject + "!")
    chain[at] = replace(chain[at], line=line, seal=seal(line, before))
    expected = [f"line {at + 2} is not as it was written"] if at + 1 < len(chain) else []
    assert list(breaks(chain)) == expected


@given(chains(least=1), st.data())
def test_changed_words_are_found(chain, data) -> None:
    at = data.draw(st.integers(0, len(chain) - 1))
    chain[at] = replace(chain[at], words=f"{chain[at].words}!")
    assert list(breaks(chain)) == [f"the words of line {at + 1} are not as they were written"]


@given(chains(least=1), st.booleans(), st.data())
def test_words_may_be_gone_only_where_a_line_says_so(chain, is_erased, data) -> None:
    at = data.draw(st.integers(0, len(chain) - 1))
    chain[at] = replace(chain[at], words=None, salt=None, is_erased=is_erased)
    gone = f"the words of line {at + 1} are gone, and no line says that they were erased"
    assert list(breaks(chain)) == ([] if is_erased else [gone])


@given(WORDS, WORDS, WORDS)
def test_the_same_words_have_another_digest_with_another_salt(salt, other, words) -> None:
    assert (digest(salt, words) == digest(other, words)) is (salt == other)


@given(st.integers(0, 10**15))
def test_a_seal_is_read_as_it_is_printed(seq) -> None:
    made = Seal(seq, digest("salt", str(seq)))
    assert Seal.parse(f" {made}\n") == made


@pytest.mark.parametrize(
    "text", ["", "17", "17:", f"x:{'0' * 64}", f"1:{'0' * 63}", f"1:{'G' * 64}"]
)
def test_what_is_no_seal_is_refused(text) -> None:
    with pytest.raises(ValueError, match="no line and hash"):
        Seal.parse(text)


def _three(after: Seal = ORIGIN) -> list[Kept]:
    found = []
    for name in ("a", "b", "c"):
        line = Line(
            at=datetime(2026, 11, 22, tzinfo=UTC),
            cause_kind="person",
            cause_id="usr_1",
            action="refund.approved",
            subject=name,
            request_id=None,
            words_digest=digest("salt", name),
        )
        after = seal(line, after)
        found.append(Kept(line=line, seal=after, salt="salt", words=name, is_erased=False))
    return found
