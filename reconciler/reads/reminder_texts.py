"""What reminders say, where the house has words of its own."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.reminder_words import ReminderMoment, ReminderWords


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderTextRow:
    """The words of a moment. Without a `text` the usual ones hold, and `rev` is 0."""

    moment: ReminderMoment
    text: ReminderWords | None
    changed_by: str | None
    changed_at: datetime | None
    rev: int


_ALL = sa.text("select * from reminder_text")


def every(session: Session) -> dict[ReminderMoment, ReminderTextRow]:
    """The words of each moment, in the order of the moments."""
    found = {row.moment: row for row in session.execute(_ALL)}
    return {moment: _row(moment, found.get(moment.value)) for moment in ReminderMoment}


def at(session: Session, moment: ReminderMoment) -> ReminderWords | None:
    """What the house says then, if it has words of its own."""
    return every(session)[moment].text


def _row(moment: ReminderMoment, row: sa.Row[tuple[object, ...]] | None) -> ReminderTextRow:
    if row is None:
        return ReminderTextRow(moment=moment, text=None, changed_by=None, changed_at=None, rev=0)
    text = ReminderWords(subject=row.subject, opening=row.opening, closing=row.closing)
    return ReminderTextRow(
        moment=moment,
        text=text,
        changed_by=row.changed_by,
        changed_at=row.changed_at,
        rev=row.rev,
    )
