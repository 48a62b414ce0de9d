"""Deposits: money asked for ahead of an invoice. What comes in is not decided here."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date

import sqlalchemy as sa
from sqlmodel import col, select

from reconciler import currencies
from reconciler.books import deposit_terms as rules, texts
from reconciler.books.deposit_terms import DepositTerms
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.ids import new_id
from reconciler.money import MINOR_MAX
from reconciler.services import (
    audit,
    customers,
    deposit_terms,
    milestones,
    numbering,
    pay_links,
    rail_references,
)
from reconciler.store.deposits import Deposit
from reconciler.work import Task, Work

PREFIX = "DEP-"
CODE_CHARS_MAX = 64
REFERENCE_CHARS_MAX = 128
NOTES_CHARS_MAX = 4_000

# What money may be for is settled once money came in; the words around it may still change.
_FIXED_ONCE_RECEIVED = frozenset({"customer_id", "currency", "amount", "code", "terms"})


Day = date  # under its own name, because a field is called `date`


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDeposit:
    """What a deposit is made of. `amount`, in minor units of `currency`, is what is expected.

    `terms`: on what terms it is given back; none: all that remains of it is. `expires_on`: the last
    day on which it is asked for, if nothing of it has come.
    """

    customer_id: str
    currency: str
    amount: int
    code: str | None = None
    date: Day | None = None
    project_id: str | None = None
    milestone_id: str | None = None
    received_into: str | None = None
    notes: str | None = None
    due_on: Day | None = None
    expires_on: Day | None = None
    terms: DepositTerms | None = None
    rail: str = "stripe"
    rail_payment_ids: tuple[str, ...] = ()


def create(work: Work, new: NewDeposit) -> str:
    """Expect a deposit, under the next free code if none is given.

    Raises Invalid, or Conflict for a code that is taken.
    """
    deposit = Deposit(
        id=new_id("dep"), created_at=work.now, taken_on=work.now.date(), seeks_payment=True
    )
    code = new.code or numbering.next_free(work.session, "deposit", PREFIX)
    given = {name: getattr(new, name) for name in _CHECKS if name not in {"code", "date"}}
    _put(work, deposit, {**given, "code": code, "date": new.date or work.now.date()})
    work.session.add(deposit)
    work.session.flush()
    if new.rail_payment_ids:
        rail_references.add(work, new.rail, new.rail_payment_ids, deposit_id=deposit.id)
    after = _as_said(deposit) | {"rail_payment_ids": new.rail_payment_ids}
    audit.note(work, "deposit.created", deposit.id, after=after)
    work.nudge(Task.FIND_PAYMENTS)
    return deposit.id


def patch(
    work: Work, deposit_id: str, changes: Mapping[str, object], *, rev: int | None = None
) -> None:
    """Change what is given. Once money came in, only the words around it.

    Raises NotFound, Invalid, Refused, or Conflict if `rev` is not the latest.
    """
    deposit = _locked(work, deposit_id)
    if rev is not None and rev != deposit.rev:
        raise Conflict(f"deposit {deposit.code} was changed meanwhile", field="rev")
    fixed = sorted(_FIXED_ONCE_RECEIVED & changes.keys())
    if fixed and deposit.received:
        raise Refused(
            f"deposit {deposit.code} has received money; {fixed[0]} stands", field=fixed[0]
        )
    before = _as_said(deposit)
    _put(work, deposit, changes)
    if "terms" in changes:
        work.session.flush()
        pay_links.end_those_of(work, deposit_id, "its terms were changed")
    was, became = audit.changes(before, _as_said(deposit))
    audit.note(work, "deposit.changed", deposit_id, before=was, after=became)
    deposit.rev += 1
    if fixed:
        _seek(work, deposit)
    work.session.flush()


def add_references(work: Work, deposit_id: str, rail: str, object_ids: list[str]) -> None:
    """Tie more of a rail's objects to a deposit. Raises NotFound, Conflict."""
    deposit = _locked(work, deposit_id)
    rail_references.add(work, rail, object_ids, deposit_id=deposit_id)
    audit.note(work, "deposit.referred", deposit_id, after={"rail": rail, "objects": object_ids})
    deposit.rev += 1
    _seek(work, deposit)
    work.session.flush()


