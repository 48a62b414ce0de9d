"""Bills of vendors: drafted, opened, voided. What pays them is in bill_payments and prepayments."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import TypedDict

import sqlalchemy as sa
from sqlmodel import col, select

from reconciler import currencies
from reconciler.books import bills as rules, invoice_lines, texts
from reconciler.books.bills import BillState, CostLine
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.ids import new_id
from reconciler.services import audit, ledger, vendors
from reconciler.store.purchases import Bill, BillLine
from reconciler.work import Work

NUMBER_CHARS_MAX = 64
REFERENCE_CHARS_MAX = 128
DESCRIPTION_CHARS_MAX = 2_000


class _Owed(TypedDict):
    costs: dict[str, int]
    tax: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBill:
    """What stands on a vendor's bill. `total`, in minor units, is only held against the lines."""

    vendor_id: str
    currency: str
    number: str
    lines: tuple[CostLine, ...]
    total: int | None = None
    issued_on: date | None = None
    due_on: date | None = None
    description: str | None = None


def create(work: Work, new: NewBill) -> str:
    """A draft. Raises Invalid, or Conflict for a number that this vendor's bill has already."""
    bill = Bill(id=new_id("bill"), state=BillState.DRAFT, created_at=work.now, total=1)
    _put(work, bill, {name: getattr(new, name) for name in _CHECKS})
    work.session.add(bill)
    work.session.flush()  # its total is what the lines say, as soon as they are there
    _put_lines(work, bill, new.lines)
    _refuse_total(new.total, bill)
    audit.note(work, "bill.created", bill.id, after=_as_said(work, bill))
    return bill.id


def patch(
    work: Work, bill_id: str, changes: Mapping[str, object], *, rev: int | None = None
) -> None:
    """Change a draft. Raises NotFound, Invalid, Refused once it is open, Conflict for an old rev.

    `total` changes nothing: it is held against the lines.
    """
    bill = lock(work, bill_id, rev)
    if bill.state != BillState.DRAFT:
        raise Refused(f"bill {bill.number} is {bill.state}, only a draft can be changed")
    before = _as_said(work, bill)
    lines = _given_lines(changes["lines"]) if "lines" in changes else lines_of(work, bill_id)
    _put(work, bill, {n: value for n, value in changes.items() if n not in {"lines", "total"}})
    _put_lines(work, bill, lines)
    _refuse_total(changes.get("total"), bill)
    was, became = audit.changes(before, _as_said(work, bill))
    audit.note(work, "bill.changed", bill_id, before=was, after=became)
    bill.rev += 1
    work.session.flush()


def open_(work: Work, bill_id: str, *, rev: int | None = None) -> None:
    """From here on we owe it. Raises NotFound, Refused unless it is a draft, Conflict."""
    bill = lock(work, bill_id, rev)
    rules.may_be_opened(BillState(bill.state), bill.number)
    audit.note(
        work, "bill.opened", bill_id, before={"state": bill.state}, after={"state": BillState.OPEN}
    )
    bill.state = BillState.OPEN
    bill.opened_at = work.now
    today = work.now.date()
    bill.issued_on = texts.day_come(bill.issued_on or today, field="issued_on", today=today)
    bill.rev += 1
    work.session.flush()
    opened = rules.opened_entry(bill_id, **_owed(work, bill), issued_on=bill.issued_on)
    ledger.post(work, [opened])


def void(work: Work, bill_id: str, *, rev: int | None = None) -> None:
    """It was never owed; its number is free again. Raises NotFound, Conflict, Refused once paid."""
    bill = lock(work, bill_id, rev)
    state = BillState(bill.state)
    rules.may_be_voided(state, bill.number, paid=bill.paid, currency=bill.currency)
    audit.note(
        work, "bill.voided", bill_id, before={"state": state}, after={"state": BillState.VOID}
    )
    bill.state = BillState.VOID
    bill.voided_at = work.now
    bill.rev += 1
    work.session.flush()
    if state is BillState.OPEN:
        ledger.post(work, [rules.voided_entry(bill_id, **_owed(work, bill))])


def lock(work: Work, bill_id: str, rev: int | None = None) -> Bill:
    """The bill's row, held for this transaction. Raises NotFound, Conflict for an old rev."""
    bill = work.session.get(Bill, bill_id, with_for_update={"key_share": True})
    if bill is None:
        raise NotFound(f"there is no bill {bill_id}")
    if rev is not None and rev != bill.rev:
        raise Conflict(f"bill {bill.number} was changed meanwhile", field="rev")
    return bill


