from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from reconciler.books import refunds
from reconciler.books.refunds import (
    GENERATIONS_MAX,
    KEY_IS_FORGOTTEN,
    KEY_IS_SAFE,
    QUIET,
    UNSETTLED_MAX,
    Look,
    Situation,
    Step,
    next_step,
)

HOUR = timedelta(hours=1)


sent = Situation(Look.ABSENT, first_sent=10 * HOUR, last_sent=10 * HOUR, unsettled=10 * HOUR)


def aged(hours, **more):
    age = hours * HOUR
    return replace(sent, **({"first_sent": age, "last_sent": age, "unsettled": age} | more))


@pytest.mark.parametrize(
    ("situation", "step"),
    [
        (Situation(Look.ABSENT), Step.SEND),
        (Situation(Look.ABSENT, totals_agree=False), Step.WAIT),
        (Situation(Look.ABSENT, totals_agree=False, unsettled=49 * HOUR), Step.MANUAL),
        (Situation(Look.FOUND), Step.DONE),
        (Situation(Look.UNANSWERED), Step.WAIT),
        (Situation(Look.UNANSWERED, unsettled=49 * HOUR), Step.MANUAL),
        (aged(0), Step.SEND),
        (aged(20), Step.SEND),
        (aged(20.01), Step.WAIT),
        (aged(24), Step.WAIT),
        (aged(24.99), Step.WAIT),
        (aged(25), Step.NEW_GENERATION),
        (aged(30), Step.NEW_GENERATION),
        (aged(72), Step.NEW_GENERATION),
        (aged(26, last_sent=timedelta(minutes=59)), Step.WAIT),
        (aged(26, last_sent=HOUR), Step.NEW_GENERATION),
        (aged(26, totals_agree=False), Step.MANUAL),
        (aged(26, generation=GENERATIONS_MAX), Step.MANUAL),
        (aged(26, generation=GENERATIONS_MAX, generations_max=4), Step.NEW_GENERATION),
        (aged(23, unsettled=49 * HOUR), Step.MANUAL),
        (aged(5, unsettled=80 * HOUR), Step.SEND),
        (aged(1, was_refused=True), Step.FAIL),
        (aged(1, was_refused=True, look=Look.FOUND), Step.DONE),
        (aged(1, was_refused=True, look=Look.UNANSWERED), Step.WAIT),
        (aged(30, look=Look.FOUND), Step.DONE),
        (aged(-1), Step.SEND),
    ],
)
def test_what_is_done_next(situation, step):
    assert next_step(situation) is step


ages = st.timedeltas(timedelta(0), timedelta(days=5))


situations = st.builds(
    Situation,
    look=st.sampled_from(Look),
    first_sent=st.none() | ages,
    last_sent=ages,
    unsettled=ages,
    generation=st.integers(1, 5),
    totals_agree=st.booleans(),
    was_refused=st.booleans(),
)


@given(situations)
def test_no_key_is_used_that_may_be_forgotten_and_none_replaced_that_may_still_work(at):
    step = next_step(at)
    if step in {Step.SEND, Step.NEW_GENERATION}:
        assert at.look is Look.ABSENT
        assert not at.was_refused
    if step is Step.SEND and at.first_sent is not None:
        assert at.first_sent <= KEY_IS_SAFE
    if step is Step.NEW_GENERATION:
        assert at.first_sent is not None
        assert at.first_sent >= KEY_IS_FORGOTTEN
        assert at.last_sent >= QUIET
        assert at.totals_agree
        assert at.generation < GENERATIONS_MAX
    if step is Step.WAIT and at.first_sent is not None and at.first_sent >= KEY_IS_FORGOTTEN:
        assert at.look is Look.UNANSWERED or at.last_sent < QUIET
    if step is Step.WAIT and at.look is Look.UNANSWERED:
        assert at.unsettled <= UNSETTLED_MAX


def test_looks_come_ever_more_slowly_but_never_end():
    minutes = [refunds.probe_wait(n).total_seconds() / 60 for n in range(6)]
    assert minutes == [10 / 60, 1, 5, 60, 60, 60]


def test_what_the_rail_did_not_take_is_tried_again_ever_more_slowly():
    seconds = [refunds.backoff(n).total_seconds() for n in (0, 1, 2, 5, 9, 99)]
    assert seconds == [10, 20, 40, 320, 3_600, 3_600]


def test_only_a_key_with_other_parameters_is_nobodys_but_a_persons():
    assert refunds.needs_a_person("idempotency_error")
    assert not refunds.needs_a_person("charge_already_refunded")
