"""A client's statement for any period, read off the journal: so it cannot differ from the books.

Three accounts are the client's: what they owe, what is held for them as deposits, and their credit.
A line is what one entry did to all three together, so money that only moves between them is none.
A project has two of them, its invoices and its deposits: credit is the customer's as a whole.
Lines stand on the day on which their entry counts, as in the ledger: what a file brought of last
year is of last year.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import portal
from reconciler.books.portal import StatementEvent
from reconciler.errors import Invalid
from reconciler.reads import pages
from reconciler.store.ledger import POSTED_ON
from reconciler.store.ledger_totals import ITS_POSTINGS


def _moved(owner: str, document: str, role: str) -> str:
    """What entries about the owner's documents of a kind posted to the account of that kind.

    By each kind's index, and each entry's postings by theirs, whatever PostgreSQL thinks of reading
    all of them; entries of days that cannot count are left out before that.
    """
    return f"""select e.id, e.key, e.at, e.day, e.invoice_id, e.deposit_id, a.currency, p.amount
      from {document} o cross join lateral (select e.id, e.key, e.at, {POSTED_ON} as day,
          e.invoice_id, e.deposit_id from journal_entry e
        where e.{document}_id = o.id and {POSTED_ON} <= :until) e
      cross join {ITS_POSTINGS} join ledger_account a on a.id = p.account_id and a.role = '{role}'
      where o.{owner}_id = :{owner}"""


# Where a part goes on; without a day, nothing goes before it but the period's beginning.
_CURSOR = "(cast(:day as date), cast(:at as timestamptz), :id, :currency)"
_IS_BEFORE = f"""case when cast(:day as date) is null then day < :since
      else (day, at, id, currency) <= {_CURSOR} end"""


def _query(owner: str, *kinds: tuple[str, str]) -> sa.TextClause:
    """What stands before the first line, by currency and without a day; and the lines."""
    moved = " union all ".join(_moved(owner, *kind) for kind in kinds)
    return sa.text(
        f"""with m as materialized (
          select id, key, at, day, currency, invoice_id, deposit_id, sum(amount)::bigint as amount,
            {_IS_BEFORE} as is_before
          from ({moved}) w group by id, key, at, day, currency, invoice_id, deposit_id
          having sum(amount) <> 0)
        select null as id, null as key, null::timestamptz as at, null::date as day, currency,
          sum(amount)::bigint as amount, null as number from m where is_before group by currency
        union all
        (select l.id, l.key, l.at, l.day, l.currency, l.amount,
            coalesce(i.number, case when l.key like 'forfeit/%' then d.code end)
          from (select * from m where not is_before
            order by day, at, id, currency limit :limit + 1) l
          left join invoice i on i.id = l.invoice_id left join deposit d on d.id = l.deposit_id
          order by l.day, l.at, l.id, l.currency)"""
    )


_OWED = ("invoice", "accounts_receivable")
_AHEAD = ("deposit", "customer_deposits")
_CUSTOMERS = _query("customer", _OWED, _AHEAD, ("payment", "unapplied_cash"))
_PROJECTS = _query("project", _OWED, _AHEAD)
LINES_MAX = 5_000
PART_LINES = 1_000  # of all currencies together: what prints in one go, also as a PDF
_ORDER = ("date", "timestamptz", "text", "text")
_NO_CURSOR: dict[str, object] = dict.fromkeys(("day", "at", "id", "currency"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientStatementLine:
    """What happened on a day. `amount` above zero is owed by the client; `balance` is after it."""

    on: date
    event: StatementEvent
    text: str
    amount: int
    balance: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientStatement:
    """One currency's statement, in its minor units. A balance below zero is the client's."""

    currency: str
    opening: int
    lines: list[ClientStatementLine]
    closing: int

    @property
    def sums(self) -> list[tuple[str, int]]:
        """What the lines come to, by what they are: together they lead from opening to closing."""
        there = {line.event for line in self.lines}
        return [
            (called, sum(line.amount for line in self.lines if line.event is event))
            for event, called in portal.SUMS.items()
            if event in there or event in portal.ALWAYS_SHOWN
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the statements of a period, where it may be too long for one page.

    Each begins with what the part before ended with: `is_continued` says that there is one, and
    `next_cursor` leads to the next.
    """

    statements: list[ClientStatement]
    is_continued: bool = False
    next_cursor: str | None = None


