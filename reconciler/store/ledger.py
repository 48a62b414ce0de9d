"""The journal: entries and their postings, never changed once written."""

import sqlalchemy as sa
from sqlmodel import Field

from reconciler.books.accounts import Role
from reconciler.store import base
from reconciler.store.base import SQLModel, date, datetime

# The day on which an entry `e` counts; before days were kept, the day on which it was written.
POSTED_ON = "coalesce(e.posted_on, (e.at at time zone 'UTC')::date)"

# Whatever is posted to suspense has a key with one of these words in it, and little else has.
TOUCHES_SUSPENSE = """(strpos({0}key, '/unclassified') > 0 or strpos({0}key, '/beyond') > 0
      or strpos({0}key, '/moved-') > 0)"""
# What `reconciler verify` asks: no entry of suspense has another key.
LAW = f"""
    select format('entry %s is of suspense, and its key has none of the words that it is found by',
      e.key) from posting p join journal_entry e on e.id = p.entry_id
      join ledger_account a on a.id = p.account_id
    where a.role = 'suspense' and not {TOUCHES_SUSPENSE.format("e.")}"""


class LedgerAccount(SQLModel, table=True):
    """A role in one currency; `rail` is empty for all but clearing, `category` but for expenses."""

    __tablename__ = "ledger_account"
    __table_args__ = (
        sa.UniqueConstraint("role", "rail", "category", "currency"),
        base.one_of("account_role_is_known", "role", Role),
    )

    id: int | None = Field(
        default=None, sa_column=sa.Column(sa.Integer, sa.Identity(always=True), primary_key=True)
    )
    role: str = base.text()
    rail: str = base.text()
    category: str = Field(
        default="", sa_type=sa.Text, nullable=False,
        sa_column_kwargs={"server_default": sa.text("''")},
    )  # fmt: skip
    currency: str = base.text()


class Entry(SQLModel, table=True):
    """Postings that happened together, why, and about what.

    `effective_on` is the day on which it happened, `posted_on` the day on which it counts: the
    same, or the first open day if the books were closed through the first. `at` is when it was
    written.

    `xact` is the transaction that wrote it: postings are added by that one and by no other, so
    that its balance, checked at commit, stays what it was.
    """

    __tablename__ = "journal_entry"
    __table_args__ = (
        base.holds("an_entry_counts_on_its_day_or_later", "posted_on >= effective_on"),
        sa.Index("ix_journal_entry_at", "at", "id"),
        sa.Index(
            "ix_journal_entry_suspense",
            "id",
            postgresql_where=sa.text(TOUCHES_SUSPENSE.format("")),
        ),
        sa.Index(
            "ix_journal_entry_late",
            "at",
            "id",
            postgresql_where=sa.text("coalesce(effective_on < posted_on, false)"),
        ),
        sa.Index(
            "ix_journal_entry_reverses",
            "reverses",
            postgresql_where=sa.text("reverses is not null"),
        ),
        sa.Index(
            "ix_journal_entry_payment",
            "payment_id",
            postgresql_where=sa.text("payment_id is not null"),
        ),
        sa.Index(
            "ix_journal_entry_invoice",
            "invoice_id",
            postgresql_where=sa.text("invoice_id is not null"),
        ),
        sa.Index(
            "ix_journal_entry_deposit",
            "deposit_id",
            postgresql_where=sa.text("deposit_id is not null"),
        ),
        sa.Index(
            "ix_journal_entry_payout",
            "payout_id",
            postgresql_where=sa.text("payout_id is not null"),
        ),
        sa.Index(
            "ix_journal_entry_bill", "bill_id", postgresql_where=sa.text("bill_id is not null")
        ),
        sa.Index(
            "ix_journal_entry_prepayment",
            "prepayment_id",
            postgresql_where=sa.text("prepayment_id is not null"),
        ),
    )

    id: str = base.key()
    key: str = base.text(unique=True)
    reverses: str | None = base.text_or_none()
    payment_id: str | None = base.text_or_none()
    invoice_id: str | None = base.text_or_none()
    deposit_id: str | None = base.text_or_none()
    payout_id: str | None = base.text_or_none()
    bill_id: str | None = base.text_or_none()
    prepayment_id: str | None = base.text_or_none()
    cause_kind: str = base.text()
    cause_id: str = base.text()
    at: datetime = base.instant()
    posted_on: date | None = Field(default=None, sa_type=sa.Date, nullable=True)
    effective_on: date | None = Field(default=None, sa_type=sa.Date, nullable=True)
    xact: int = Field(
        default=None,
        sa_type=sa.BigInteger,
        nullable=False,
        sa_column_kwargs={"server_default": sa.text("pg_current_xact_id()::text::bigint")},
    )
    rank: int | None = base.rank()


class PostingRow(SQLModel, table=True):
    """One line: debits positive, credits negative, in minor units of the account's currency."""

    __tablename__ = "posting"
    __table_args__ = (
        base.holds("posting_amount_is_not_zero", "amount <> 0"),
        # Two millionths of a second of each posting, for accounts on which little is posted.
        sa.Index("ix_posting_account", "account_id", "entry_id"),
    )

    entry_id: str = Field(
        sa_column=sa.Column(sa.Text, sa.ForeignKey("journal_entry.id"), primary_key=True)
    )
    line: int = Field(sa_column=sa.Column(sa.SmallInteger, primary_key=True, autoincrement=False))
    account_id: int = Field(sa_type=sa.Integer, foreign_key="ledger_account.id", nullable=False)
    amount: int = Field(sa_type=sa.BigInteger, nullable=False)
