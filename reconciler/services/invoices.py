"""Invoices: drafted, sent, credited, voided. What pays them is not decided here."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import TypedDict

import sqlalchemy as sa
from sqlmodel import col, select

from reconciler import currencies
from reconciler.books import invoices as rules, part_payments as part_rules, texts
from reconciler.books.consent import RefundPolicy
from reconciler.books.invoice_lines import Line
from reconciler.books.invoices import InvoiceState
from reconciler.books.webhooks import Told
from reconciler.errors import Conflict, Invalid, NotFound, Refused
from reconciler.ids import new_id
from reconciler.money import MINOR_MAX
from reconciler.services import (
    applications,
    audit,
    credit_notes,
    customers,
    freeing,
    invoice_lines,
    ledger,
    milestones,
    news,
    numbering,
    pay_links,
    rail_references,
    settlement,
    sign_offs,
)
from reconciler.store.invoices import Invoice
from reconciler.work import Task, Work

PREFIX = "INV-"
NUMBER_CHARS_MAX = 64
REFERENCE_CHARS_MAX = 128
DESCRIPTION_CHARS_MAX = 2_000
REASON_CHARS_MAX = 500


class _Owed(TypedDict):
    total: int
    tax: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInvoice:
    """What an invoice is made of: `lines`, or only a `total` in minor units of `currency`."""

    customer_id: str
    currency: str
    total: int | None = None
    lines: tuple[Line, ...] = ()
    number: str | None = None
    due_on: date | None = None
    issued_on: date | None = None
    project_id: str | None = None
    milestone_id: str | None = None
    description: str | None = None
    part_payments: str | None = None
    rail: str = "stripe"
    rail_payment_ids: tuple[str, ...] = ()
    rail_invoice_id: str | None = None


def create(work: Work, new: NewInvoice) -> str:
    """A draft, numbered with the next free number if none is given.

    Raises Invalid, or Conflict for a number that is taken.
    """
    customers.must_exist(work, new.customer_id)
    number = new.number or numbering.next_free(work.session, "invoice", PREFIX)
    invoice = Invoice(id=new_id("inv"), state=InvoiceState.DRAFT, created_at=work.now)
    given = {name: getattr(new, name) for name in _CHECKS if name != "number"}
    if new.lines:
        given["total"] = 1  # until the lines are there and say it
    _put(work, invoice, {**given, "number": number})
    work.session.add(invoice)
    work.session.flush()
    if new.lines:
        invoice_lines.put(work, invoice, new.lines)
        milestones.bill(work, invoice)
        invoice_lines.refuse_total(new.total, invoice)
    refer(work, invoice.id, new)
    references = {
        "rail_payment_ids": new.rail_payment_ids, "rail_invoice_id": new.rail_invoice_id,
    }  # fmt: skip
    audit.note(work, "invoice.created", invoice.id, after=_as_said(work, invoice) | references)
    return invoice.id


def patch(
    work: Work, invoice_id: str, changes: Mapping[str, object], *, rev: int | None = None
) -> None:
    """Change a draft. Raises NotFound, Invalid, Refused once sent, Conflict for an old rev."""
    invoice = _locked(work, invoice_id, rev)
    if invoice.state != InvoiceState.DRAFT:
        raise Refused(f"invoice {invoice.number} is {invoice.state}, only a draft can be changed")
    before = _as_said(work, invoice)
    known = invoice_lines.of(work, invoice_id)
    lines = _lines(changes["lines"]) if "lines" in changes else known
    invoice.tax = 0  # until the lines say it again: what is written meanwhile has to fit together
    _put(work, invoice, {name: value for name, value in changes.items() if name != "lines"})
    if lines or known:
        invoice_lines.put(work, invoice, lines)
        milestones.bill(work, invoice)
        invoice_lines.refuse_total(changes.get("total"), invoice)
    was, became = audit.changes(before, _as_said(work, invoice))
    audit.note(work, "invoice.changed", invoice_id, before=was, after=became)
    invoice.rev += 1
    work.session.flush()


def send(
    work: Work, invoice_id: str, *, rev: int | None = None, without_sign_off: str | None = None
) -> None:
    """From here on it is owed. Raises NotFound, Refused unless it is a draft, Conflict.

    One of a milestone that is not signed off is refused, unless it is said why it is sent
    `without_sign_off`. What its milestone has on deposit is used on it.
    """
    deposit_id = milestones.deposit_of(work, invoice_id)
    invoice = _locked(work, invoice_id, rev)
    rules.may_be_sent(InvoiceState(invoice.state), invoice.number)
    why = sign_offs.must_allow(work, invoice, without_sign_off)
    _note_state(work, invoice, InvoiceState.SENT, why=why)
    invoice.state = InvoiceState.SENT
    invoice.sent_at = work.now
    today = work.now.date()
    invoice.issued_on = texts.day_come(invoice.issued_on or today, field="issued_on", today=today)
    invoice.seeks_payment = True
    invoice.rev += 1
    work.session.flush()
    sent = rules.sent_entry(invoice.id, **_owed(invoice), issued_on=invoice.issued_on)
    ledger.post(work, [sent])
    if deposit_id is not None:
        applications.apply(work, deposit_id, invoice.id)
    work.nudge(Task.FIND_PAYMENTS)


def void(
    work: Work, invoice_id: str, *, rev: int | None = None, release_to: str | None = None
) -> None:
    """It was never owed. What is on it becomes what `release_to` says: credit or deposit.

    Raises NotFound, Conflict, Invalid, and Refused where money is on it and nobody said what
    becomes of it, or where it has credit notes.
    """
    if release_to is not None:
        freeing.release(work, invoice_id, release_to, rev=rev)
    invoice = _locked(work, invoice_id, None if release_to else rev)
    rules.may_be_voided(
        InvoiceState(invoice.state), invoice.number, paid=invoice.paid, credited=invoice.credited
    )
    was_sent = invoice.state == InvoiceState.SENT
    freed = {"release_to": release_to} if release_to else {}
    _note_state(work, invoice, InvoiceState.VOID, also=freed)
    invoice.state = InvoiceState.VOID
    invoice.voided_at = work.now
    invoice.seeks_payment = False
    invoice.rev += 1
    work.session.flush()
    if was_sent:
        ledger.post(work, [rules.voided_entry(invoice.id, **_owed(invoice))])


def credit_note(
    work: Work,
    invoice_id: str,
    *,
    amount: int,
    reason: str,
    freed_to: str | None = None,
    policy: RefundPolicy | None = None,
) -> str:
    """Lower what an invoice is owed; gives the note's id.

    More than is outstanding frees money that paid it, and `freed_to` says what becomes of that:
    credit, deposit or refund (`policy` says who may release one). Raises NotFound, Invalid, and
    Refused for more than is left of the invoice, or for money freed that nobody spoke of.
    """
    why = texts.line(reason, field="reason", chars_max=REASON_CHARS_MAX)
    to = freeing.known(freed_to)
    held = freeing.hold(work, invoice_id)
    invoice = held.invoice
    if invoice.state != InvoiceState.SENT:
        raise Refused(f"invoice {invoice.number} is {invoice.state}, only a sent one is credited")
    rules.may_be_credited(
        invoice.number,
        amount,
        outstanding=invoice.outstanding,
        paid=invoice.paid if to else 0,
        currency=invoice.currency,
    )
    note_id = new_id("cn")
    number = credit_notes.write(work, invoice, note_id, amount=amount, reason=why)
    settlement.finish(work, held.scene)
    credited: dict[str, object] = {"credit_note": note_id, "number": number, "amount": amount}
    credited |= {"currency": invoice.currency, "freed_to": freed_to}
    audit.note(work, "invoice.credited", invoice_id, after=credited, why=why)
    if to:
        freeing.put(work, held, to, why=f"{number}: {why}", policy=policy)
    return note_id


def take_parts(
    work: Work, invoice_id: str, part_payments: str | None, *, rev: int | None = None
) -> None:
    """What part of it may be paid at a time, also once it was sent; None: as its customer's.

    A page to pay on that was made before ends. Raises NotFound, Invalid, Conflict for an old rev.
    """
    invoice = _locked(work, invoice_id, rev)
    before = invoice.part_payments
    invoice.part_payments = _part_payments(part_payments)
    invoice.rev += 1
    was, became = {"part_payments": before}, {"part_payments": invoice.part_payments}
    audit.note(work, "invoice.parts_changed", invoice_id, before=was, after=became)
    work.session.flush()
    pay_links.end_those_of(work, invoice_id, "what may be paid at a time was changed")


def refer(work: Work, invoice_id: str, new: NewInvoice) -> None:
    """Tie the rail's objects named in `new` to the invoice."""
    names = [*new.rail_payment_ids, *([new.rail_invoice_id] if new.rail_invoice_id else [])]
    if names:
        rail_references.add(work, new.rail, names, invoice_id=invoice_id)


