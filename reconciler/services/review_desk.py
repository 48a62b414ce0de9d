"""Who answers an open question; until when it, or a bill, is out of sight. Neither settles it."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from reconciler.books.bills import BillState
from reconciler.books.disputes import Stage
from reconciler.books.people import Role, is_at_least
from reconciler.books.reviews import ReviewState
from reconciler.errors import Conflict, Invalid, NotFound
from reconciler.services import audit, bills
from reconciler.timestamps import from_epoch
from reconciler.work import Work

SNOOZE_DAYS_MAX = 90  # what is put off for longer is forgotten

_ITEM = sa.text(
    """select kind, state, assigned_to, snoozed_until, details from review_item where id = :id
    for no key update"""
)
_PERSON = sa.text(
    """select id, name, role from user_account
    where (id = :who or lower(email) = lower(:who)) and disabled_at is null"""
)
_ASSIGN = sa.text("update review_item set assigned_to = :who where id = :id")
_SNOOZE = sa.text("update review_item set snoozed_until = :until where id = :id")


def assign(work: Work, item_id: str, who: str | None) -> None:
    """Make a question somebody's to answer, by their id or address; nobody's with None.

    Raises NotFound, Conflict for a question that is answered, and Invalid for somebody who is not
    here or may only look.
    """
    item = _open(work, item_id)
    person = _able(work, who) if who else None
    if person == item.assigned_to:
        work.has_only_looked = True
        return
    work.session.execute(_ASSIGN, {"id": item_id, "who": person})
    before, after = {"assigned_to": item.assigned_to}, {"assigned_to": person, "kind": item.kind}
    audit.note(work, "review_item.assigned", item_id, before=before, after=after)


def snooze(work: Work, item_id: str, until: date | None) -> date | None:
    """Put a question out of sight until that day begins, in UTC; back into sight with None.

    Gives until when it was out of sight before.

    It is back earlier if what it asks about changes. Raises NotFound, Conflict for a question
    that is answered, and Invalid for a day that is not ahead, too far, or not before the last day
    on which a bank takes an answer.
    """
    item = _open(work, item_id)
    _must_be_soon(work, until)
    last = answer_by(item.details)
    if until is not None and last is not None and until >= last:
        raise Invalid(
            f"the bank takes an answer until {last}: choose a day before that", field="until"
        )
    stood: date | None = item.snoozed_until
    if until == stood:
        work.has_only_looked = True
        return stood
    work.session.execute(_SNOOZE, {"id": item_id, "until": until})
    before = {"snoozed_until": _written(stood)}
    after = {"snoozed_until": _written(until), "kind": item.kind}
    audit.note(work, "review_item.snoozed", item_id, before=before, after=after)
    return stood


def snooze_bill(work: Work, bill_id: str, until: date | None) -> None:
    """Put a bill that is to be paid out of sight until that day begins; back into sight with None.

    It is owed and gets late as ever, and is back earlier if what was paid on it comes back.
    Raises NotFound, Conflict for one on which nothing is left to pay, and Invalid for the day.
    """
    bill = bills.lock(work, bill_id)
    if bill.state != BillState.OPEN or not bill.outstanding:
        raise Conflict(f"nothing is to be paid on bill {bill.number}")
    _must_be_soon(work, until)
    stood = bill.snoozed_until
    if until == stood:
        work.has_only_looked = True
        return
    bill.snoozed_until = until
    work.session.flush()
    before, after = {"snoozed_until": _written(stood)}, {"snoozed_until": _written(until)}
    audit.note(work, "bill.snoozed", bill_id, before=before, after=after)


def answer_by(details: Mapping[str, Any]) -> date | None:
    """The last day on which a bank takes an answer, of a question about a dispute that waits."""
    due = details.get("evidence_due")
    is_waiting = details.get("stage") == Stage.NEEDS_RESPONSE
    return from_epoch(due).date() if due and is_waiting else None


def _must_be_soon(work: Work, until: date | None) -> None:
    today = work.now.date()
    if until is not None and not today < until <= today + timedelta(days=SNOOZE_DAYS_MAX):
        raise Invalid(
            f"choose a day after today and at most {SNOOZE_DAYS_MAX} days ahead", field="until"
        )


def _open(work: Work, item_id: str) -> sa.Row[tuple[object, ...]]:
    item = work.session.execute(_ITEM, {"id": item_id}).first()
    if item is None:
        raise NotFound(f"there is no review item {item_id}")
    if item.state != ReviewState.OPEN:
        raise Conflict(f"review item {item_id} is resolved already")
    return item


def _able(work: Work, who: str) -> str:
    person = work.session.execute(_PERSON, {"who": who.strip()}).first()
    if person is None:
        raise Invalid("there is nobody of that name here", field="assigned_to")
    if not is_at_least(Role(person.role), Role.RECONCILER):
        raise Invalid(f"{person.name} may only look", field="assigned_to")
    return str(person.id)


def _written(day: date | None) -> str | None:
    return day.isoformat() if day else None
