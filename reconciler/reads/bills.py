"""Bills as lists and screens show them, with what pays them and what happened to them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.bank_lines import TargetKind
from reconciler.books.bills import BillState, BillStatus, status
from reconciler.books.prepayments import PrepaymentKind
from reconciler.errors import NotFound
from reconciler.reads import timeline
from reconciler.reads.pages import Listing, Order, Page, Wanted, in_order
from reconciler.reads.timeline import Happening
from reconciler.store.bank_targets import on_statement


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLineRow:
    """One line of a bill, or of a vendor's credit note.

    It is as it was written, with what it is a cost of, and what it comes to.

    `quantity` and `tax_rate` (percent) are exact decimals. `net` is without tax, `tax` the line's
    part of the tax; both, as `unit_price`, in minor units.
    """

    description: str
    category: str
    quantity: str
    unit_price: int
    tax_rate: str
    tax_name: str | None
    net: int
    tax: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BillPaymentRow:
    """Money that left the bank for a bill, in minor units. `statement_id`: where that is shown."""

    id: str
    amount: int
    paid_on: date
    reference: str | None
    statement_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BillUse:
    """What a prepayment, or a credit note by its number, pays of a bill. Minor units."""

    id: str
    prepayment_id: str
    prepayment_code: str
    kind: PrepaymentKind
    amount: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BillRow:
    """What we owe a vendor, in minor units of `currency`.

    `subtotal` and `tax` make the total; total less paid is outstanding. `status` follows from these
    and from `due_on`. `payments` and `applications` (of prepayments) are what is paid. Somebody put
    it off until the day `snoozed_until` begins, or until what was paid on it comes back.
    """

    id: str
    number: str
    vendor_id: str
    vendor_name: str
    description: str | None
    currency: str
    subtotal: int
    tax: int
    total: int
    paid: int
    outstanding: int
    status: BillStatus
    issued_on: date | None
    due_on: date | None
    lines: list[BillLineRow]
    payments: list[BillPaymentRow]
    applications: list[BillUse]
    history: list[Happening]
    created_at: datetime
    opened_at: datetime | None
    voided_at: datetime | None
    snoozed_until: date | None
    rev: int


DUE_SOON = timedelta(days=7)  # what Today shows ahead of its day

# The rule of books/bills.py once more, so that a list can be filtered by it; a test holds the two
# together.
_STATUS = """case when b.state <> 'open' then b.state when b.outstanding = 0 then 'paid'
    when b.due_on < :today then 'overdue' when b.paid > 0 then 'partially_paid' else 'open' end"""
LISTING = Listing(
    source="bill b",
    order=Order(("b.created_at", "b.id"), ("timestamptz", "text")),
    conditions={
        "today": "cast(:today as date) is not null",
        "vendor_id": "b.vendor_id = :vendor_id",
        "number": "lower(btrim(b.number)) = lower(btrim(:number))",
        "currency": "b.currency = :currency",
        "status": f"{_STATUS} = :status",
        "is_open": "(b.state = 'open' and b.outstanding > 0) = :is_open",
        "is_part_paid": """(b.state = 'open' and b.outstanding > 0 and b.paid > 0)
            = :is_part_paid""",
        "is_snoozed": """(b.state = 'open' and b.outstanding > 0
            and coalesce(b.snoozed_until > :today, false)) = :is_snoozed""",
        "due_before": "b.due_on < :due_before",
        "due_from": "b.due_on >= :due_from",
        "category": """exists (select 1 from bill_line l
            where l.bill_id = b.id and l.category = :category)""",
    },
)
_BILLS = sa.text(
    """select b.*, v.name as vendor_name from bill b join vendor v on v.id = b.vendor_id
    where b.id = any(:ids)"""
)
_LINES = sa.text(
    """select bill_id, description, category, quantity, unit_price, tax_rate, tax_name, net, tax
    from bill_line where bill_id = any(:ids) order by bill_id, place"""
)
_PAYMENTS = sa.text(
    f"""select bill_id, id, amount, paid_on, reference, created_at,
      {on_statement(TargetKind.BILL_PAYMENT, "bill_payment.id")} as statement_id
    from bill_payment
    where bill_id = any(:ids) and closed_at is null order by created_at, id"""
)
_USES = sa.text(
    """select u.bill_id, u.id, u.prepayment_id, q.code as prepayment_code, q.kind, u.amount,
      u.created_at
    from prepayment_application u join prepayment q on q.id = u.prepayment_id
    where u.bill_id = any(:ids) and u.closed_at is null order by u.created_at, u.id"""
)
# What is partly paid and overdue is in both of these views.
_NUMBERS = sa.text(
    """select count(*) as all, count(*) filter (where is_open) as open,
      count(*) filter (where is_open and paid > 0) as part,
      count(*) filter (where is_open and due_on between :today and :until) as due,
      count(*) filter (where is_open and due_on < :today) as overdue,
      count(*) filter (where state = 'open' and outstanding = 0) as paid,
      count(*) filter (where state = 'draft') as draft,
      count(*) filter (where is_open and snoozed_until > :today) as snoozed
    from (select *, state = 'open' and outstanding > 0 as is_open from bill) b
    where cast(:vendor as text) is null or vendor_id = :vendor"""
)
_CATEGORIES = sa.text("select distinct category from bill_line order by 1 limit :limit")


def page(
    session: Session, filters: Mapping[str, object], wanted: Wanted, *, today: date
) -> Page[BillRow]:
    """Bills, the newest first."""
    ids, more = LISTING.keys(session, {**filters, "today": today}, wanted)
    return Page(in_order(ids, load(session, ids, today=today)), more)


def one(session: Session, bill_id: str, *, today: date) -> BillRow:
    """One bill. Raises NotFound."""
    found = load(session, [bill_id], today=today)
    if not found:
        raise NotFound(f"there is no bill {bill_id}")
    return found[bill_id]


def numbers(session: Session, *, today: date, vendor_id: str | None = None) -> dict[str, int]:
    """How many bills each view of the list has, of all vendors or of one."""
    given = {"today": today, "until": today + DUE_SOON, "vendor": vendor_id}
    return dict(session.execute(_NUMBERS, given).one()._asdict())


def categories(session: Session, limit: int = 200) -> list[str]:
    """What costs are sorted by so far."""
    return list(session.scalars(_CATEGORIES, {"limit": limit}))


def load(session: Session, ids: Collection[str], *, today: date) -> dict[str, BillRow]:
    """These bills, as they stand on a day."""
    given = {"ids": list(ids)}
    lines = _by_bill(session, _LINES, given)
    payments, uses = _by_bill(session, _PAYMENTS, given), _by_bill(session, _USES, given)
    rows = session.execute(_BILLS, given).all()
    histories = _histories(session, rows)
    return {
        row.id: _bill(
            row,
            today,
            lines=[BillLineRow(**one) for one in lines.get(row.id, [])],
            payments=[BillPaymentRow(**one) for one in payments.get(row.id, [])],
            applications=[_use(one) for one in uses.get(row.id, [])],
            history=histories.get(row.id, []),
        )
        for row in rows
    }


def _by_bill(
    session: Session, query: sa.TextClause, given: Mapping[str, object]
) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in session.execute(query, given):
        values = row._asdict()
        found.setdefault(values.pop("bill_id"), []).append(values)
    return found


def _use(said: dict[str, Any]) -> BillUse:
    return BillUse(**said | {"kind": PrepaymentKind(said["kind"])})


def _bill(row: sa.Row[Any], today: date, **more: Any) -> BillRow:  # noqa: ANN401  its lists
    state = BillState(row.state)
    shown = status(state, total=row.total, paid=row.paid, due_on=row.due_on, today=today)
    same = (
        "id", "number", "vendor_id", "vendor_name", "description", "currency", "tax", "total",
        "paid", "outstanding", "issued_on", "due_on", "created_at", "opened_at", "voided_at",
        "snoozed_until", "rev",
    )  # fmt: skip
    return BillRow(
        **{name: getattr(row, name) for name in same},
        **more,
        subtotal=row.total - row.tax,
        status=shown,
    )


def _histories(session: Session, rows: Collection[sa.Row[Any]]) -> timeline.Histories:
    found = [
        (row.id, Happening(at=at, kind="decision", text=text, ref=row.id))
        for row in rows
        for text, at in (
            ("drafted", row.created_at),
            ("opened", row.opened_at),
            ("voided", row.voided_at),
        )
        if at
    ]
    for bill_id, history in timeline.of_documents(
        session, "bill_id", [row.id for row in rows]
    ).items():
        found += [(bill_id, happening) for happening in history]
    return timeline.by_owner(found)
