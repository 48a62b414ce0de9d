"""Credit notes of vendors: noted with their lines, used on a bill at once or later, voided.

Once noted, one is credit with the vendor like money paid ahead: services/prepayments.py uses it on
bills, takes it off again and records what the vendor pays out of it.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date

import sqlalchemy as sa
from sqlmodel import col, select

from reconciler import currencies
from reconciler.books import bills as bill_rules, invoice_lines, texts, vendor_credits as rules
from reconciler.books.bills import CostLine
from reconciler.books.invoice_lines import Priced
from reconciler.books.prepayments import PrepaymentKind
from reconciler.errors import Conflict, Invalid
from reconciler.ids import new_id
from reconciler.services import audit, ledger, prepayments, vendors
from reconciler.store.purchases import Prepayment, VendorCreditLine
from reconciler.work import Work

NUMBER_CHARS_MAX = 64
NOTES_CHARS_MAX = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCredit:
    """What stands on a vendor's credit note.

    `total`, in minor units, is only held against the lines. `bill_id` is the bill
    that it is used on at once, as far as that is owed; the rest stays.
    """

    vendor_id: str
    currency: str
    number: str
    lines: tuple[CostLine, ...]
    issued_on: date
    total: int | None = None
    notes: str | None = None
    bill_id: str | None = None


def note(work: Work, new: NewCredit) -> str:
    """Record a credit note; gives the id of the credit.

    Raises Invalid, Conflict for a number that this vendor's note has already, and Refused where the
    bill cannot take it.
    """
    vendors.must_exist(work, new.vendor_id)
    currency = currencies.code(new.currency)
    lines, priced = _priced(new, currency)
    number = texts.line(new.number, field="number", chars_max=NUMBER_CHARS_MAX)
    _not_taken(work, new.vendor_id, number)
    credit = Prepayment(
        id=new_id("pre"),
        kind=PrepaymentKind.CREDIT_NOTE,
        code=number,
        vendor_id=new.vendor_id,
        currency=currency,
        amount=priced.total,
        tax=priced.tax,
        paid_on=texts.day_come(new.issued_on, field="issued_on", today=work.now.date()),
        notes=_notes(new.notes),
        created_at=work.now,
    )
    work.session.add(credit)
    work.session.flush()
    work.session.execute(sa.insert(VendorCreditLine), list(_rows(credit.id, lines, priced)))
    costs = bill_rules.costs_of(priced.lines)
    on = credit.paid_on
    entry = rules.noted_entry(credit.id, costs=costs, tax=priced.tax, currency=currency, on=on)
    ledger.post(work, [entry])
    audit.note(work, "vendor_credit.noted", credit.id, after=_as_said(credit, lines))
    if new.bill_id:
        prepayments.apply(work, credit.id, new.bill_id)
    return credit.id


def _priced(new: NewCredit, currency: str) -> tuple[list[CostLine], Priced]:
    if not 0 < len(new.lines) <= invoice_lines.LINES_MAX:
        raise Invalid(
            f"a credit note has between 1 and {invoice_lines.LINES_MAX} lines", field="lines"
        )
    lines = [bill_rules.checked(line, place=place) for place, line in enumerate(new.lines)]
    priced = invoice_lines.priced(lines, currency)
    rules.may_be_noted(total=priced.total, tax=priced.tax)
    if new.total is not None and new.total != priced.total:
        raise Invalid(
            f"the lines with their tax come to {priced.total} minor units; where the vendor rounds"
            " otherwise, add a line for the difference",
            field="total",
        )
    return lines, priced


def _rows(credit_id: str, lines: Iterable[CostLine], priced: Priced) -> Iterable[dict[str, object]]:
    for place, (line, one) in enumerate(zip(lines, priced.lines, strict=True), 1):
        yield {
            **asdict(line), "prepayment_id": credit_id, "place": place, "net": one.net,
            "tax": one.tax,
        }  # fmt: skip


def _as_said(credit: Prepayment, lines: Iterable[CostLine]) -> dict[str, object]:
    return {
        "number": credit.code, "vendor_id": credit.vendor_id, "currency": credit.currency,
        "amount": credit.amount, "tax": credit.tax, "issued_on": credit.paid_on,
        "notes": credit.notes, "lines": [asdict(line) for line in lines],
    }  # fmt: skip


def _not_taken(work: Work, vendor_id: str, number: str) -> None:
    same = sa.func.lower(sa.func.btrim(Prepayment.code)) == number.lower()
    others = select(Prepayment.id).where(
        same,
        col(Prepayment.vendor_id) == vendor_id,
        col(Prepayment.kind) == PrepaymentKind.CREDIT_NOTE,
        col(Prepayment.voided_at).is_(None),
    )
    if work.session.exec(others).first():
        raise Conflict(f"a credit note {number} of this vendor is here already", field="number")


def _notes(value: str | None) -> str | None:
    if value is None:
        return None
    return texts.words(value, field="notes", chars_max=NOTES_CHARS_MAX) or None
