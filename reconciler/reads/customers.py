"""Customers as lists and screens show them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.errors import NotFound
from reconciler.reads import balances
from reconciler.reads.balances import Balance
from reconciler.reads.pages import Listing, Order, Page, Wanted, in_order


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRow:
    """One who is invoiced and pays.

    `overpayment_policy`: what becomes of money beyond what they owe, once it has come to rest.
    `part_payments`: what part of a document they may pay at a time, where it says nothing itself.
    `deposit_policy`: whether a deposit is used on its milestone's invoice by itself.
    `rail_customers` says what each rail calls them; `credit` is money received from them and
    held unapplied, by currency, in minor units. `balances` says by currency all that they owe
    and all that is held for them.
    """

    id: str
    name: str
    email: str | None
    overpayment_policy: str
    part_payments: str
    deposit_policy: str
    rail_customers: dict[str, str]
    credit: dict[str, int]
    balances: dict[str, Balance]
    created_at: datetime
    rev: int


LISTING = Listing(
    source="customer c",
    order=Order(("c.id",), ("text",)),
    conditions={
        "email": "lower(c.email) = lower(:email)",
        "name": "strpos(lower(c.name), lower(:name)) > 0",
        "rail_customer_id": """exists (select 1 from customer_rail_id r
            where r.customer_id = c.id and r.rail_customer_id = :rail_customer_id)""",
    },
)
_CUSTOMERS = sa.text(
    """select id, name, email, overpayment_policy, part_payments, deposit_policy,
      created_at, rev from customer
    where id = any(:ids)"""
)
_RAIL_IDS = sa.text(
    """select customer_id, rail, rail_customer_id from customer_rail_id
    where customer_id = any(:ids) order by rail, rail_customer_id desc"""
)


def page(
    session: Session, filters: Mapping[str, object], wanted: Wanted, *, today: date
) -> Page[CustomerRow]:
    """Customers, the newest first."""
    ids, more = LISTING.keys(session, filters, wanted)
    return Page(in_order(ids, _load(session, ids, today)), more)


def one(session: Session, customer_id: str, *, today: date) -> CustomerRow:
    """One customer. Raises NotFound."""
    found = _load(session, [customer_id], today)
    if not found:
        raise NotFound(f"there is no customer {customer_id}")
    return found[customer_id]


def _load(session: Session, ids: Collection[str], today: date) -> dict[str, CustomerRow]:
    given = {"ids": list(ids)}
    rail_ids: dict[str, dict[str, str]] = {}
    for row in session.execute(_RAIL_IDS, given):
        rail_ids.setdefault(row.customer_id, {})[row.rail] = row.rail_customer_id
    stand = balances.of_customers(session, ids, today=today)
    return {
        row.id: CustomerRow(
            id=row.id,
            name=row.name,
            email=row.email,
            overpayment_policy=row.overpayment_policy,
            part_payments=row.part_payments,
            deposit_policy=row.deposit_policy,
            rail_customers=rail_ids.get(row.id, {}),
            credit={at: one.credit for at, one in stand.get(row.id, {}).items() if one.credit},
            balances=stand.get(row.id, {}),
            created_at=row.created_at,
            rev=row.rev,
        )
        for row in session.execute(_CUSTOMERS, given)
    }