def add_references(work: Work, invoice_id: str, rail: str, object_ids: list[str]) -> None:
    """Tie more of a rail's objects to an invoice, sent or not. Raises NotFound, Conflict."""
    invoice = _locked(work, invoice_id, None)
    rail_references.add(work, rail, object_ids, invoice_id=invoice_id)
    audit.note(work, "invoice.referred", invoice_id, after={"rail": rail, "objects": object_ids})
    if invoice.state == InvoiceState.SENT:
        invoice.seeks_payment = True
        work.nudge(Task.FIND_PAYMENTS)
    invoice.rev += 1
    work.session.flush()


def _locked(work: Work, invoice_id: str, rev: int | None) -> Invoice:
    invoice = work.session.get(Invoice, invoice_id, with_for_update={"key_share": True})
    if invoice is None:
        raise NotFound(f"there is no invoice {invoice_id}")
    if rev is not None and rev != invoice.rev:
        raise Conflict(f"invoice {invoice.number} was changed meanwhile", field="rev")
    return invoice


def _as_said(work: Work, invoice: Invoice) -> dict[str, object]:
    said = {name: getattr(invoice, name) for name in _CHECKS}
    lines = invoice_lines.of(work, invoice.id)
    return said | ({"tax": invoice.tax, "lines": [asdict(one) for one in lines]} if lines else {})


