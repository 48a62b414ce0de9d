"""The ledger as it is read: accounts, entries with their postings, the trial balance."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.errors import NotFound
from reconciler.reads.pages import Listing, Order, Page, Wanted, in_order
from reconciler.store import ledger_totals
from reconciler.store.ledger import POSTED_ON
from reconciler.store.ledger_totals import TOTALS
from reconciler.work import Cause


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account and its balance, debits less credits, in minor units of `currency`.

    Assets and expenses are positive, liabilities and income negative.
    """

    role: str
    rail: str | None
    currency: str
    balance: int
    category: str | None = None


@dataclass(frozen=True, slots=True)
class PostingLine:
    """One line of an entry: minor units on one side of an account."""

    role: str
    rail: str | None
    currency: str
    debit: int
    credit: int
    category: str | None = None


@dataclass(frozen=True, slots=True)
class EntryRow:
    """Postings that happened together. `key` makes posting it twice impossible.

    `at` is when it was written, `effective_on` the day on which it happened. It counts on
    `posted_on`: the same day, or the first open one where that was closed.
    """

    id: str
    key: str
    at: datetime
    posted_on: date
    effective_on: date
    reverses: str | None
    payment_id: str | None
    invoice_id: str | None
    deposit_id: str | None
    cause: Cause
    postings: list[PostingLine]
    payout_id: str | None = None
    bill_id: str | None = None
    prepayment_id: str | None = None


@dataclass(frozen=True, slots=True)
class TrialLine:
    """What was posted to one account up to a moment, in minor units."""

    role: str
    rail: str | None
    debit: int
    credit: int
    balance: int
    category: str | None = None


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """All accounts of one currency. `difference`, debits less credits, is 0 in sound books."""

    accounts: list[TrialLine]
    difference: int


_ACCOUNTS = sa.text(
    f"""select a.role, a.rail, a.category, a.currency, coalesce(t.debit - t.credit, 0) as balance
    from ledger_account a left join ({TOTALS}) t on t.account_id = a.id
    order by a.currency, a.role, a.rail, a.category"""
)
# To the end of a day, or all there is: the usual question, answered from the days' totals.
_DAYS_BALANCE = sa.text(
    f"""select a.currency, a.role, a.rail, a.category, t.debit, t.credit
    from ({TOTALS}) t join ledger_account a on a.id = t.account_id
    order by a.currency, a.role, a.rail, a.category"""
)
_TRIAL_BALANCE = sa.text(
    f"""select a.currency, a.role, a.rail, a.category,
      coalesce(sum(p.amount) filter (where p.amount > 0), 0)::bigint as debit,
      coalesce(-sum(p.amount) filter (where p.amount < 0), 0)::bigint as credit
    from posting p join ledger_account a on a.id = p.account_id
      join journal_entry e on e.id = p.entry_id
    where cast(:before as timestamptz) is null
      or case when cast(:by_booking as boolean) then e.at < :before
        else ({POSTED_ON}, e.at)
          < ((cast(:before as timestamptz) at time zone 'UTC')::date, cast(:before as timestamptz))
        end
    group by a.id order by a.currency, a.role, a.rail, a.category"""
)
# Those of this very transaction; the index finds those of this instant.
_POSTED_NOW = sa.text(
    """select a.role, a.rail, a.currency, sum(p.amount)::bigint as balance
    from journal_entry e join posting p on p.entry_id = e.id
      join ledger_account a on a.id = p.account_id
    where e.at >= :now and e.xact = pg_current_xact_id()::text::bigint
    group by a.id order by a.currency, a.role, a.rail"""
)
_REVERSALS = sa.text(
    """select id, key, reverses from journal_entry where key = :reverses
    union all select id, key, reverses from journal_entry where reverses = :key"""
)
_COUNT_NOW = sa.text(
    """select count(*) from journal_entry e
    where e.at >= :now and e.xact = pg_current_xact_id()::text::bigint"""
)
_ENTRIES = sa.text(
    f"""select e.id, e.key, e.at, {POSTED_ON} as posted_on,
      coalesce(e.effective_on, {POSTED_ON}) as effective_on, e.reverses, e.payment_id,
      e.invoice_id, e.deposit_id, e.payout_id, e.bill_id, e.prepayment_id, e.cause_kind,
      e.cause_id, a.role, a.rail, a.category, a.currency, p.amount
    from journal_entry e join posting p on p.entry_id = e.id
      join ledger_account a on a.id = p.account_id
    where e.id = any(:ids) order by e.at, e.id, p.line"""
)
_OWNERS = ("payment_id", "invoice_id", "deposit_id", "payout_id", "bill_id", "prepayment_id")
_IDS_OF = {
    owner: sa.text(f"select id from journal_entry where {owner} = any(:ids)") for owner in _OWNERS
}

_IS_LATE = "coalesce(e.effective_on < e.posted_on, false)"

