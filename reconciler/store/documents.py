"""Looking up what payments may be for: invoices, deposits and customers, by what names them."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.matching import Document

_INVOICE = """select i.id, i.number, i.customer_id, i.currency, false as is_deposit,
    i.state = 'sent' as is_payable, i.state,
    i.outstanding,
    coalesce(i.due_on::text, '') as due_on"""
_DEPOSIT = """select d.id, d.code, d.customer_id, d.currency, true as is_deposit,
    true as is_payable, 'expected' as state, d.amount - d.received as outstanding,
    coalesce(d.taken_on::text, '') as due_on"""
_BY_NAME = sa.text(
    f"""{_INVOICE} from invoice i where lower(btrim(i.number)) = any(:names) or i.id = any(:names)
    union all
    {_DEPOSIT} from deposit d where lower(btrim(d.code)) = any(:names) or d.id = any(:names)"""
)
_BY_RAIL_OBJECT = sa.text(
    f"""{_INVOICE}, r.object_id from rail_reference r join invoice i on i.id = r.invoice_id
    where r.rail = :rail and r.object_id = any(:objects)
    union all
    {_DEPOSIT}, r.object_id from rail_reference r join deposit d on d.id = r.deposit_id
    where r.rail = :rail and r.object_id = any(:objects)"""
)
_OPEN_OF_CUSTOMERS = sa.text(
    f"""{_INVOICE} from invoice i where i.customer_id = any(:customers) and i.state = 'sent'
      and i.outstanding > 0
    union all
    {_DEPOSIT} from deposit d where d.customer_id = any(:customers) and d.received < d.amount"""
)
_CUSTOMERS = sa.text(
    """select rail_customer_id, customer_id from customer_rail_id
    where rail = :rail and rail_customer_id = any(:ids)"""
)


def by_names(session: Session, names: Collection[str]) -> list[Document]:
    """Documents with one of these folded numbers, codes or ids."""
    if not names:
        return []
    return [Document(*row) for row in session.execute(_BY_NAME, {"names": list(names)})]


def by_rail_objects(session: Session, rail: str, objects: Collection[str]) -> dict[str, Document]:
    """Documents that these objects of a rail were made for."""
    if not objects:
        return {}
    rows = session.execute(_BY_RAIL_OBJECT, {"rail": rail, "objects": list(objects)})
    return {row.object_id: Document(*row[:-1]) for row in rows}


def open_of_customers(session: Session, customers: Collection[str]) -> list[Document]:
    """What these customers still owe or were asked to deposit."""
    if not customers:
        return []
    rows = session.execute(_OPEN_OF_CUSTOMERS, {"customers": list(customers)})
    return [Document(*row) for row in rows]


def customers_by_rail_id(session: Session, rail: str, ids: Collection[str]) -> dict[str, str]:
    """Our customers that a rail knows by these ids."""
    if not ids:
        return {}
    rows = session.execute(_CUSTOMERS, {"rail": rail, "ids": list(ids)})
    return {row.rail_customer_id: row.customer_id for row in rows}