def part_of_customer(
    session: Session,
    customer_id: str,
    since: date,
    until: date,
    *,
    after: str | None,
    lines_max: int = PART_LINES,
) -> Part:
    """The days from `since` to `until`, from after a cursor on. Raises Invalid for a wrong one."""
    whose: dict[str, object] = {"customer": customer_id, "limit": lines_max}
    return _part(session, _CUSTOMERS, whose, (since, until), after)


def part_of_project(
    session: Session,
    project_id: str,
    since: date,
    until: date,
    *,
    after: str | None,
    lines_max: int = PART_LINES,
) -> Part:
    """The same of one project."""
    whose: dict[str, object] = {"project": project_id, "limit": lines_max}
    return _part(session, _PROJECTS, whose, (since, until), after)


def of_customer(
    session: Session, customer_id: str, since: date, until: date, *, lines_max: int = LINES_MAX
) -> list[ClientStatement]:
    """The days from `since` to `until`, both included, in each currency that moved or stands.

    Raises Invalid where they have more than `lines_max` lines.
    """
    whose: dict[str, object] = {"customer": customer_id, "limit": lines_max}
    return _statements(session, _CUSTOMERS, whose, since, until)


def of_project(
    session: Session, project_id: str, since: date, until: date, *, lines_max: int = LINES_MAX
) -> list[ClientStatement]:
    """The same of one project: what is owed on its invoices less what is held as its deposits.

    Raises Invalid where they have more than `lines_max` lines.
    """
    whose: dict[str, object] = {"project": project_id, "limit": lines_max}
    return _statements(session, _PROJECTS, whose, since, until)


def _statements(
    session: Session,
    query: sa.TextClause,
    whose: dict[str, object],
    since: date,
    until: date,
) -> list[ClientStatement]:
    given = _given(whose, since, until)
    balances, rows = _asked(session, query, given)
    if len(rows) > cast("int", given["limit"]):  # a part of them would end in a false balance
        raise Invalid(
            f"there are more than {given['limit']:,} lines from {since} to {until}:"
            " choose a shorter period",
            field="since",
        )
    return _told(balances, rows)


def _part(
    session: Session,
    query: sa.TextClause,
    whose: dict[str, object],
    days: tuple[date, date],
    after: str | None,
) -> Part:
    given = _given(whose, *days)
    if after is not None:
        at = pages.decode(after, _ORDER)
        if cast("date", at[0]) < days[0]:
            raise Invalid("this is no cursor of this period", field="cursor")
        given |= dict(zip(_NO_CURSOR, at, strict=True))
    most = cast("int", given["limit"])
    balances, rows = _asked(session, query, given)
    shown, more = rows[:most], len(rows) > most
    last = shown[-1] if more else None
    return Part(
        statements=_told(balances, shown),
        is_continued=after is not None,
        next_cursor=pages.encode((last.day, last.at, last.id, last.currency)) if last else None,
    )


def _given(whose: dict[str, object], since: date, until: date) -> dict[str, object]:
    return {**whose, "since": since, "until": until, **_NO_CURSOR}


def _asked(
    session: Session, query: sa.TextClause, given: dict[str, object]
) -> tuple[dict[str, int], Sequence[sa.Row[Any]]]:
    """What stands before the first line, by currency; and the lines."""
    rows = session.execute(query, given).all()
    before = {row.currency: row.amount for row in rows if row.day is None}
    return before, [row for row in rows if row.day is not None]


def _told(balance: dict[str, int], rows: Sequence[sa.Row[Any]]) -> list[ClientStatement]:
    opening = dict(balance)
    lines: dict[str, list[ClientStatementLine]] = {currency: [] for currency in balance}
    for row in rows:
        balance[row.currency] = balance.get(row.currency, 0) + row.amount
        event = portal.event_of(row.key)
        lines.setdefault(row.currency, []).append(
            ClientStatementLine(
                on=row.day,
                event=event,
                text=portal.words(event, row.amount, row.number),
                amount=row.amount,
                balance=balance[row.currency],
            )
        )
    return [
        ClientStatement(
            currency=currency,
            opening=opening.get(currency, 0),
            lines=found,
            closing=balance[currency],
        )
        for currency, found in sorted(lines.items())
    ]
