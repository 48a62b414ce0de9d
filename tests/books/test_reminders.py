"""On which day a reminder is due, and why one stays silent."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from reconciler.books import reminders
from reconciler.books.invoices import InvoiceState
from reconciler.books.reminders import Course, Silence, Standing
from reconciler.errors import Invalid

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
OPEN = Standing(state=InvoiceState.SENT, outstanding=100)
DUE, SENT = date(2026, 12, 1), date(2026, 11, 1)
STEPS = st.lists(st.integers(-90, 365), max_size=12)


@pytest.mark.parametrize(
    ("standing", "silence"),
    [
        (OPEN, None),
        (replace(OPEN, is_behind=True), Silence.BOOKS_BEHIND),
        (replace(OPEN, paused="talks"), Silence.PAUSED),
        (replace(OPEN, is_on_its_way=True), Silence.ON_ITS_WAY),
        (replace(OPEN, is_disputed=True), Silence.DISPUTED),
        (replace(OPEN, is_unmatched=True), Silence.UNMATCHED),
        (replace(OPEN, credit=1), Silence.CREDIT),
        (replace(OPEN, deposits=100), Silence.DEPOSIT),
        (replace(OPEN, deposits=99), None),
        (replace(OPEN, is_refunding=True), Silence.REFUND),
        (replace(OPEN, is_in_question=True), Silence.QUESTION),
        (replace(OPEN, last_payment_at=NOW - timedelta(hours=23)), Silence.JUST_PAID),
        (replace(OPEN, last_payment_at=NOW - timedelta(hours=24)), None),
    ],
)
def test_a_reminder_is_silent_while_the_money_may_be_here(
    standing: Standing, silence: Silence | None
) -> None:
    assert reminders.silence_of(standing, NOW) is silence
    found = reminders.verdict(standing, NOW)
    assert found.course is (Course.SEND if silence is None else Course.WAIT)
    if silence is not None:
        assert found.until
        assert found.until > NOW
        assert silence.value in found.why


def test_a_pause_that_ends_is_waited_out_and_another_is_looked_at_again() -> None:
    until = NOW + timedelta(days=3)
    ended = reminders.verdict(replace(OPEN, paused="talks", paused_until=until), NOW)
    assert (ended.until, ended.why) == (until, "reminders are paused: talks")
    past = reminders.verdict(replace(OPEN, paused="x", paused_until=NOW - timedelta(days=1)), NOW)
    assert past.until
    assert past.until > NOW


@pytest.mark.parametrize(
    "standing",
    [
        replace(OPEN, outstanding=0),
        replace(OPEN, state=InvoiceState.DRAFT),
        replace(OPEN, state=InvoiceState.VOID, is_disputed=True),
    ],
)
def test_what_is_not_owed_is_dropped_whatever_else_there_is(standing: Standing) -> None:
    assert reminders.verdict(standing, NOW).course is Course.DROP


@pytest.mark.parametrize(
    ("today", "step"),
    [
        ("2026-11-27", None),
        ("2026-11-28", -3),
        ("2026-11-30", -3),
        ("2026-12-01", 0),
        ("2026-12-07", 0),
        ("2026-12-08", 7),
        ("2026-12-15", 14),
        ("2026-12-22", 14),
        ("2026-12-23", None),
    ],
)
def test_of_the_steps_that_have_come_the_last_is_due(today: str, step: int | None) -> None:
    found = reminders.step_due(
        reminders.STEPS_DEFAULT, due_on=DUE, sent_on=SENT, today=date.fromisoformat(today)
    )
    assert found == step


def test_a_step_on_or_before_the_day_of_sending_is_left_out() -> None:
    given_days = {"due_on": DUE, "sent_on": date(2026, 11, 28), "today": date(2026, 11, 30)}
    assert reminders.step_due((-3,), **given_days) is None
    assert reminders.step_due((-2,), **given_days) == -2
    assert reminders.next_step((-3, 0, 7), **given_days) == 0


@given(STEPS, st.integers(-100, 400), st.integers(-200, 300))
def test_the_next_step_is_never_one_that_was_due(steps: list[int], at: int, sent: int) -> None:
    days = {
        "due_on": DUE, "sent_on": DUE + timedelta(days=sent), "today": DUE + timedelta(days=at),
    }  # fmt: skip
    due, coming = reminders.step_due(steps, **days), reminders.next_step(steps, **days)
    assert due is None or due <= at
    assert coming is None or coming > at


@given(STEPS)
def test_steps_are_kept_in_order_and_once(steps: list[int]) -> None:
    kept = reminders.judged(steps)
    assert list(kept) == sorted(set(steps))


@pytest.mark.parametrize("steps", [[-91], [366], list(range(13))])
def test_steps_that_cannot_be_meant_are_refused(steps: list[int]) -> None:
    with pytest.raises(Invalid) as refused:
        reminders.judged(steps)
    assert refused.value.field == "steps"


def test_steps_in_words_and_the_day_they_begin() -> None:
    assert [reminders.step_text(step) for step in (None, 0, -3, 1)] == [
        "sent by hand", "on the due day", "3 days before it is due", "1 day after it is due",
    ]  # fmt: skip
    assert reminders.day_at(NOW, 8) == date(2026, 12, 1)
    assert reminders.day_at(NOW, 10) == date(2026, 11, 30)
