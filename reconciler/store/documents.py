"""Looking up what payments may be for: invoices, deposits and customers, by what names them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.equal_amounts import Guess, Waiting
from reconciler.books.matching import BY_PEOPLE, Document, Strategy

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
    {_DEPOSIT} from deposit d where d.customer_id = any(:customers) and d.received < d.amount
      and d.ended_at is null"""
)
_GUESSED_OF_CUSTOMERS = sa.text(
    f"""with guessed as (
      select a.invoice_id, a.deposit_id from payment p join allocation a on a.payment_id = p.id
      where p.customer_id = any(:customers) and p.strategy = 'customer_amount'
        and p.captured = any(:amounts) and a.closed_at is null)
    {_INVOICE} from invoice i where i.id in (select invoice_id from guessed)
    union
    {_DEPOSIT} from deposit d where d.id in (select deposit_id from guessed)"""
)
_WAITING = sa.text(
    """select id, total as amount, sent_at as since from invoice where id = any(:ids)
    union all select id, amount, created_at from deposit where id = any(:ids)"""
)
# All that may lower what a document waits for, with the payments that were guessed to be for it.
_LOWERED = sa.text(
    """select coalesce(a.invoice_id, a.deposit_id) as id, coalesce(p.strategy, a.strategy) as
      strategy, a.created_at, a.gross,
      case when a.deposit_id is null then a.gross - a.reopened else a.gross end as kept,
      a.gross - a.credited - a.reopened - a.written_off as net,
      a.payment_id, p.occurred_at, p.rail_payment_id
    from allocation a join payment p on p.id = a.payment_id
    where (a.invoice_id = any(:ids) or a.deposit_id = any(:ids)) and a.closed_at is null
    union all
    select invoice_id, 'person', created_at, gross, gross - reopened,
      gross - credited - reopened - written_off, null, null, null
    from application where invoice_id = any(:ids) and closed_at is null
    union all
    select invoice_id, 'person', created_at, amount, amount, amount, null, null, null
    from credit_note n where invoice_id = any(:ids)
      and not exists (select 1 from credit_note_taken_back t where t.credit_note_id = n.id)
    union all
    select invoice_id, 'person', created_at, amount, amount, amount, null, null, null
    from short_payment where invoice_id = any(:ids) and closed_at is null
    order by created_at"""
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


def guessed_of_customers(
    session: Session, customers: Collection[str], amounts: Collection[int]
) -> list[Document]:
    """Documents that payments of one of these amounts were guessed to be for."""
    if not customers:
        return []
    asked = {"customers": list(customers), "amounts": list(amounts)}
    return [Document(*row) for row in session.execute(_GUESSED_OF_CUSTOMERS, asked)]


def waiting(session: Session, documents: Collection[str]) -> dict[str, Waiting]:
    """What each of these invoices and deposits waits for."""
    if not documents:
        return {}
    asked = {"ids": list(documents)}
    rows: dict[str, list[sa.Row[tuple[Any, ...]]]] = {}
    for row in session.execute(_LOWERED, asked):
        rows.setdefault(row.id, []).append(row)
    return {
        found.id: _waiting(found.id, found.amount, found.since, rows.get(found.id, []))
        for found in session.execute(_WAITING, asked)
    }


def _waiting(
    document_id: str, amount: int, since: datetime, rows: Sequence[sa.Row[tuple[Any, ...]]]
) -> Waiting:
    guesses = [row for row in rows if row.strategy == Strategy.CUSTOMER_AMOUNT]
    by_people = [row for row in rows if row.strategy in BY_PEOPLE]
    by_evidence = [row for row in rows if row not in guesses and row not in by_people]
    return Waiting(
        document_id,
        base=amount - sum(row.kept for row in by_evidence),
        since=since,
        lowered=tuple((row.created_at, row.kept) for row in by_people),
        surplus=sum(row.net for row in rows) - amount,
        guesses=tuple(
            Guess(
                row.payment_id,
                row.created_at,
                (row.occurred_at, row.rail_payment_id),
                row.gross,
                row.kept,
                row.net,
            )
            for row in guesses
        ),
    )


def customers_by_rail_id(session: Session, rail: str, ids: Collection[str]) -> dict[str, str]:
    """Our customers that a rail knows by these ids."""
    if not ids:
        return {}
    rows = session.execute(_CUSTOMERS, {"rail": rail, "ids": list(ids)})
    return {row.rail_customer_id: row.customer_id for row in rows}
