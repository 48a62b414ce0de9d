"""Journal entries become rows, once each, on the day on which they count.

That is the day on which it happened, or the first open day if the books are closed through that
one. The day on which it happened is kept beside it.
"""

from collections.abc import Iterable, Sequence
from datetime import date

import sqlalchemy as sa

from reconciler import ids
from reconciler.books.accounts import Account, Role
from reconciler.books.journal import JournalEntry
from reconciler.store.ledger_totals import FIRST_FREE
from reconciler.work import Work

_ACCOUNTS = sa.text("select id, role, rail, category, currency from ledger_account")
_NEW_ACCOUNTS = sa.text(
    """insert into ledger_account (role, rail, category, currency)
    select * from unnest(cast(:roles as text[]), cast(:rails as text[]),
      cast(:categories as text[]), cast(:currencies as text[]))
    order by 1, 2, 3, 4 on conflict do nothing"""
)
_ENTRIES = sa.text(
    f"""insert into journal_entry
      (id, key, reverses, payment_id, invoice_id, deposit_id, payout_id, bill_id, prepayment_id,
       effective_on, posted_on, cause_kind, cause_id, at)
    select e.*, greatest(e.on_, o.opens), :cause_kind, :cause_id,
      greatest(:at, {FIRST_FREE})
    from first_open_day() as o(opens), unnest(
      cast(:ids as text[]), cast(:keys as text[]), cast(:reverses as text[]),
      cast(:payments as text[]), cast(:invoices as text[]), cast(:deposits as text[]),
      cast(:payouts as text[]), cast(:bills as text[]), cast(:prepayments as text[]),
      cast(:days as date[]))
      as e(id, key, reverses, payment_id, invoice_id, deposit_id, payout_id, bill_id,
        prepayment_id, on_)
    on conflict (key) do nothing returning id"""
)
_POSTINGS = sa.text(
    """insert into posting (entry_id, line, account_id, amount)
    select * from unnest(cast(:entries as text[]), cast(:lines as smallint[]),
                         cast(:accounts as int[]), cast(:amounts as bigint[]))"""
)
# The last of an invoice's entries of one kind: their keys end with its revision at the time.
_LAST_LOWERING = sa.text(
    """select e.key, -p.amount as amount
    from journal_entry e join posting p on p.entry_id = e.id
    join ledger_account a on a.id = p.account_id and a.role = :role
    where e.invoice_id = :invoice_id and starts_with(e.key, :prefix)
    order by length(e.key) desc, e.key desc limit 1"""
)

_Name = tuple[str, str, str, str]  # role, rail, category and currency


def post(work: Work, entries: Iterable[JournalEntry]) -> None:
    """Write entries with their postings. One whose key is there already is left alone.

    Nothing is of a day to come: such a day gives way to today.
    """
    wanted = {ids.new_id("je"): entry for entry in entries}
    if not wanted:
        return
    accounts = _account_ids(work, wanted.values())
    entries_in_order = list(wanted.values())
    days = [min(e.on or work.now.date(), work.now.date()) for e in entries_in_order]
    _remember(work, entries_in_order, days)
    written = set(
        work.session.scalars(
            _ENTRIES,
            {
                "ids": list(wanted),
                "keys": [e.key for e in entries_in_order],
                "reverses": [e.reverses for e in entries_in_order],
                "payments": [e.payment_id for e in entries_in_order],
                "invoices": [e.invoice_id for e in entries_in_order],
                "deposits": [e.deposit_id for e in entries_in_order],
                "payouts": [e.payout_id for e in entries_in_order],
                "bills": [e.bill_id for e in entries_in_order],
                "prepayments": [e.prepayment_id for e in entries_in_order],
                "days": days,
                "cause_kind": work.cause.kind,
                "cause_id": work.cause.id,
                "at": work.now,
            },
        )
    )
    work.posted += [entry_id for entry_id in wanted if entry_id in written]
    rows = [
        (
            entry_id,
            line,
            accounts[_name(p.account, p.amount.currency)],
            p.signed,
        )
        for entry_id, entry in wanted.items()
        if entry_id in written
        for line, p in enumerate(entry.postings, 1)
    ]
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        work.session.execute(
            _POSTINGS, dict(zip(("entries", "lines", "accounts", "amounts"), columns, strict=True))
        )


def lowered_by(work: Work, invoice_id: str, prefix: str, credited: Role, amount: int) -> str | None:
    """The key of the entry that lowered an invoice from nothing to `amount` in one go.

    `credited` is the account that it credits. None where that took several: then no single entry
    is mirrored by taking all of it back.
    """
    given = {"invoice_id": invoice_id, "prefix": prefix, "role": credited.value}
    row = work.session.execute(_LAST_LOWERING, given).first()
    return str(row.key) if row is not None and row.amount == amount else None


def _remember(work: Work, entries: Sequence[JournalEntry], days: Sequence[date]) -> None:
    for entry, day in zip(entries, days, strict=True):
        if entry.on is not None and entry.payment_id is not None:
            work.days[entry.payment_id] = max(day, work.days.get(entry.payment_id, day))


def _account_ids(work: Work, entries: Iterable[JournalEntry]) -> dict[_Name, int]:
    needed = {_name(p.account, p.amount.currency) for entry in entries for p in entry.postings}
    known = _known_accounts(work)
    missing = sorted(needed - known.keys())
    if missing:
        columns = [list(column) for column in zip(*missing, strict=True)]
        names = ("roles", "rails", "categories", "currencies")
        work.session.execute(_NEW_ACCOUNTS, dict(zip(names, columns, strict=True)))
        known = _known_accounts(work)
    return known


def _known_accounts(work: Work) -> dict[_Name, int]:
    return {(r.role, r.rail, r.category, r.currency): r.id for r in work.session.execute(_ACCOUNTS)}


def _name(account: Account, currency: str) -> _Name:
    return account.role.value, account.rail, account.category, currency
