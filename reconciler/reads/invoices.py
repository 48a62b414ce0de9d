"""Invoices as lists and screens show them, with what pays them and what happened to them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.invoices import InvoiceState, InvoiceStatus, status
from reconciler.errors import NotFound
from reconciler.reads import balances, milestones, short_payments, timeline
from reconciler.reads.milestones import SignOff
from reconciler.reads.pages import Listing, Order, Page, Wanted, in_order
from reconciler.reads.short_payments import ShortPaymentRow
from reconciler.reads.timeline import Happening
from reconciler.store import holds
from reconciler.store.holds import ON_HOLD
from reconciler.work import Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePart:
    """What one payment (`payment_id`) or one deposit (`deposit_id`) pays of an invoice.

    `amount` is what the invoice takes up, `gross` what was meant for it, `credited` and
    `reopened` what refunds and disputes took back of that. Minor units.
    """

    id: str
    payment_id: str | None
    deposit_id: str | None
    amount: int
    gross: int
    credited: int
    reopened: int
    strategy: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLineRow:
    """One line: as it was written, and what it comes to.

    `quantity` and `tax_rate` (percent) are exact decimals. `net` is without tax, `tax` the line's
    part of the tax; both, as `unit_price`, in minor units.
    """

    description: str
    quantity: str
    unit_price: int
    tax_rate: str
    tax_name: str | None
    net: int
    tax: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNoteRow:
    """A document that lowers what is owed: `amount` in all, of that `tax`. Minor units.

    One that was `taken_back_at` some time lowers it no longer.
    """

    id: str
    number: str | None
    amount: int
    tax: int
    reason: str
    created_at: datetime
    taken_back_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceRow:
    """A claim on a customer, in minor units of `currency`.

    `subtotal` and `tax` make the total; `tax_credited` is what of the tax went with what was
    credited. An invoice of only a total has no lines, and no tax.

    total less credited less paid is outstanding. `credited` is all that lowers what is owed without
    paying it: credit notes, refunds that nobody is chased for, `written_off`, and `bank_fees` that
    went off on the way to us and that we bear. `status` follows
    from these and from `due_on`. `on_its_way` is held on a card or being collected for it, and not
    part of what is paid. `on_hold`: a dispute of what paid it is open, or lost and nobody
    has decided; nobody is to be asked to pay it meanwhile. `part_payments`: what part of it may be
    paid at a time; None: as its customer's. `sign_offs` are those of the milestone that it bills.
    """

    id: str
    number: str
    customer_id: str
    project_id: str | None
    milestone_id: str | None
    description: str | None
    currency: str
    subtotal: int
    tax: int
    tax_credited: int
    total: int
    paid: int
    credited: int
    written_off: int
    outstanding: int
    on_its_way: int
    status: InvoiceStatus
    issued_on: date | None
    due_on: date | None
    lines: list[InvoiceLineRow]
    credit_notes: list[CreditNoteRow]
    bank_fees: list[ShortPaymentRow]
    allocations: list[InvoicePart]
    history: list[Happening]
    sign_offs: list[SignOff]
    rail_references: list[str]
    on_hold: bool
    part_payments: str | None
    created_at: datetime
    sent_at: datetime | None
    voided_at: datetime | None
    rev: int


# The rule of books/invoices.py once more, so that a list can be filtered by it; a test holds the
# two together.
_STATUS = """case when i.state <> 'sent' then i.state
    when i.outstanding = 0 then case when i.write_offs > 0 then 'written_off'
      when i.refund_credits > 0 and i.paid = 0 then 'refunded' else 'paid' end
    when i.due_on < :today then 'overdue'
    when i.paid > 0 then 'partially_paid' else 'sent' end"""
LISTING = Listing(
    source="invoice i",
    order=Order(("i.created_at", "i.id"), ("timestamptz", "text")),
    conditions={
        "today": "cast(:today as date) is not null",
        "customer_id": "i.customer_id = :customer_id",
        "project_id": "i.project_id = :project_id",
        "number": "lower(btrim(i.number)) = lower(btrim(:number))",
        "currency": "i.currency = :currency",
        "status": f"{_STATUS} = :status",
        "is_open": "(i.state = 'sent' and i.outstanding > 0) = :is_open",
        "on_hold": f"(i.state = 'sent' and {ON_HOLD}) = :on_hold",
        "due_before": "i.due_on < :due_before",
        "rail_reference": """exists (select 1 from rail_reference r
            where r.invoice_id = i.id and r.object_id = :rail_reference)""",
    },
)
_ON_HOLD = sa.text(f"select 1 from invoice i where i.id = :id and i.state = 'sent' and {ON_HOLD}")
_INVOICES = sa.text(
    f"""select i.*, i.state = 'sent' and {ON_HOLD} as on_hold,
      array(select r.object_id from rail_reference r where r.invoice_id = i.id order by 1)
        as rail_references
    from invoice i where i.id = any(:ids)"""
)
_PARTS = sa.text(
    """select id, invoice_id, payment_id, null as deposit_id, amount, gross, credited, reopened,
      strategy, created_at from allocation where invoice_id = any(:ids) and closed_at is null
    union all
    select id, invoice_id, null, deposit_id, amount, gross, credited, reopened, 'applied',
      created_at from application where invoice_id = any(:ids) and closed_at is null
    order by created_at, id"""
)
_CREDIT_NOTES = sa.text(
    """select c.id, c.number, c.invoice_id, c.amount, c.tax, c.reason, c.created_at, c.cause_kind,
      c.cause_id, i.currency, t.created_at as taken_back_at, t.reason as taken_back_why,
      t.cause_kind as taken_back_kind, t.cause_id as taken_back_by
    from credit_note c join invoice i on i.id = c.invoice_id
      left join credit_note_taken_back t on t.credit_note_id = c.id
    where c.invoice_id = any(:ids) order by c.created_at, c.id"""
)
_PARTS_OF = sa.text("select part_payments from invoice where id = :id")
_LINES = sa.text(
    """select invoice_id, description, quantity, unit_price, tax_rate, tax_name, net, tax
    from invoice_line where invoice_id = any(:ids) order by invoice_id, place"""
)


def page(
    session: Session, filters: Mapping[str, object], wanted: Wanted, *, today: date
) -> Page[InvoiceRow]:
    """Invoices, the newest first."""
    ids, more = LISTING.keys(session, {**filters, "today": today}, wanted)
    return Page(in_order(ids, load(session, ids, today=today)), more)


def one(session: Session, invoice_id: str, *, today: date) -> InvoiceRow:
    """One invoice. Raises NotFound."""
    found = load(session, [invoice_id], today=today)
    if not found:
        raise NotFound(f"there is no invoice {invoice_id}")
    return found[invoice_id]


def is_on_hold(session: Session, invoice_id: str) -> bool:
    """Whether nobody is to be asked to pay it now, because of a dispute."""
    return session.execute(_ON_HOLD, {"id": invoice_id}).first() is not None


def why_on_hold(session: Session, ids: Collection[str]) -> dict[str, str]:
    """Those of these invoices that nobody is to be asked to pay now, each with why."""
    return holds.why(session, ids)


def parts_of(session: Session, invoice_id: str) -> str | None:
    """What part of it may be paid at a time, where it says so itself."""
    found = session.execute(_PARTS_OF, {"id": invoice_id}).scalar()
    return None if found is None else str(found)


def load(session: Session, ids: Collection[str], *, today: date) -> dict[str, InvoiceRow]:
    """These invoices, as they stand on a day."""
    given = {"ids": list(ids)}
    rows = session.execute(_INVOICES, given).all()
    notes = session.execute(_CREDIT_NOTES, given).all()
    parts, lines = _by_invoice(session, _PARTS, given), _by_invoice(session, _LINES, given)
    histories = _histories(session, rows, notes)
    stand = balances.of_invoices(session, ids, today=today)
    billed = milestones.of_invoices(session, ids, today=today)
    fees = short_payments.of_invoices(session, ids)
    return {
        row.id: _invoice(
            row,
            today,
            on_its_way=stand[row.id].on_its_way,
            allocations=[InvoicePart(**one) for one in parts.get(row.id, [])],
            lines=[InvoiceLineRow(**one) for one in lines.get(row.id, [])],
            credit_notes=[_note(note) for note in notes if note.invoice_id == row.id],
            bank_fees=fees.get(row.id, []),
            history=histories.get(row.id, []),
            sign_offs=billed[row.id].sign_offs if row.id in billed else [],
        )
        for row in rows
    }


def _by_invoice(
    session: Session, query: sa.TextClause, given: Mapping[str, object]
) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in session.execute(query, given):
        values = row._asdict()
        found.setdefault(values.pop("invoice_id"), []).append(values)
    return found


def _note(row: sa.Row[Any]) -> CreditNoteRow:
    columns = ("id", "number", "amount", "tax", "reason", "created_at", "taken_back_at")
    return CreditNoteRow(**{name: getattr(row, name) for name in columns})


def _invoice(row: sa.Row[Any], today: date, **more: Any) -> InvoiceRow:  # noqa: ANN401  its lists
    shown = status(
        InvoiceState(row.state),
        total=row.total,
        paid=row.paid,
        credited=row.credited,
        refunded=row.refund_credits,
        written_off=row.write_offs,
        due_on=row.due_on,
        today=today,
    )
    same = (
        "id", "number", "customer_id", "project_id", "milestone_id", "description", "currency",
        "tax", "tax_credited", "total", "paid", "credited", "outstanding", "issued_on", "due_on",
        "rail_references", "on_hold", "part_payments", "created_at", "sent_at", "voided_at", "rev",
    )  # fmt: skip
    return InvoiceRow(
        **{name: getattr(row, name) for name in same},
        **more,
        subtotal=row.total - row.tax,
        written_off=row.write_offs,
        status=shown,
    )


def _taken_back(note: sa.Row[Any]) -> Happening:
    why = f": {note.taken_back_why}" if note.taken_back_why else ""
    return Happening(
        at=note.taken_back_at,
        kind="decision",
        text=f"credit note {note.number or note.id} taken back{why}",
        ref=note.id,
        amount=-note.amount,
        currency=note.currency,
        cause=Cause(note.taken_back_kind, note.taken_back_by),
    )


def _histories(
    session: Session, rows: Collection[sa.Row[Any]], notes: Collection[sa.Row[Any]]
) -> timeline.Histories:
    ids = [row.id for row in rows]
    found: list[tuple[str, Happening]] = []
    for row in rows:
        moments = (("drafted", row.created_at), ("sent", row.sent_at), ("voided", row.voided_at))
        found += [
            (row.id, Happening(at=at, kind="decision", text=text, ref=row.id))
            for text, at in moments
            if at
        ]
    for note in notes:
        found.append(
            (
                note.invoice_id,
                Happening(
                    at=note.created_at, kind="decision", text=f"credit note: {note.reason}",
                    ref=note.id, amount=note.amount, currency=note.currency,
                    cause=Cause(note.cause_kind, note.cause_id),
                ),
            )
        )  # fmt: skip
        if note.taken_back_at:
            found.append((note.invoice_id, _taken_back(note)))
    for invoice_id, history in timeline.of_documents(session, "invoice_id", ids).items():
        found += [(invoice_id, happening) for happening in history]
    return timeline.by_owner(found)
