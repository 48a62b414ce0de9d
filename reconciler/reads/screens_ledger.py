"""What the screens show of the journal: entries with their lines, and the trial balance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

_LINES = """(select coalesce(json_agg(json_build_object('role', l.role, 'rail', l.rail,
      'currency', l.currency, 'amount', p.amount) order by p.line), '[]')
      from posting p join ledger_account l on l.id = p.account_id
      where p.entry_id = e.id) as lines"""
_COLUMNS = f"""e.id, e.key, e.reverses, e.payment_id, e.invoice_id, e.deposit_id, e.cause_kind,
    e.cause_id, e.at, u.name as person, {_LINES}"""
_PERSON = "left join user_account u on e.cause_kind = 'person' and u.id = e.cause_id"
_ENTRIES = sa.text(
    f"""select {_COLUMNS} from journal_entry e {_PERSON}
    where (cast(:payment as text) is null or e.payment_id = :payment)
      and (cast(:invoice as text) is null or e.invoice_id = :invoice)
      and (cast(:deposit as text) is null or e.deposit_id = :deposit)
      and (cast(:role as text) is null or exists (select 1 from posting p
        join ledger_account l on l.id = p.account_id where p.entry_id = e.id and l.role = :role
          and l.currency = :currency and l.rail = :rail))
      and (cast(:before as timestamptz) is null
        or (e.at, e.id) < (cast(:before as timestamptz), cast(:before_id as text)))
    order by e.at desc, e.id desc limit :limit"""  # noqa: S608
)
_BALANCE = sa.text(
    """select l.role, l.rail, l.currency,
      coalesce(sum(p.amount) filter (where p.amount > 0), 0)::bigint as debit,
      coalesce(-sum(p.amount) filter (where p.amount < 0), 0)::bigint as credit
    from ledger_account l join posting p on p.account_id = l.id
      join journal_entry e on e.id = p.entry_id
    where cast(:until as timestamptz) is null or e.at < :until
    group by l.role, l.rail, l.currency order by l.currency, l.role, l.rail"""
)


@dataclass(frozen=True, slots=True)
class Line:
    """One posting: debits positive, credits negative."""

    role: str
    rail: str
    currency: str
    amount: int


@dataclass(frozen=True, slots=True)
class EntryLine:
    """A journal entry with its postings."""

    id: str
    key: str
    reverses: str | None
    payment_id: str | None
    invoice_id: str | None
    deposit_id: str | None
    cause_kind: str
    cause_id: str
    at: datetime
    person: str | None
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Account:
    """One account's turnover."""

    role: str
    rail: str
    currency: str
    debit: int
    credit: int

    @property
    def balance(self) -> int:
        """Debits less credits."""
        return self.debit - self.credit


@dataclass(frozen=True, slots=True)
class About:
    """Which entries: of a payment, an invoice, a deposit, or on an account."""

    payment_id: str | None = None
    invoice_id: str | None = None
    deposit_id: str | None = None
    role: str | None = None
    rail: str = ""
    currency: str | None = None


def entries(
    session: Session,
    about: About,
    *,
    before: tuple[datetime, str] | None = None,
    limit: int = 100,
) -> list[EntryLine]:
    """Entries, the newest first."""
    at, entry_id = before or (None, None)
    given = {
        "payment": about.payment_id, "invoice": about.invoice_id, "deposit": about.deposit_id,
        "role": about.role, "rail": about.rail, "currency": about.currency,
        "before": at, "before_id": entry_id, "limit": limit,
    }  # fmt: skip
    return [
        EntryLine(**{**row._mapping, "lines": [Line(**line) for line in row.lines]})
        for row in session.execute(_ENTRIES, given)
    ]


def trial_balance(session: Session, *, until: datetime | None = None) -> dict[str, list[Account]]:
    """Every account's turnover up to `until`, by currency."""
    found: dict[str, list[Account]] = {}
    for row in session.execute(_BALANCE, {"until": until}):
        found.setdefault(row.currency, []).append(Account(**row._mapping))
    return found
