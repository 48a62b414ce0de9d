"""The house's own words for reminders: a form for each moment, with a preview beside it."""

from dataclasses import dataclass

from flask import Response, request

from reconciler.books import reminder_words as rules
from reconciler.books.mail import Words
from reconciler.books.people import Role
from reconciler.books.reminder_words import ReminderMoment, ReminderWords
from reconciler.errors import NotFound, Refused
from reconciler.flows import remind
from reconciler.flows.send_mail import house_of
from reconciler.reads import reminder_texts as reads, screens_people
from reconciler.services import reminder_texts
from reconciler.web import forms
from reconciler.web.admin import errors
from reconciler.web.admin.desk import Desk, go
from reconciler.web.admin.routes import Screens

screens = Screens()

MOMENTS = {
    ReminderMoment.BEFORE: "Before the due day",
    ReminderMoment.ON: "On the due day",
    ReminderMoment.AFTER: "After the due day",
    ReminderMoment.DEPOSIT_BEFORE: "A deposit, before its due day",
    ReminderMoment.DEPOSIT_ON: "A deposit, on its due day",
    ReminderMoment.DEPOSIT_AFTER: "A deposit, after its due day",
}
_NOTHING_TO_DO = "If you have sent the money, there is nothing to do."
# Where a form begins that says nothing of its own yet: close to the usual words.
BEGINNINGS = {
    ReminderMoment.BEFORE: ReminderWords(
        subject="Invoice {number}: {left} due on {due_on}",
        opening="invoice {number} ({description}) is due on {due_on}.",
        closing=_NOTHING_TO_DO,
    ),
    ReminderMoment.ON: ReminderWords(
        subject="Invoice {number}: {left} due today",
        opening="invoice {number} ({description}) is due today.",
        closing=_NOTHING_TO_DO,
    ),
    ReminderMoment.AFTER: ReminderWords(
        subject="Invoice {number}: {left} was due on {due_on}",
        opening="invoice {number} ({description}) was due on {due_on}.",
        closing=_NOTHING_TO_DO,
    ),
    ReminderMoment.DEPOSIT_BEFORE: ReminderWords(
        subject="Deposit {number}: {left} due on {due_on}",
        opening="your deposit {number} is due on {due_on}; the work begins once it is here.",
        closing=_NOTHING_TO_DO,
    ),
    ReminderMoment.DEPOSIT_ON: ReminderWords(
        subject="Deposit {number}: {left} due today",
        opening="your deposit {number} is due today; the work begins once it is here.",
        closing=_NOTHING_TO_DO,
    ),
    ReminderMoment.DEPOSIT_AFTER: ReminderWords(
        subject="Deposit {number}: {left} was due on {due_on}",
        opening="your deposit {number} was due on {due_on}; the work begins once it is here.",
        closing=_NOTHING_TO_DO,
    ),
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One moment: what is in its form, whether it is the house's own, and how it reads."""

    moment: ReminderMoment
    title: str
    typed: ReminderWords
    rev: int
    is_own: bool
    changed: str
    reads: Words
    error: str = ""
    field: str = ""


@screens.get("/reminders/texts")
def show_reminder_texts(desk: Desk) -> Response:
    """What reminders say before, on and after the due day."""
    return _show(desk)


@screens.post("/reminders/texts/<moment>", Role.RECONCILER)
def write_reminder_text(desk: Desk, moment: str) -> Response:
    """Keep the words, look at them first, or say the usual ones again."""
    if moment not in set(ReminderMoment):
        raise NotFound(f"There is no moment {moment[:40]}")
    typed = ReminderWords(
        subject=request.form.get("subject", ""),
        opening=request.form.get("opening", ""),
        closing=request.form.get("closing", ""),
    )
    do = request.form.get("do", "")

    def deed() -> Response:
        if do == "look":
            return _show(desk, at=ReminderMoment(moment), typed=rules.judged(typed))
        rev = forms.whole(request.form, "rev")
        if do == "usual":
            desk.do(lambda work: reminder_texts.give_up(work, moment, rev=rev))
        else:
            desk.do(lambda work: reminder_texts.write(work, moment, typed, rev=rev))
        return go("show_reminder_texts", done=do or "keep", _anchor=moment)

    return errors.or_again(deed, lambda error: _show(desk, ReminderMoment(moment), typed, error))


def _show(
    desk: Desk,
    at: ReminderMoment | None = None,
    typed: ReminderWords | None = None,
    error: Refused | None = None,
) -> Response:
    with desk.runtime.read() as session:
        rows = reads.every(session)
        causes = {row.changed_by.rpartition("/")[2] for row in rows.values() if row.changed_by}
        names = screens_people.names_of_causes(session, causes)
    house = house_of(desk.runtime)
    sheets = []
    for moment, row in rows.items():
        is_here = moment is at
        said = typed if is_here and typed else row.text
        shown = said if not (is_here and error) else row.text
        sheets.append(
            Sheet(
                moment=moment,
                title=MOMENTS[moment],
                typed=said or BEGINNINGS[moment],
                rev=row.rev,
                is_own=row.text is not None,
                changed=names.get((row.changed_by or "").rpartition("/")[2], ""),
                reads=remind.sample(shown, moment, desk.now, house),
                error=errors.sentence(error) if error and is_here else "",
                field=(error.field or "") if error and is_here else "",
            )
        )
    return desk.page(
        "reminder_texts.html",
        status=errors.status_of(error),
        sheets=sheets,
        looked_at=at if error is None else None,
        fields=rules.FIELDS,
        words_max=rules.WORDS_CHARS_MAX,
        done=request.args.get("done", ""),
    )