def _owed(invoice: Invoice) -> _Owed:
    return {"total": invoice.total, "tax": invoice.tax, "currency": invoice.currency}


def _lines(value: object) -> tuple[Line, ...]:
    if not isinstance(value, Sequence) or not all(isinstance(one, Line) for one in value):
        raise Invalid("lines are a list of lines", field="lines")
    return tuple(value)


def _note_state(
    work: Work,
    invoice: Invoice,
    after: InvoiceState,
    *,
    why: str | None = None,
    also: Mapping[str, str] | None = None,
) -> None:
    action = "invoice.sent" if after is InvoiceState.SENT else "invoice.voided"
    was, became = {"state": invoice.state}, {"state": after, **(also or {})}
    audit.note(work, action, invoice.id, before=was, after=became, why=why)
    news.of_state(work, invoice, Told(action))


def _put(work: Work, invoice: Invoice, changes: Mapping[str, object]) -> None:
    for name, value in changes.items():
        if name not in _CHECKS:
            raise Invalid(f"{name} cannot be changed", field=name)
        setattr(invoice, name, _CHECKS[name](value))
    if "customer_id" in changes:
        customers.must_exist(work, invoice.customer_id)
    if "number" in changes:
        _not_taken(work, invoice)
    if changes.keys() & {"project_id", "milestone_id", "customer_id", "currency", "total"}:
        milestones.bill(work, invoice)


def _not_taken(work: Work, invoice: Invoice) -> None:
    same = sa.func.lower(sa.func.btrim(Invoice.number)) == invoice.number.lower()
    others = select(Invoice.id).where(same, col(Invoice.id) != invoice.id)
    with work.session.no_autoflush:
        if work.session.exec(others).first():
            raise Conflict(f"the number {invoice.number} is taken", field="number")


def _number(value: object) -> str:
    return texts.line(str(value or ""), field="number", chars_max=NUMBER_CHARS_MAX)


def _currency(value: object) -> str:
    return currencies.code(str(value or ""))


def _customer_id(value: object) -> str:
    return texts.line(str(value or ""), field="customer_id", chars_max=REFERENCE_CHARS_MAX)


def _total(value: object) -> int:
    if type(value) is not int or not 0 < value <= MINOR_MAX:
        raise Invalid("the total is a whole number of minor units above 0", field="total")
    return value


def _due_on(value: object) -> date | None:
    return texts.day(value, field="due_on")


def _issued_on(value: object) -> date | None:
    return texts.day(value, field="issued_on")


def _project_id(value: object) -> str | None:
    return _or_none(value, "project_id", REFERENCE_CHARS_MAX)


def _milestone_id(value: object) -> str | None:
    return _or_none(value, "milestone_id", REFERENCE_CHARS_MAX)


def _description(value: object) -> str | None:
    if value is None:
        return None
    return texts.words(str(value), field="description", chars_max=DESCRIPTION_CHARS_MAX) or None


def _part_payments(value: object) -> str | None:
    return None if value is None else part_rules.read(value).text


def _or_none(value: object, field: str, chars_max: int) -> str | None:
    return None if value is None else texts.line(str(value), field=field, chars_max=chars_max)


_CHECKS = {
    "number": _number,
    "customer_id": _customer_id,
    "currency": _currency,
    "total": _total,
    "due_on": _due_on,
    "issued_on": _issued_on,
    "project_id": _project_id,
    "milestone_id": _milestone_id,
    "description": _description,
    "part_payments": _part_payments,
}
