"""The books are closed up to a day, and opened again: nothing is posted into what is closed.

What arrives late is posted on the first open day, and keeps the day on which it happened
(services/ledger.py; the database refuses the rest). A day that a person names is refused instead.
"""

from datetime import date, timedelta

from sqlmodel import Session

from reconciler.books import texts
from reconciler.errors import Invalid, Refused
from reconciler.services import audit
from reconciler.store import closings as store
from reconciler.store.closings import BooksClosing
from reconciler.work import Work

WHY_CHARS_MAX = 300
SUBJECT = "books"


def close(work: Work, through: date, *, note: str | None = None) -> None:
    """From here on nothing is posted on this day or before it.

    Waits for those who are posting. Raises Refused, naming the day, for one that is not over and
    for one that is closed already.
    """
    why = texts.line(note, field="note", chars_max=WHY_CHARS_MAX) if note else None
    store.hold(work.session)
    before = store.closed_through(work.session)
    last = work.now.date() - timedelta(days=1)
    if through > last:
        raise Refused(
            f"{through} is not over: the last day that can be closed is {last}", field="through"
        )
    if before is not None and through <= before:
        raise Refused(f"the books are closed through {before} already", field="through")
    entries = _write(work, through, why=why)
    after = {"through": through, "entries": entries}
    audit.note(work, "books.closed", SUBJECT, before={"through": before}, after=after, why=why)


def reopen(work: Work, through: date | None, *, reason: str) -> None:
    """From here on the books are closed through an earlier day only, or not at all.

    Raises Invalid without a reason, and Refused where that would open nothing.
    """
    why = texts.line(reason, field="reason", chars_max=WHY_CHARS_MAX)
    store.hold(work.session)
    before = store.closed_through(work.session)
    if before is None:
        raise Refused("the books are open", field="through")
    if through is not None and through >= before:
        raise Refused(
            f"the books are closed through {before}: say an earlier day, or none", field="through"
        )
    _write(work, through, why=why, reopened=True)
    was, became = {"through": before}, {"through": through}
    audit.note(work, "books.reopened", SUBJECT, before=was, after=became, why=why)


def must_be_open(session: Session, day: date, *, field: str) -> None:
    """Refuse a day that a person named for something to be posted on. Raises Refused.

    Nobody closes it before this transaction ends, so that what is posted counts on that very day.
    """
    closed = store.closed_for_now(session)
    if closed is not None and day <= closed:
        raise Refused(
            f"the books are closed through {closed}: the first open day is "
            f"{closed + timedelta(days=1)}",
            field=field,
        )


def posting_day(work: Work, day: date | None, *, field: str) -> date | None:
    """A day that a person named, fit to be posted on. Raises Invalid, Refused."""
    if day is None:
        return None
    if day > work.now.date():
        raise Invalid("a day that is to come has no postings yet", field=field)
    must_be_open(work.session, day, field=field)
    return day


def _write(work: Work, through: date | None, *, why: str | None, reopened: bool = False) -> int:
    entries, balances = store.standing(work.session, through) if through else (0, [])
    work.session.add(
        BooksClosing(
            through=through,
            reopened=reopened,
            why=why,
            entries=entries,
            balances=balances,
            cause_kind=work.cause.kind,
            cause_id=work.cause.id,
            at=work.now,
        )
    )
    work.session.flush()
    return entries
