"""Reminders: on which day, and when one stays silent because the money may already be here.

Nobody is chased for money that is received, authorized, being collected, or held here untied.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from reconciler.books.invoices import InvoiceState
from reconciler.errors import Invalid

STEPS_DEFAULT = (-3, 0, 7, 14)  # days from the due day
HOUR_DEFAULT = 8  # of the day in UTC
STEPS_MAX = 12
STEP_LEAST, STEP_MOST = -90, 365
# A step that could not be taken on its day, because nothing ran, is made up for this long.
MADE_UP_DAYS = 7
QUIET_AFTER_PAYMENT = timedelta(hours=24)

_SOON = timedelta(seconds=10)
_LATER = timedelta(minutes=15)


class Silence(StrEnum):
    """Why a reminder is not sent now, in words that people read."""

    BOOKS_BEHIND = "events have come in that are not in the books yet"
    PAUSED = "reminders are paused"
    ON_ITS_WAY = "money is on its way"
    DISPUTED = "a dispute of what paid it is open or undecided"
    UNMATCHED = "a payment that may be for it waits to be matched"
    CREDIT = "the customer has credit that is not used yet"
    DEPOSIT = "a deposit that is held covers what is left"
    REFUND = "a refund is under way"
    QUESTION = "a question about this customer's money is open"
    JUST_PAID = "a payment was booked in the last 24 hours"


class Course(StrEnum):
    """What becomes of a reminder at its last look."""

    SEND = "send"
    WAIT = "wait"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of it, why, and when it is looked at again if it waits."""

    course: Course
    why: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All that a last look sees about one invoice, under its locks. Minor units."""

    state: InvoiceState
    outstanding: int
    is_behind: bool = False
    paused: str | None = None  # why, while they are paused for this invoice or its customer
    paused_until: datetime | None = None
    is_on_its_way: bool = False
    is_disputed: bool = False
    is_unmatched: bool = False
    credit: int = 0
    deposits: int = 0
    is_refunding: bool = False
    is_in_question: bool = False
    last_payment_at: datetime | None = None


def verdict(standing: Standing, now: datetime) -> Verdict:
    """Whether a reminder of this invoice leaves now."""
    if standing.state is not InvoiceState.SENT or standing.outstanding == 0:
        return Verdict(Course.DROP, "nothing is owed any more")
    silence = silence_of(standing, now)
    if silence is None:
        return Verdict(Course.SEND)
    if silence is Silence.PAUSED:
        until = standing.paused_until or now + _LATER
        return Verdict(Course.WAIT, f"{silence}: {standing.paused}", max(until, now + _SOON))
    if silence is Silence.JUST_PAID and standing.last_payment_at:
        return Verdict(Course.WAIT, silence, standing.last_payment_at + QUIET_AFTER_PAYMENT)
    wait = _SOON if silence is Silence.BOOKS_BEHIND else _LATER
    return Verdict(Course.WAIT, silence, now + wait)


def silence_of(standing: Standing, now: datetime) -> Silence | None:
    """The first reason to stay silent, if there is one."""
    covers = 0 < standing.outstanding <= standing.deposits
    paid_at = standing.last_payment_at
    reasons = (
        (standing.paused is not None, Silence.PAUSED),
        (standing.is_behind, Silence.BOOKS_BEHIND),
        (standing.is_disputed, Silence.DISPUTED),
        (standing.is_on_its_way, Silence.ON_ITS_WAY),
        (standing.is_unmatched, Silence.UNMATCHED),
        (standing.credit > 0, Silence.CREDIT),
        (covers, Silence.DEPOSIT),
        (standing.is_refunding, Silence.REFUND),
        (standing.is_in_question, Silence.QUESTION),
        (paid_at is not None and now - paid_at < QUIET_AFTER_PAYMENT, Silence.JUST_PAID),
    )
    return next((silence for holds, silence in reasons if holds), None)


def day_at(now: datetime, hour: int) -> date:
    """The day whose reminders may leave: it begins at this hour, in UTC."""
    return (now - timedelta(hours=hour)).date()


def step_due(steps: Collection[int], *, due_on: date, sent_on: date, today: date) -> int | None:
    """The step to be taken today: of those whose day has come, the last one alone.

    A step on or before the day the invoice was sent is left out, and so is one that is more than
    a week late.
    """
    come = [
        step
        for step in steps
        if sent_on < due_on + timedelta(days=step) <= today
        and due_on + timedelta(days=step) >= today - timedelta(days=MADE_UP_DAYS)
    ]
    return max(come, default=None)


def next_step(steps: Collection[int], *, due_on: date, sent_on: date, today: date) -> int | None:
    """The step after today, if there is one."""
    coming = [
        step
        for step in steps
        if due_on + timedelta(days=step) > today and due_on + timedelta(days=step) > sent_on
    ]
    return min(coming, default=None)


def judged(steps: Collection[int]) -> tuple[int, ...]:
    """Steps fit to be kept: in order, each once. Raises Invalid."""
    if len(steps) > STEPS_MAX:
        raise Invalid(f"there are at most {STEPS_MAX} steps", field="steps")
    if any(not STEP_LEAST <= step <= STEP_MOST for step in steps):
        raise Invalid(f"a step is {STEP_LEAST} to {STEP_MOST} days from the due day", field="steps")
    return tuple(sorted(set(steps)))


def step_text(step: int | None) -> str:
    """A step in words."""
    if step is None:
        return "sent by hand"
    if step == 0:
        return "on the due day"
    count = f"{abs(step)} day{'' if abs(step) == 1 else 's'}"
    return f"{count} {'before' if step < 0 else 'after'} it is due"
