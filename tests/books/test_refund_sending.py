from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, strategies as st

from reconciler.books import refund_sending as rules
from reconciler.books.observations import RefundStage
from reconciler.books.refund_sending import (
    GENERATIONS_MAX,
    KEY_IS_FORGOTTEN,
    KEY_IS_SAFE,
    LEASE,
    QUIET,
    UNSETTLED_MAX,
    Look,
    Looked,
    Obstacle,
    Sending,
    Situation,
    Step,
    next_step,
)
from reconciler.books.refunds import RefundStatus as S
from tests import builders

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
        (aged(26, late=timedelta(minutes=59)), Step.NEW_GENERATION),
        (aged(26, late=HOUR), Step.WAIT),
        (aged(26, probes=0), Step.WAIT),
        (aged(72, late=46 * HOUR, probes=0), Step.WAIT),
        (aged(72, late=46 * HOUR), Step.MANUAL),
        (aged(1, was_refused=True), Step.FAIL),
        (aged(0, was_refused=True), Step.FAIL),
        (aged(0, was_refused=True, sends=2), Step.WAIT),
        (aged(1, was_refused=True, sends=2), Step.FAIL),
        (aged(30, was_refused=True, sends=2, late=30 * HOUR), Step.WAIT),
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
    sends=st.integers(1, 4),
    unsettled=ages,
    late=ages,
    probes=st.integers(0, 3),
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
        assert at.late < QUIET
        assert at.probes
        assert at.totals_agree
        assert at.generation < GENERATIONS_MAX
    if step is Step.WAIT and at.first_sent is not None and at.first_sent >= KEY_IS_FORGOTTEN:
        is_quiet = at.last_sent >= QUIET and at.late < QUIET and at.probes > 0
        assert at.look is Look.UNANSWERED or not is_quiet
    if step is Step.FAIL and at.sends > 1:
        assert at.last_sent >= QUIET
        assert at.late < QUIET
        assert at.probes
    if step is Step.WAIT and (at.look is Look.UNANSWERED or at.probes):
        assert at.unsettled <= UNSETTLED_MAX


def test_looks_come_ever_more_slowly_but_never_end():
    minutes = [rules.probe_wait(n).total_seconds() / 60 for n in range(6)]
    assert minutes == [10 / 60, 1, 5, 60, 60, 60]


def test_what_the_rail_did_not_take_is_tried_again_ever_more_slowly():
    seconds = [rules.backoff(n).total_seconds() for n in (0, 1, 2, 5, 9, 99)]
    assert seconds == [10, 20, 40, 320, 3_600, 3_600]


def test_only_a_key_with_other_parameters_is_nobodys_but_a_persons():
    assert rules.needs_a_person("idempotency_error")
    assert not rules.needs_a_person("charge_already_refunded")


# What follows

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
fresh = Sending(status=S.APPROVED, due_at=NOON)
held = rules.claimed(fresh, "mine", NOON)
meant = rules.intended(held, Step.SEND, NOON)
a_no = rules.refused(meant, "charge_already_refunded", "no")


def test_a_leg_is_anybodys_until_it_is_claimed_and_again_when_the_lease_is_over():
    assert rules.may_be_claimed(fresh, NOON)
    assert not rules.may_be_claimed(held, NOON + LEASE)
    assert rules.may_be_claimed(held, NOON + LEASE + timedelta.resolution)
    assert not rules.may_be_claimed(Sending(status=S.SUCCEEDED), NOON)


@pytest.mark.parametrize(
    ("token", "after", "is_held"),
    [
        ("mine", timedelta(0), True),
        ("mine", LEASE - timedelta.resolution, True),
        ("mine", LEASE, False),
        ("another's", timedelta(0), False),
    ],
)
def test_only_who_holds_the_lease_passes_the_fence(token, after, is_held):
    assert rules.is_held(meant, token, NOON + after) is is_held


def test_whom_nobody_holds_nobody_passes_the_fence_with():
    assert not rules.is_held(msgspec.structs.replace(meant, lease_until=None), "mine", NOON)