LISTING = Listing(
    source="journal_entry e",
    order=Order(("e.at", "e.id"), ("timestamptz", "text")),
    conditions={
        **{owner: f"e.{owner} = :{owner}" for owner in _OWNERS},
        "key": "e.key = :key",
        "is_late": f"({_IS_LATE}) = :is_late",
        "late": f"({_IS_LATE}) and :late",
        "posted_since": f"{POSTED_ON} >= :posted_since",
        "posted_until": f"{POSTED_ON} <= :posted_until",
        "since": "e.at >= :since",
        "until": "e.at < :until",
        "role": """exists (select 1 from posting p join ledger_account a on a.id = p.account_id
            where p.entry_id = e.id and a.role = :role)""",
        "currency": """exists (select 1 from posting p join ledger_account a
            on a.id = p.account_id where p.entry_id = e.id and a.currency = :currency)""",
    },
)


def accounts(session: Session) -> list[AccountRow]:
    """Every account, also those at zero."""
    return [
        AccountRow(row.role, row.rail or None, row.currency, row.balance, row.category or None)
        for row in session.execute(_ACCOUNTS, ledger_totals.told(session))
    ]


def trial_balance(
    session: Session, before: datetime | None = None, *, by_booking: bool = False
) -> dict[str, TrialBalance]:
    """Per currency, what counts before an instant; up to now if none is given.

    An entry counts on the day that it was posted on, and within that day from when it was written;
    `by_booking`: from when it was written, whatever day it is of.
    """
    lines: dict[str, list[TrialLine]] = {}
    for row in _totals(session, before, by_booking=by_booking):
        line = TrialLine(
            row.role, row.rail or None, row.debit, row.credit, row.debit - row.credit,
            row.category or None,
        )  # fmt: skip
        lines.setdefault(row.currency, []).append(line)
    return {
        currency: TrialBalance(found, sum(line.balance for line in found))
        for currency, found in lines.items()
    }


def _totals(
    session: Session, before: datetime | None, *, by_booking: bool
) -> Iterable[sa.Row[Any]]:
    ends_a_day = before is None or before.astimezone(UTC).time() == time()
    if by_booking or not ends_a_day:
        return session.execute(_TRIAL_BALANCE, {"before": before, "by_booking": by_booking})
    until = before.astimezone(UTC).date() - timedelta(days=1) if before else None
    return session.execute(_DAYS_BALANCE, ledger_totals.told(session, until=until))


@dataclass(frozen=True, slots=True)
class Reversals:
    """Which entry one reverses, and which reverse it: id and key of each."""

    reverses: tuple[str, str] | None
    reversed_by: list[tuple[str, str]]


def reversals(session: Session, entry: EntryRow) -> Reversals:
    """What an entry takes back, and what takes it back."""
    given = {"key": entry.key, "reverses": entry.reverses}
    rows = session.execute(_REVERSALS, given).all()
    back = next(((row.id, row.key) for row in rows if row.key == entry.reverses), None)
    return Reversals(back, [(row.id, row.key) for row in rows if row.reverses == entry.key])


def posted_now(session: Session, now: datetime) -> tuple[int, list[AccountRow]]:
    """How many entries this very transaction posted, and by how much they change each account."""
    rows = session.execute(_POSTED_NOW, {"now": now}).all()
    changes = [AccountRow(r.role, r.rail or None, r.currency, r.balance) for r in rows if r.balance]
    return int(session.scalar(_COUNT_NOW, {"now": now}) or 0), changes


def page(session: Session, filters: Mapping[str, object], wanted: Wanted) -> Page[EntryRow]:
    """Entries, the newest first."""
    if filters.get("is_late"):  # few are: said so that their own index is thought of
        filters = {**filters, "is_late": None, "late": True}
    ids, more = LISTING.keys(session, filters, wanted)
    return Page(in_order(ids, _load(session, ids)), more)


def one(session: Session, entry_id: str) -> EntryRow:
    """One entry. Raises NotFound."""
    found = _load(session, [entry_id])
    if not found:
        raise NotFound(f"there is no journal entry {entry_id}")
    return found[entry_id]


def some(session: Session, ids: Sequence[str]) -> list[EntryRow]:
    """These entries, in this order."""
    return in_order(ids, _load(session, ids))


def entries_of(session: Session, owner: str, ids: Collection[str]) -> dict[str, list[EntryRow]]:
    """The entries about each of these things, the oldest first; `owner` says what they are."""
    entry_ids = session.scalars(_IDS_OF[owner], {"ids": list(ids)}).all()
    by_owner: dict[str, list[EntryRow]] = {}
    for entry in _load(session, entry_ids).values():
        by_owner.setdefault(getattr(entry, owner), []).append(entry)
    return by_owner


def _load(session: Session, ids: Iterable[str]) -> dict[str, EntryRow]:
    entries: dict[str, EntryRow] = {}
    for row in session.execute(_ENTRIES, {"ids": list(ids)}):
        entry = entries.get(row.id)
        if entry is None:
            entry = entries[row.id] = EntryRow(
                row.id, row.key, row.at, row.posted_on, row.effective_on, row.reverses,
                row.payment_id, row.invoice_id, row.deposit_id,
                Cause(row.cause_kind, row.cause_id), [], row.payout_id,
                row.bill_id, row.prepayment_id,
            )  # fmt: skip
        entry.postings.append(
            PostingLine(
                row.role, row.rail or None, row.currency, max(row.amount, 0), max(-row.amount, 0),
                row.category or None,
            )
        )  # fmt: skip
    return entries
