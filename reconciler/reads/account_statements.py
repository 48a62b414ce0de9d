"""One account of the ledger over some days: what it began with, each entry, what it came to."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import cast

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.errors import NotFound
from reconciler.reads import pages
from reconciler.store import ledger_totals
from reconciler.store.ledger import POSTED_ON

_Key = tuple[datetime, str, int]
_KINDS = ("timestamptz", "text", "bigint")
_ACCOUNT = sa.text(
    """select id, role, rail, category, currency from ledger_account
    where role = :role and rail = :rail and category = :category and currency = :currency"""
)
_TOTAL = sa.text(
    f"""select debit - credit from ({ledger_totals.TOTALS}) as x
    where account_id = :account"""
)
_COLUMNS = f"""e.id, e.key, e.at, {POSTED_ON} as day, e.payment_id, e.invoice_id, e.deposit_id,
      e.payout_id, e.reverses, p.amount"""
_PART = f"""(e.at, e.id) > (cast(:after_at as timestamptz), :after_id)
      and {POSTED_ON} between :since and :until
    order by e.at, e.id limit :limit"""
# In the order in which they were written; those of a day that was written later come later. They
# are gone through in that order until a page is full: those of a day may be thousands.
_LINES = sa.text(
    f"""select {_COLUMNS}
    from journal_entry e cross join lateral (select sum(x.amount)::bigint as amount from posting x
      where x.entry_id = e.id and x.account_id = :account having count(*) > 0) p
    where {_PART}"""
)
# Of an account with few, which may stand between millions of others: each entry is looked up.
_LINES_OF_FEW = sa.text(
    f"""select {_COLUMNS}
    from (select x.entry_id, sum(x.amount)::bigint as amount from posting x
      where x.account_id = :account group by 1) p
      cross join lateral (select * from journal_entry j where j.id = p.entry_id offset 0) e
    where {_PART}"""
)
# Whether to look each up is less than to go through all entries until a page is full: of a million
# entries and an account with a hundredth of them, a page of fifty is full after five thousand.
FEW = 1_000  # of books as small as that nobody asks how many entries there are
_ARE_FEW = sa.text(
    """with bound as (
      select greatest(:few, sqrt(:limit * greatest(reltuples, 0)))::bigint as most
      from pg_class where oid = 'journal_entry'::regclass)
    select count(*) <= (select most from bound) from (select 1 from posting
      where account_id = :account limit (select most + 1 from bound)) as up_to_there"""
)
# The first of these days on which anything was posted, as far as the days are added up.
_FIRST_DAY = sa.text(
    """select min(day) from ledger_day
    where account_id = :account and day between :since and :until"""
)


@dataclass(frozen=True, slots=True)
class StatementLine:
    """An entry's part on this account: debits positive; `balance` after it. Minor units."""

    id: str
    key: str
    at: datetime
    day: date
    payment_id: str | None
    invoice_id: str | None
    deposit_id: str | None
    payout_id: str | None
    reverses: str | None
    amount: int
    balance: int


@dataclass(frozen=True, slots=True)
class Statement:
    """Some lines of an account between two days; `opening` stands before the first of them."""

    role: str
    rail: str
    category: str
    currency: str
    opening: int
    lines: list[StatementLine]
    closing: int  # at the end of the last day, whatever page this is
    more: str | None


def one(
    session: Session,
    account: tuple[str, str, str, str],
    since: date,
    until: date,
    *,
    cursor: str | None,
    limit: int,
) -> Statement:
    """A page of the statement of an account: its role, rail, category and currency.

    Raises NotFound for an account that there is not, Invalid for a cursor of another list.
    """
    names = dict(zip(("role", "rail", "category", "currency"), account, strict=True))
    row = session.execute(_ACCOUNT, names).first()
    if row is None:
        raise NotFound("there is no such account")
    opening = _total(session, row.id, since - timedelta(days=1))
    after_at, after_id = _begins(session, row.id, since, until), ""
    if cursor is not None:
        after_at, after_id, opening = cast("_Key", tuple(pages.decode(cursor, _KINDS)))
    given = {"account": row.id, "since": since, "until": until, "limit": limit + 1}
    are_few = session.scalar(_ARE_FEW, given | {"few": FEW})
    query = _LINES_OF_FEW if are_few else _LINES
    found = session.execute(query, given | {"after_at": after_at, "after_id": after_id}).all()
    lines, balance = [], opening
    for line in found[:limit]:
        balance += line.amount
        lines.append(StatementLine(**line._asdict(), balance=balance))
    more = pages.encode([lines[-1].at, lines[-1].id, balance]) if len(found) > limit else None
    closing = _total(session, row.id, until)
    return Statement(*account, opening=opening, lines=lines, closing=closing, more=more)


def _total(session: Session, account_id: int, until: date) -> int:
    given = {"account": account_id} | ledger_totals.told(session, until=until)
    return int(session.scalar(_TOTAL, given) or 0)


def _begins(session: Session, account_id: int, since: date, until: date) -> datetime:
    """No entry of these days was written before: none is before the day on which it counts."""
    days = {"account": account_id, "since": since, "until": until}
    first = session.scalar(_FIRST_DAY, days)
    begins = [datetime.combine(since, time(), UTC)]
    added_up = ledger_totals.mark(session)
    begins.append(min(added_up, datetime.combine(first, time(), UTC)) if first else added_up)
    return max(begins)
