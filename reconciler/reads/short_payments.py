"""What banks took off payments on the way to us, by the invoice that came short of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.bank_fees import Owed

_OF_INVOICES = sa.text(
    """select s.id, s.invoice_id, s.payment_id, s.amount, s.reason, s.created_at,
      s.closed_at as taken_back_at, u.name as person
    from short_payment s
      left join user_account u on s.cause_kind = 'person' and u.id = s.cause_id
    where s.invoice_id = any(:ids) order by s.created_at, s.id"""
)
_OWED = sa.text(
    """select id, number, currency, total - (credit_notes - bank_fees) as asked, outstanding, paid,
      bank_fees as borne from invoice where id = any(:ids) and state = 'sent'"""
)
_WITH = sa.text(
    """select coalesce(sum(s.amount), 0) from short_payment s
    where s.closed_at is null and exists (select 1 from allocation a
      where a.id = any(:ids) and (a.invoice_id, a.payment_id) = (s.invoice_id, s.payment_id))"""
)
# Each is within its own bound; what somebody said of many comes to more than anybody sees on one.
_BY_PERSON = sa.text(
    """select coalesce(u.name, k.name, s.cause_id) as who, i.currency, count(*) as number,
      sum(s.amount)::bigint as amount, max(s.amount) as largest
    from short_payment s join invoice i on i.id = s.invoice_id
      left join user_account u on s.cause_kind = 'person' and u.id = s.cause_id
      left join api_key k on k.id = s.cause_id
    where s.closed_at is null and s.created_at >= :since
    group by s.cause_kind, s.cause_id, 1, 2 order by amount desc, 1, 2 limit :limit"""
)
PEOPLE_MAX = 50
_OF_CUSTOMER = sa.text(
    """select currency, sum(bank_fees)::bigint as amount from invoice
    where customer_id = :id and state = 'sent' and bank_fees > 0 group by 1"""
)
_INVOICE = sa.text("select invoice_id from short_payment where id = :id")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortPaymentRow:
    """A bank's fee that we bear on an invoice; `payment_id` came short by it. Minor units.

    One that was `taken_back_at` some time lowers what is owed no longer.
    """

    id: str
    payment_id: str | None
    amount: int
    reason: str
    created_at: datetime
    taken_back_at: datetime | None
    person: str | None


def borne(session: Session, customer_id: str) -> dict[str, int]:
    """What banks took of a customer's payments and we bear, by currency; credited with the rest."""
    return {row.currency: row.amount for row in session.execute(_OF_CUSTOMER, {"id": customer_id})}


@dataclass(frozen=True, slots=True)
class SaidBy:
    """What one person or program said that banks took, in one currency. Minor units."""

    who: str
    currency: str
    number: int
    amount: int
    largest: int


def by_person(session: Session, since: datetime) -> list[SaidBy]:
    """Who said since then how much of what was missing on invoices is a bank's fee, most first."""
    rows = session.execute(_BY_PERSON, {"since": since, "limit": PEOPLE_MAX})
    return [SaidBy(*row) for row in rows]


def of_invoices(session: Session, ids: Collection[str]) -> dict[str, list[ShortPaymentRow]]:
    """Those of these invoices, the oldest first."""
    found: dict[str, list[ShortPaymentRow]] = {}
    for row in session.execute(_OF_INVOICES, {"ids": list(ids)}):
        one = row._asdict()
        found.setdefault(one.pop("invoice_id"), []).append(ShortPaymentRow(**one))
    return found


def most(
    session: Session, ids: Collection[str], bounds: Mapping[str, int], *, paying: bool = False
) -> dict[str, int]:
    """The most that may be called a bank's fee of each of these invoices still, in minor units.

    `paying`: as if something paid it already, for who is about to say so.
    """
    found = {}
    for row in session.execute(_OWED, {"ids": list(ids)}):
        one = row._asdict()
        name = one.pop("id")
        paid = one.pop("paid") or int(paying)
        found[name] = Owed(**one, paid=paid).most(bounds)
    return found


def borne_with(session: Session, allocation_ids: Collection[str]) -> int:
    """What is borne as banks' fees on what these allocations paid, in minor units."""
    return int(session.execute(_WITH, {"ids": list(allocation_ids)}).scalar_one())


def invoice_of(session: Session, short_id: str) -> str | None:
    """The invoice that came short; None where there is no such fee."""
    found = session.scalar(_INVOICE, {"id": short_id})
    return str(found) if found else None