@pytest.mark.parametrize(
    ("wall", "boot", "is_meant"),
    [
        (0, 0, True),
        (30, 30, True),
        (30.1, 0, False),  # frozen, or the clock leapt
        (0, 30.1, False),  # frozen, and the clock was put back
        (-0.1, 0, False),  # put back while we looked
    ],
)
def test_an_intent_is_acted_on_within_half_a_minute_by_both_clocks(wall, boot, is_meant):
    seconds = [timedelta(seconds=value) for value in (wall, boot)]
    assert rules.is_still_meant(*seconds) is is_meant


def test_the_intent_says_when_bytes_may_first_and_last_have_left():
    assert (meant.status, meant.sends, meant.generation) == (S.SUBMITTED, 1, 1)
    assert meant.first_sent_at == meant.last_sent_at == meant.unsettled_since == NOON
    later = NOON + HOUR
    again = rules.intended(meant, Step.SEND, later)
    assert (again.sends, again.first_sent_at, again.last_sent_at) == (2, NOON, later)
    assert again.due_at == again.lease_until == later + LEASE


def test_a_new_key_has_been_through_nothing_and_the_leg_is_as_old_as_before():
    later = NOON + 26 * HOUR
    new = rules.intended(msgspec.structs.replace(a_no, probes=9), Step.NEW_GENERATION, later)
    assert (new.generation, new.sends, new.probes) == (2, 1, 0)
    assert (new.is_refused, new.outcome) == (False, None)
    assert new.first_sent_at == new.last_sent_at == later
    assert new.unsettled_since == NOON


@pytest.mark.parametrize(
    ("at", "step", "obstacle", "status", "due"),
    [
        (held, Step.SEND, Obstacle.SWITCHED_OFF, S.APPROVED, timedelta(minutes=1)),
        (held, Step.SEND, Obstacle.DAY_IS_FULL, S.APPROVED, 12 * HOUR),
        (held, Step.SEND, Obstacle.NOTHING_LEFT, S.MANUAL, None),
        (held, Step.SEND, Obstacle.FORGOTTEN, S.MANUAL, None),
        (meant, Step.SEND, Obstacle.NOTHING_LEFT, S.UNKNOWN, timedelta(seconds=10)),
        (meant, Step.NEW_GENERATION, Obstacle.NOTHING_LEFT, S.MANUAL, None),
        (meant, Step.SEND, Obstacle.SWITCHED_OFF, S.SUBMITTED, timedelta(minutes=1)),
    ],
)
def test_what_stands_in_the_way_of_sending(at, step, obstacle, status, due):
    after = rules.hindered(at, step, obstacle, NOON)
    assert (after.status, after.due_at) == (status, NOON + due if due else None)
    assert after.lease_token is None
    assert after.sends == at.sends


@pytest.mark.parametrize(
    ("after", "status", "due_seconds"),
    [
        (rules.unanswered(meant, NOON, "timeout"), S.UNKNOWN, 10),
        (rules.in_the_way(meant, NOON, "409"), S.UNKNOWN, 10),
        (rules.not_taken(meant, NOON, "401"), S.SUBMITTED, 10),
        (rules.not_taken(rules.not_taken(meant, NOON, "401"), NOON, "401"), S.SUBMITTED, 20),
        (rules.look_again(fresh, NOON, None), S.APPROVED, 10),
        (rules.look_again(rules.look_again(meant, NOON, "?"), NOON, "?"), S.UNKNOWN, 60),
        (rules.look_again(meant, NOON + 25 * HOUR, "?"), S.UNKNOWN, 26 * 3_600),
        (rules.not_taken(meant, NOON + 25 * HOUR, "fenced"), S.SUBMITTED, 26 * 3_600),
        (rules.after_look(meant, Step.WAIT, Looked(Look.ABSENT), NOON), S.UNKNOWN, 10),
        (rules.after_look(meant, Step.MANUAL, Looked(Look.ABSENT), NOON), S.MANUAL, None),
        (rules.after_look(a_no, Step.FAIL, Looked(Look.ABSENT), NOON), S.FAILED, None),
        (rules.refused(meant, "idempotency_error", "no"), S.MANUAL, None),
        (a_no, S.SUBMITTED, 120),
    ],
)
def test_what_an_answer_changes(after, status, due_seconds):
    due = NOON + timedelta(seconds=due_seconds) if due_seconds else None
    assert (after.status, after.due_at) == (status, due)
    assert (after.lease_token is None) is (after is not a_no)