def _as_said(deposit: Deposit) -> dict[str, object]:
    terms = deposit_terms.of(deposit)
    said: dict[str, object] = {
        name: getattr(deposit, _COLUMNS.get(name, name)) for name in _CHECKS if name != "terms"
    }
    return said | {"terms": asdict(terms) if terms else None}


def _seek(work: Work, deposit: Deposit) -> None:
    deposit.seeks_payment = True
    work.nudge(Task.FIND_PAYMENTS)


def _locked(work: Work, deposit_id: str) -> Deposit:
    deposit = work.session.get(Deposit, deposit_id, with_for_update={"key_share": True})
    if deposit is None:
        raise NotFound(f"there is no deposit {deposit_id}")
    return deposit


def _put(work: Work, deposit: Deposit, changes: Mapping[str, object]) -> None:
    for name, value in changes.items():
        if name not in _CHECKS:
            raise Invalid(f"{name} cannot be changed", field=name)
        kept = _CHECKS[name](value)
        if name == "terms":
            deposit_terms.put(deposit, kept if isinstance(kept, DepositTerms) else None)
        else:
            setattr(deposit, _COLUMNS.get(name, name), kept)
    if "customer_id" in changes:
        customers.must_exist(work, deposit.customer_id)
    if "code" in changes:
        same = sa.func.lower(sa.func.btrim(Deposit.code)) == deposit.code.lower()
        others = select(Deposit.id).where(same, col(Deposit.id) != deposit.id)
        if work.session.exec(others).first():
            raise Conflict(f"the code {deposit.code} is taken", field="code")
    _must_be_due_before_it_ends(deposit)
    if changes.keys() & {"project_id", "milestone_id", "customer_id", "currency", "amount"}:
        milestones.secure(work, deposit)


def _must_be_due_before_it_ends(deposit: Deposit) -> None:
    if deposit.expires_on and deposit.due_on and deposit.expires_on < deposit.due_on:
        raise Invalid(f"it is due on {deposit.due_on}: ask for it until then", field="expires_on")


def _code(value: object) -> str:
    return texts.line(str(value or ""), field="code", chars_max=CODE_CHARS_MAX)


def _customer_id(value: object) -> str:
    return texts.line(str(value or ""), field="customer_id", chars_max=REFERENCE_CHARS_MAX)


def _currency(value: object) -> str:
    return currencies.code(str(value or ""))


def _amount(value: object) -> int:
    if type(value) is not int or not 0 < value <= MINOR_MAX:
        raise Invalid("the amount is a whole number of minor units above 0", field="amount")
    return value


def _day(value: object) -> date:
    found = texts.day(value, field="date")
    if found is None:
        raise Invalid("date is a day such as 2026-11-22", field="date")
    return found


def _due_on(value: object) -> date | None:
    return texts.day(value, field="due_on")


def _expires_on(value: object) -> date | None:
    return texts.day(value, field="expires_on")


def _terms(value: object) -> DepositTerms | None:
    if value is None:
        return None
    if not isinstance(value, DepositTerms):
        raise Invalid("terms say when it is forfeited, and what is kept then", field="terms")
    return rules.checked(value)


def _project_id(value: object) -> str | None:
    return _or_none(value, "project_id")


def _milestone_id(value: object) -> str | None:
    return _or_none(value, "milestone_id")


def _or_none(value: object, field: str) -> str | None:
    if value is None:
        return None
    return texts.line(str(value), field=field, chars_max=REFERENCE_CHARS_MAX)


def _received_into(value: object) -> str | None:
    if value is None:
        return None
    return texts.line(str(value), field="received_into", chars_max=REFERENCE_CHARS_MAX)


def _notes(value: object) -> str | None:
    if value is None:
        return None
    return texts.words(str(value), field="notes", chars_max=NOTES_CHARS_MAX) or None


_CHECKS = {
    "code": _code,
    "customer_id": _customer_id,
    "currency": _currency,
    "amount": _amount,
    "date": _day,
    "project_id": _project_id,
    "milestone_id": _milestone_id,
    "received_into": _received_into,
    "notes": _notes,
    "due_on": _due_on,
    "expires_on": _expires_on,
    "terms": _terms,
}
_COLUMNS = {"date": "taken_on"}