def lines_of(work: Work, bill_id: str) -> tuple[CostLine, ...]:
    """The lines of a bill as they were written, in their order."""
    names = ("description", "quantity", "unit_price", "tax_rate", "tax_name", "category")
    return tuple(
        CostLine(**{name: getattr(row, name) for name in names}) for row in _rows(work, bill_id)
    )


def _rows(work: Work, bill_id: str) -> Sequence[BillLine]:
    wanted = select(BillLine).where(col(BillLine.bill_id) == bill_id)
    return work.session.exec(wanted.order_by(col(BillLine.place))).all()


def _owed(work: Work, bill: Bill) -> _Owed:
    costs = rules.costs((row.category, row.net) for row in _rows(work, bill.id))
    return {"costs": costs, "tax": bill.tax, "currency": bill.currency}


def _as_said(work: Work, bill: Bill) -> dict[str, object]:
    said = {name: getattr(bill, name) for name in _CHECKS}
    lines = [asdict(one) for one in lines_of(work, bill.id)]
    return said | {"total": bill.total, "tax": bill.tax, "lines": lines}


def _put_lines(work: Work, bill: Bill, lines: Sequence[CostLine]) -> None:
    """Let these be all of a draft's lines, and its total and tax what they come to."""
    if not 0 < len(lines) <= invoice_lines.LINES_MAX:
        raise Invalid(f"a bill has between 1 and {invoice_lines.LINES_MAX} lines", field="lines")
    checked = [rules.checked(line, place=place) for place, line in enumerate(lines)]
    priced = invoice_lines.priced(checked, bill.currency)
    bill.total, bill.tax = priced.total, priced.tax
    work.session.flush()
    work.session.execute(sa.delete(BillLine).where(col(BillLine.bill_id) == bill.id))
    rows = [
        {**asdict(line), "bill_id": bill.id, "place": place, "net": one.net, "tax": one.tax}
        for place, (line, one) in enumerate(zip(checked, priced.lines, strict=True), 1)
    ]
    work.session.execute(sa.insert(BillLine), rows)


def _refuse_total(total: object, bill: Bill) -> None:
    if total is not None and total != bill.total:
        raise Invalid(
            f"the lines with their tax come to {bill.total} minor units; where the vendor rounds"
            " otherwise, add a line for the difference",
            field="total",
        )


def _given_lines(value: object) -> tuple[CostLine, ...]:
    if not isinstance(value, Sequence) or not all(isinstance(one, CostLine) for one in value):
        raise Invalid("lines are a list of lines", field="lines")
    return tuple(value)


def _put(work: Work, bill: Bill, changes: Mapping[str, object]) -> None:
    for name, value in changes.items():
        if name not in _CHECKS:
            raise Invalid(f"{name} cannot be changed", field=name)
        setattr(bill, name, _CHECKS[name](value))
    if "vendor_id" in changes:
        vendors.must_exist(work, bill.vendor_id)
    if changes.keys() & {"vendor_id", "number"}:
        _not_taken(work, bill)


def _not_taken(work: Work, bill: Bill) -> None:
    same = sa.func.lower(sa.func.btrim(Bill.number)) == bill.number.lower()
    others = select(Bill.id).where(
        same,
        col(Bill.vendor_id) == bill.vendor_id,
        col(Bill.state) != BillState.VOID,
        col(Bill.id) != bill.id,
    )
    with work.session.no_autoflush:
        if work.session.exec(others).first():
            raise Conflict(f"a bill {bill.number} of this vendor is here already", field="number")


def _number(value: object) -> str:
    return texts.line(str(value or ""), field="number", chars_max=NUMBER_CHARS_MAX)


def _currency(value: object) -> str:
    return currencies.code(str(value or ""))


def _vendor_id(value: object) -> str:
    return texts.line(str(value or ""), field="vendor_id", chars_max=REFERENCE_CHARS_MAX)


def _issued_on(value: object) -> date | None:
    return texts.day(value, field="issued_on")


def _due_on(value: object) -> date | None:
    return texts.day(value, field="due_on")


def _description(value: object) -> str | None:
    if value is None:
        return None
    return texts.words(str(value), field="description", chars_max=DESCRIPTION_CHARS_MAX) or None


_CHECKS = {
    "number": _number,
    "vendor_id": _vendor_id,
    "currency": _currency,
    "issued_on": _issued_on,
    "due_on": _due_on,
    "description": _description,
}