def test_a_refusal_is_kept_with_its_words_and_shown_when_it_is_believed():
    assert a_no.is_refused
    failed = rules.after_look(a_no, Step.FAIL, Looked(Look.ABSENT), NOON)
    assert failed.failure == "no"
    unnamed = rules.after_look(meant, Step.FAIL, Looked(Look.ABSENT), NOON)
    assert unnamed.failure == "the rail refused it"


def test_put_back_by_a_person_it_has_time_and_a_key_more_and_forgets_no_sending():
    given_up = rules.ended(msgspec.structs.replace(meant, generation=3, probes=40), S.MANUAL, "?")
    back = rules.put_back(given_up, NOON + 50 * HOUR)
    assert (back.status, back.generations_max, back.probes) == (S.REQUESTED, 4, 0)
    assert back.unsettled_since == NOON + 50 * HOUR
    assert (back.first_sent_at, back.sends) == (NOON, 1)
    assert rules.put_back(fresh, NOON).unsettled_since is None
    assert rules.released(back, NOON).due_at == NOON


def test_the_situation_says_how_long_ago_everything_was():
    now = NOON + 3 * HOUR
    seen = rules.situation(meant, Looked(Look.ABSENT), now, released_at=None)
    assert (seen.first_sent, seen.last_sent, seen.unsettled) == (3 * HOUR,) * 3
    assert seen.late == 3 * HOUR - LEASE
    new = rules.situation(fresh, Looked(Look.UNANSWERED), now, released_at=NOON)
    assert (new.first_sent, new.last_sent, new.unsettled) == (None, None, 3 * HOUR)
    never = Sending(status=S.APPROVED)
    assert rules.situation(never, Looked(Look.FOUND), now, released_at=None).late == timedelta(0)


# What the rail lists


def known(**refunds):
    return builders.captured(10_000, refunds=refunds)


ours = builders.refund("re_1", 300, reference="rfd_1")
seconds = builders.refund("re_2", 300, reference="rfd_1.2")
theirs = builders.refund("re_3", 500)
failed = builders.refund("re_4", 900, stage=RefundStage.FAILED, reference="rfd_1.3")


@pytest.mark.parametrize(
    ("before", "listed", "total", "is_whole"),
    [
        ({}, {}, 0, True),
        ({}, ours, 300, True),
        ({}, ours | failed, 300, True),
        (ours, {}, 0, False),  # one that we know is not listed
        (failed, {}, 0, True),
        ({}, ours, 800, False),  # more was refunded than is listed
        ({}, ours | theirs, 300, False),
    ],
)
def test_a_listing_is_whole_if_it_makes_up_the_rails_total(before, listed, total, is_whole):
    assert rules.lists_everything(known(**before), known(**listed), total) is is_whole


@pytest.mark.parametrize(
    ("seen", "references", "is_forgotten"),
    [
        (ours | seconds, {"rfd_1", "rfd_1.2"}, False),
        (seconds, {"rfd_1"}, True),
        (failed, {"rfd_1"}, False),
        (theirs, {"rfd_1"}, False),
        (builders.refund("re_5", 300, reference="rfd_10"), {"rfd_1"}, False),
    ],
)
def test_a_leg_at_the_rail_that_nobody_here_knows_has_been_forgotten(
    seen, references, is_forgotten
):
    assert rules.has_forgotten(known(**seen), "rfd_1", references) is is_forgotten
