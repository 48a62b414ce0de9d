"""The house's own words for reminders: written, and given up for the usual ones."""

from reconciler.books import reminder_words as rules
from reconciler.books.reminder_words import ReminderMoment, ReminderWords
from reconciler.errors import Conflict, NotFound
from reconciler.services import audit
from reconciler.store import reminders as store
from reconciler.work import Work

_NAMES = ("subject", "opening", "closing")


def write(work: Work, moment: str, text: ReminderWords, *, rev: int | None = None) -> None:
    """Say this at a moment from now on. Raises NotFound, Invalid naming the field, Conflict.

    `rev` is the revision that was changed, 0 where there was none.
    """
    kept = rules.judged(text)
    row = _row(work, moment, rev)
    before = _said(row) if row else {}
    if row is None:
        row = store.ReminderText(moment=moment, rev=0)
    for name in _NAMES:
        setattr(row, name, getattr(kept, name))
    row.changed_by, row.changed_at = f"{work.cause.kind}/{work.cause.id}", work.now
    row.rev += 1
    work.session.add(row)
    work.session.flush()
    audit.note(work, "reminder_text.changed", moment, before=before, after=_said(row))


def give_up(work: Work, moment: str, *, rev: int | None = None) -> None:
    """Say the usual words again. Twice is once. Raises NotFound, Conflict."""
    row = _row(work, moment, rev)
    work.has_only_looked = row is None
    if row is not None:
        audit.note(work, "reminder_text.given_up", moment, before=_said(row))
        work.session.delete(row)
        work.session.flush()


def _row(work: Work, moment: str, rev: int | None) -> store.ReminderText | None:
    if moment not in set(ReminderMoment):
        raise NotFound(f"there is no moment {moment}; there are {', '.join(ReminderMoment)}")
    row = work.session.get(store.ReminderText, moment, with_for_update=True)
    if rev is not None and rev != (row.rev if row else 0):
        raise Conflict("the text was changed by somebody else meanwhile", field="rev")
    return row


def _said(row: store.ReminderText) -> dict[str, object]:
    return {name: getattr(row, name) for name in _NAMES}
