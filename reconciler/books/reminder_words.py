"""The words of reminders that the house may choose: plain text with fields named in braces.

Greeting, figures, link and signature are not among them: what is billed, received and left stands
in every reminder, whatever else it says.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from reconciler.books import texts
from reconciler.errors import Invalid

SUBJECT_CHARS_MAX = 150
WORDS_CHARS_MAX = 2_000

# What each field becomes.
FIELDS = {
    "customer": "the customer's name",
    "number": "the invoice's number, or the deposit's code",
    "description": "what the invoice is for, or the deposit's terms",
    "left": "what is left to pay",
    "billed": "what was billed, or asked for as a deposit",
    "received": "what was received",
    "credited": "what was credited",
    "deposit": "what is held as deposits and not used yet",
    "due_on": "the due day",
    "house": "your name",
}
_BRACES = re.compile(r"\{([^{}]*)\}|[{}]")


class ReminderMoment(StrEnum):
    """Where a reminder stands to the due day, of an invoice or of a deposit that is asked for."""

    BEFORE = "before"
    ON = "on"
    AFTER = "after"
    DEPOSIT_BEFORE = "deposit_before"
    DEPOSIT_ON = "deposit_on"
    DEPOSIT_AFTER = "deposit_after"

    @property
    def is_of_deposit(self) -> bool:
        """Whether a deposit is reminded of."""
        return self.value.startswith("deposit_")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderWords:
    """What the house says at a moment: before the figures and after them."""

    subject: str
    opening: str
    closing: str

    def filled(self, values: Mapping[str, str]) -> "ReminderWords":
        """The same with the fields' values. All that is in `FIELDS` has to be there."""
        return ReminderWords(
            subject=_filled(self.subject, values),
            opening=_filled(self.opening, values),
            closing=_filled(self.closing, values),
        )


def moment_of(due_on: date | None, today: date, *, is_deposit: bool = False) -> ReminderMoment:
    """The moment of a reminder that leaves today; without a due day, after it."""
    when = ReminderMoment.AFTER
    if due_on is not None and due_on >= today:
        when = ReminderMoment.ON if due_on == today else ReminderMoment.BEFORE
    return ReminderMoment(f"deposit_{when.value}") if is_deposit else when


def judged(text: ReminderWords) -> ReminderWords:
    """The text as it is kept. Raises Invalid, naming the field, for one that names no known one."""
    kept = ReminderWords(
        subject=texts.line(text.subject, field="subject", chars_max=SUBJECT_CHARS_MAX),
        opening=texts.words(text.opening, field="opening", chars_max=WORDS_CHARS_MAX),
        closing=texts.words(text.closing, field="closing", chars_max=WORDS_CHARS_MAX),
    )
    if not kept.opening:
        raise Invalid("opening must not be empty", field="opening")
    for name in ("subject", "opening", "closing"):
        for found in _BRACES.finditer(getattr(kept, name)):
            if found[1] is None:
                raise Invalid(f"{name} has a brace that belongs to no field", field=name)
            if found[1] not in FIELDS:
                known = ", ".join(f"{{{one}}}" for one in FIELDS)
                raise Invalid(
                    f"{name}: there is no field {found[0]}; there are {known}", field=name
                )
    return kept


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _BRACES.sub(lambda found: values[found[1]], text)
