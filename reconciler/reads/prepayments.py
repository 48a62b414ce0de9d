"""Prepayments as lists and screens show them, with the bills that absorb them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import prepayments as rules
from reconciler.books.bank_lines import TargetKind
from reconciler.books.prepayments import PrepaymentKind, PrepaymentStatus
from reconciler.errors import NotFound
from reconciler.reads import timeline
from reconciler.reads.bills import BillLineRow
from reconciler.reads.pages import Listing, Order, Page, Wanted, in_order
from reconciler.reads.timeline import Happening
from reconciler.store.bank_targets import on_statement


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepaymentUse:
    """What of a prepayment a bill absorbs. Minor units."""

    id: str
    bill_id: str
    bill_number: str
    amount: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepaymentRefund:
    """What the vendor gave back. Minor units; `statement_id` is where the bank shows it."""

    id: str
    amount: int
    received_on: date
    reference: str | None
    statement_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepaymentRow:
    """Money paid to a vendor ahead of their bill, or credited by them, in minor units. An asset.

    Of a credit note, `code` is the vendor's number and `paid_on` the day on it; it has lines, and
    `tax` is part of its amount.
    amount = applied + refunded + remaining, unless it is void: then nothing remains.
    `statement_id` is where the bank shows that it left.
    """

    id: str
    kind: PrepaymentKind
    code: str
    vendor_id: str
    vendor_name: str
    currency: str
    amount: int
    tax: int
    applied: int
    refunded: int
    remaining: int
    status: PrepaymentStatus
    paid_on: date
    reference: str | None
    statement_id: str | None
    notes: str | None
    lines: list[BillLineRow]
    applications: list[PrepaymentUse]
    refunds: list[PrepaymentRefund]
    history: list[Happening]
    created_at: datetime
    voided_at: datetime | None
    rev: int


_STATUS = """case when q.voided_at is not null then 'void'
    when q.amount = q.applied + q.refunded then 'completed'
    when q.applied > 0 then 'partially_applied' else 'unapplied' end"""
LISTING = Listing(
    source="prepayment q",
    order=Order(("q.created_at", "q.id"), ("timestamptz", "text")),
    conditions={
        "vendor_id": "q.vendor_id = :vendor_id",
        "kind": "q.kind = :kind",
        "code": "lower(btrim(q.code)) = lower(btrim(:code))",
        "currency": "q.currency = :currency",
        "status": f"{_STATUS} = :status",
        "has_remaining": """(q.voided_at is null and q.amount > q.applied + q.refunded)
            = :has_remaining""",
    },
)
_PREPAYMENTS = sa.text(
    f"""select q.*, v.name as vendor_name,
      {on_statement(TargetKind.PREPAYMENT, "q.id")} as statement_id
    from prepayment q join vendor v on v.id = q.vendor_id
    where q.id = any(:ids)"""
)
_LINES = sa.text(
    """select prepayment_id, description, category, quantity, unit_price, tax_rate, tax_name, net,
      tax
    from vendor_credit_line where prepayment_id = any(:ids) order by prepayment_id, place"""
)
_USES = sa.text(
    """select u.prepayment_id, u.id, u.bill_id, b.number as bill_number, u.amount, u.created_at
    from prepayment_application u join bill b on b.id = u.bill_id
    where u.prepayment_id = any(:ids) and u.closed_at is null order by u.created_at, u.id"""
)
_REFUNDS = sa.text(
    f"""select prepayment_id, id, amount, received_on, reference, created_at,
      {on_statement(TargetKind.VENDOR_REFUND, "vendor_refund.id")} as statement_id
    from vendor_refund
    where prepayment_id = any(:ids) and closed_at is null order by created_at, id"""
)


def page(session: Session, filters: Mapping[str, object], wanted: Wanted) -> Page[PrepaymentRow]:
    """Prepayments, the newest first."""
    ids, more = LISTING.keys(session, filters, wanted)
    return Page(in_order(ids, load(session, ids)), more)


def one(session: Session, prepayment_id: str) -> PrepaymentRow:
    """One prepayment. Raises NotFound."""
    found = load(session, [prepayment_id])
    if not found:
        raise NotFound(f"there is no prepayment {prepayment_id}")
    return found[prepayment_id]


def load(session: Session, ids: Collection[str]) -> dict[str, PrepaymentRow]:
    """These prepayments."""
    given = {"ids": list(ids)}
    uses = _by_prepayment(session, _USES, given)
    refunds = _by_prepayment(session, _REFUNDS, given)
    lines = _by_prepayment(session, _LINES, given)
    histories = timeline.of_documents(session, "prepayment_id", ids)
    return {
        row.id: _prepayment(
            row,
            lines=[BillLineRow(**one) for one in lines.get(row.id, [])],
            applications=[PrepaymentUse(**one) for one in uses.get(row.id, [])],
            refunds=[PrepaymentRefund(**one) for one in refunds.get(row.id, [])],
            history=histories.get(row.id, []),
        )
        for row in session.execute(_PREPAYMENTS, given)
    }


def _by_prepayment(
    session: Session, query: sa.TextClause, given: Mapping[str, object]
) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in session.execute(query, given):
        values = row._asdict()
        found.setdefault(values.pop("prepayment_id"), []).append(values)
    return found


def _prepayment(row: sa.Row[Any], **more: Any) -> PrepaymentRow:  # noqa: ANN401  its lists
    used = {"amount": row.amount, "applied": row.applied, "refunded": row.refunded}
    is_void = row.voided_at is not None
    same = (
        "id", "code", "tax", "vendor_id", "vendor_name", "currency", "paid_on", "reference",
        "notes", "statement_id", "created_at", "voided_at", "rev",
    )  # fmt: skip
    return PrepaymentRow(
        **{name: getattr(row, name) for name in same},
        **used,
        **more,
        kind=PrepaymentKind(row.kind),
        remaining=0 if is_void else rules.remaining(**used),
        status=rules.status(**used, is_void=is_void),
    )
