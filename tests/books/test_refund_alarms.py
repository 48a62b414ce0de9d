"""When refunds stop by themselves: for what, in which words, and never twice for the same."""

from hypothesis import given, strategies as st

from reconciler.books.refund_alarms import (
    FAILED_OF_LAST_MAX,
    LAST,
    Signs,
    alarms,
    fresh,
    said,
    taken_as_known,
)

names = st.frozensets(st.text("abcdefgh", min_size=1, max_size=3), max_size=16)
signs = st.builds(
    Signs, broken=names, unknown=names, failed=names, drifts=names, unknown_max=st.integers(0, 12)
)


def legs(count: int) -> frozenset[str]:
    return frozenset(f"leg_{number}" for number in range(count))


def seen(found) -> frozenset[str]:
    return frozenset().union(*(alarm.evidence for alarm in found))


def test_the_limits_are_those_that_are_written_down():
    assert (Signs().unknown_max, FAILED_OF_LAST_MAX, LAST) == (10, 10, 50)


@given(signs)
def test_refunds_stop_for_a_broken_law_a_drift_and_too_many_unknown_or_failed(found):
    stops = (
        len(found.unknown) > found.unknown_max
        or len(found.failed) > 10
        or found.broken
        or found.drifts
    )
    assert bool(alarms(found)) == bool(stops)
    assert bool(fresh(found, frozenset())) == bool(stops)


@given(signs)
def test_what_has_stopped_them_does_not_stop_them_again(found):
    assert fresh(found, seen(alarms(found))) == []


@given(signs, signs)
def test_only_what_is_new_stops_them_again(before, now):
    known = seen(alarms(before))
    for alarm in fresh(now, known):
        assert alarm.evidence - known
        assert alarm in alarms(now)


@given(signs)
def test_who_turns_them_on_knows_how_many_are_unknown_and_failed_and_no_more(found):
    left = fresh(found, taken_as_known(found))
    assert left == alarms(Signs(broken=found.broken, drifts=found.drifts))


def test_the_same_leg_is_other_evidence_once_it_has_failed():
    known = seen(alarms(Signs(unknown=legs(11))))
    assert fresh(Signs(unknown=legs(11)), known) == []
    assert fresh(Signs(failed=legs(11)), known) != []


def test_it_is_said_in_words_and_a_banner_has_an_end():
    everything = Signs(frozenset("abcde"), legs(11), legs(12), frozenset({"stripe USD -250"}))
    text = said(alarms(everything), chars_max=1_000)
    for words in (
        "a law of the books about refunds is broken: a, b, c, and 2 more",
        "11 refunds were sent and nobody knows what came of them; at most 10 may be like that",
        "12 of the last 50 refunds failed; at most 10 may",
        "the rail's balance was not what its movements here come to: stripe USD -250",
    ):
        assert words in text
    assert text.startswith("Stopped by itself: ")
    short = said(alarms(everything), chars_max=40)
    assert (len(short), short[-1]) == (40, "…")
