"""To which account a vendor or a customer is paid, as far as it is known here."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import payees as rules
from reconciler.books.payees import Account
from reconciler.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class PayeeRow:
    """The account of a customer or vendor: its number masked, and who wrote it down when.

    Where none is kept `number` is none and `rev` 0; `email` is where it can be asked for.
    `is_untried`: of a vendor who had another one here before, and nothing was paid to them since.
    """

    id: str
    name: str
    email: str | None
    holder: str | None
    number: str | None
    bank: str | None
    kept_at: datetime | None
    kept_by: str | None
    is_untried: bool
    rev: int


# Another account in a letter or a mail is how money is stolen most often. That there was one before
# the audit trail knows, also where it was taken away first.
_IS_UNTRIED = """a.vendor_id is not null and exists (select from audit_line l
        where l.subject = a.id and l.at < a.kept_at
          and l.action in ('payee_account.kept', 'payee_account.removed'))
      and not exists (select from bill b join bill_payment p on p.bill_id = b.id
        where b.vendor_id = a.vendor_id and p.closed_at is null and p.created_at > a.kept_at)
      and not exists (select from prepayment q where q.vendor_id = a.vendor_id
        and q.kind = 'paid_ahead' and q.voided_at is null and q.created_at > a.kept_at)"""
_PAYEES = sa.text(
    f"""select o.id, o.name, o.email, a.holder, a.number, a.bank, a.kept_at,
      case when a.cause_kind = 'person' then u.name when a.id is not null then 'a program' end
        as kept_by, {_IS_UNTRIED} as is_untried, coalesce(a.rev, 0) as rev
    from (select id, name, email from customer where id = any(:ids)
      union all select id, name, email from vendor where id = any(:ids)) o
    left join payee_account a on a.id = o.id
    left join user_account u on a.cause_kind = 'person' and u.id = a.cause_id"""
)
_ACCOUNT = sa.text("select holder, number, bank from payee_account where id = :id")


def of(session: Session, owners: Collection[str]) -> dict[str, PayeeRow]:
    """What is known of how these are paid, by their ids."""
    if not owners:
        return {}
    rows = session.execute(_PAYEES, {"ids": sorted(owners)})
    return {row.id: PayeeRow(**row._asdict() | {"number": _masked(row.number)}) for row in rows}


def one(session: Session, owner_id: str) -> PayeeRow:
    """The same of one. Raises NotFound."""
    found = of(session, [owner_id])
    if not found:
        raise NotFound(f"there is no customer or vendor {owner_id}")
    return found[owner_id]


def in_full(session: Session, owner_id: str) -> Account | None:
    """The account with its whole number: for who makes the transfer."""
    row = session.execute(_ACCOUNT, {"id": owner_id}).first()
    return Account(row.holder, row.number, row.bank) if row else None


def _masked(number: str | None) -> str | None:
    return rules.masked(number) if number else None
