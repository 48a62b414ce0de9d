"""The period of a statement as it was asked for: this year so far, unless somebody says."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta

from reconciler.errors import Invalid
from reconciler.reads.client_statements import Part
from reconciler.web import forms

DAYS_MAX = 3_660


def asked(args: Mapping[str, str], today: date) -> tuple[date, date, str]:
    """The first day, the last, and what is wrong with what was asked; then it is this year."""
    try:
        since, until = (
            forms.day(args, name) if name in args else None for name in ("since", "until")
        )
        return *within(since, until, today), ""
    except Invalid as problem:
        return *within(None, None, today), str(problem)


def within(since: date | None, until: date | None, today: date) -> tuple[date, date]:
    """The first day and the last, this year so far where nobody says. Raises Invalid."""
    since, until = since or today.replace(month=1, day=1), until or today
    if since > until:
        raise Invalid("The first day has to come before the last", field="since")
    if until - since > timedelta(days=DAYS_MAX):
        raise Invalid("Ask for at most ten years at once", field="since")
    return since, until


def told(read: Callable[[], Part], problem: str) -> tuple[Part, str]:
    """What happened then, and what is wrong with what was asked, if anything is."""
    try:
        return read(), problem
    except Invalid as wrong:
        return Part(statements=[]), problem or str(wrong)
