"""Vendors as lists and screens show them, with what each is owed: one query for all who ask."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.errors import NotFound
from reconciler.reads.pages import Listing, Order, Page, Wanted, in_order


@dataclass(frozen=True, slots=True, kw_only=True)
class Payable:
    """What one currency of open bills and prepayments comes to, in minor units.

    billed = paid + outstanding; `overdue` is a part of outstanding. `prepaid` is what remains of
    prepayments, and no part of what is paid.
    """

    currency: str
    billed: int
    paid: int
    outstanding: int
    overdue: int
    prepaid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorRow:
    """One whose bills we pay. `balances` says by currency what is owed and was paid ahead."""

    id: str
    name: str
    email: str | None
    notes: str | None
    balances: dict[str, Payable]
    created_at: datetime
    rev: int


LISTING = Listing(
    source="vendor v",
    order=Order(("v.id",), ("text",)),
    conditions={
        "email": "lower(v.email) = lower(:email)",
        "name": "strpos(lower(v.name), lower(:name)) > 0",
    },
)
_VENDORS = sa.text(
    "select id, name, email, notes, created_at, rev from vendor where id = any(:ids)"
)
_PAYABLE = """select {by} as owner, currency, sum(billed)::bigint as billed,
      sum(paid)::bigint as paid, sum(outstanding)::bigint as outstanding,
      sum(overdue)::bigint as overdue, sum(prepaid)::bigint as prepaid
    from (
      select vendor_id, currency, total as billed, paid, outstanding,
        case when due_on < :today then outstanding else 0 end as overdue, 0 as prepaid
      from bill where state = 'open'
      union all
      select vendor_id, currency, 0, 0, 0, 0, amount - applied - refunded
      from prepayment where voided_at is null) x
    where {of} group by 1, 2 order by 1, 2"""
_OF_VENDORS = sa.text(_PAYABLE.format(by="vendor_id", of="vendor_id = any(:ids)"))
_OF_ALL = sa.text(_PAYABLE.format(by="'all'", of="true"))
_NAMES = sa.text("select id, name from vendor order by lower(name), id limit :limit")


def page(
    session: Session, filters: Mapping[str, object], wanted: Wanted, *, today: date
) -> Page[VendorRow]:
    """Vendors, the newest first."""
    ids, more = LISTING.keys(session, filters, wanted)
    return Page(in_order(ids, _load(session, ids, today)), more)


def one(session: Session, vendor_id: str, *, today: date) -> VendorRow:
    """One vendor. Raises NotFound."""
    found = _load(session, [vendor_id], today)
    if not found:
        raise NotFound(f"there is no vendor {vendor_id}")
    return found[vendor_id]


def payable(session: Session, *, today: date) -> dict[str, Payable]:
    """What all vendors are owed and were paid ahead, by currency."""
    return _by_owner(session, _OF_ALL, {"today": today}).get("all", {})


def names(session: Session, limit: int = 500) -> list[tuple[str, str]]:
    """Ids and names to choose from, by name."""
    return [(row.id, row.name) for row in session.execute(_NAMES, {"limit": limit})]


def _load(session: Session, ids: Collection[str], today: date) -> dict[str, VendorRow]:
    given = {"ids": list(ids)}
    stand = _by_owner(session, _OF_VENDORS, {**given, "today": today})
    return {
        row.id: VendorRow(**row._asdict(), balances=stand.get(row.id, {}))
        for row in session.execute(_VENDORS, given)
    }


def _by_owner(
    session: Session, query: sa.TextClause, given: Mapping[str, object]
) -> dict[str, dict[str, Payable]]:
    found: dict[str, dict[str, Payable]] = {}
    for row in session.execute(query, given):
        values = row._asdict()
        owner = values.pop("owner")
        found.setdefault(owner, {})[row.currency] = Payable(**values)
    return found
