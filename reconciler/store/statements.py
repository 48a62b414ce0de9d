"""Bank statements, their lines, and what each line is tied to."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from reconciler.books.bank_corrections import CorrectionKind, CorrectionState
from reconciler.books.bank_lines import LineState, TargetKind
from reconciler.store import base
from reconciler.store.base import SQLModel, date, datetime


class BankStatement(SQLModel, table=True):
    """A file from a bank that was read. `line_count` lines stood in it, `new_count` were news."""

    __tablename__ = "bank_statement"
    __table_args__ = (
        sa.UniqueConstraint("bank_account", "digest"),
        sa.Index("ix_bank_statement_read", "read_at", "id"),
    )

    id: str = base.key()
    bank_account: str = base.text()
    file_name: str = base.text()
    digest: str = base.text()
    form: str = base.text()
    line_count: int = base.whole()
    new_count: int = base.whole()
    bad_count: int = base.whole()
    bad_rows: list[Any] = Field(
        default_factory=list,
        sa_type=JSONB,
        nullable=False,
        sa_column_kwargs={"server_default": sa.text("'[]'")},
    )
    read_at: datetime = base.instant()


class BankLineRow(SQLModel, table=True):
    """A line of a statement. Minor units: into the account above zero, out of it below."""

    __tablename__ = "bank_line"
    __table_args__ = (
        sa.UniqueConstraint("bank_account", "identity"),
        base.one_of("bank_line_state_is_known", "state", LineState),
        base.one_of("bank_line_target_is_known", "target_kind", TargetKind),
        base.holds("bank_line_moves_money", "amount <> 0"),
        base.holds(
            "bank_line_is_tied_to_something",
            "(state = 'tied') = (target_id is not null)"
            " and (target_id is null) = (target_kind is null)",
        ),
        base.holds(
            "bank_line_fee_is_a_persons_word",
            "fee >= 0 and (fee = 0) = (fee_why is null)"
            " and (fee = 0 or (state = 'tied' and tied_by is not null))",
        ),
        # What went over the bank once stands on one line.
        sa.Index(
            "uq_bank_line_target",
            "target_kind",
            "target_id",
            unique=True,
            postgresql_where=sa.text("target_id is not null"),
        ),
        sa.Index(
            "ix_bank_line_open", "booked_on", "id", postgresql_where=sa.text("state = 'open'")
        ),
        sa.Index("ix_bank_line_statement", "statement_id", "number", "id"),
        sa.Index("ix_bank_line_account_day", "bank_account", "booked_on"),
    )

    id: str = base.key()
    statement_id: str = base.reference("bank_statement.id", index=False)
    bank_account: str = base.text()
    identity: str = base.text()
    number: int = base.whole()
    booked_on: date = Field(sa_type=sa.Date, nullable=False)
    amount: int = base.minor_units()
    currency: str = base.text()
    text: str = base.text()
    reference: str = base.text()
    counterparty: str = base.text()
    bank_reference: str = base.text()
    state: str = base.text()
    target_kind: str | None = base.text_or_none()
    target_id: str | None = base.text_or_none()
    tied_by: str | None = base.text_or_none()  # a person's id; none where it tied itself
    reasons: list[str] = base.texts()
    fee: int = base.minor_units()  # what the bank took off what it is tied to
    fee_why: str | None = base.text_or_none()
    fee_turns: int = base.whole()  # how many fees it has had, for the keys of their entries
    why: str | None = base.text_or_none()  # it was set aside
    # Targets that a person took it from: it does not tie itself to them again.
    untied_from: list[str] = base.texts()
    settled_at: datetime | None = base.instant_or_none()
    rev: int = base.whole(default=1)


class BankLinePart(SQLModel, table=True):
    """What else a tied line is the bank's side of, where it is a sum: all but the first."""

    __tablename__ = "bank_line_part"
    __table_args__ = (base.one_of("bank_line_part_target_is_known", "target_kind", TargetKind),)

    target_kind: str = Field(sa_type=sa.Text, primary_key=True)
    target_id: str = Field(sa_type=sa.Text, primary_key=True)
    line_id: str = base.reference("bank_line.id")
    amount: int = base.minor_units()


class BankCorrection(SQLModel, table=True):
    """What a bank says of a line that it sent before. `amount` and the rest: what it is now."""

    __tablename__ = "bank_correction"
    __table_args__ = (
        base.one_of("bank_correction_kind_is_known", "kind", CorrectionKind),
        base.one_of("bank_correction_state_is_known", "state", CorrectionState),
        base.holds(
            "a_changed_line_says_what_it_is_now",
            "(kind = 'changed') = (identity is not null) and (kind = 'withdrawn'"
            " or num_nonnulls(currency, booked_on, amount) = 3)",
        ),
        sa.Index(
            "uq_bank_correction_open",
            "line_id",
            unique=True,
            postgresql_where=sa.text("state = 'open'"),
        ),
    )

    id: str = base.key()
    statement_id: str = base.reference("bank_statement.id")  # the file that says so
    line_id: str = base.reference("bank_line.id")
    kind: str = base.text()
    state: str = base.text()
    number: int = base.whole()
    identity: str | None = base.text_or_none()
    currency: str | None = base.text_or_none()
    booked_on: date | None = Field(default=None, sa_type=sa.Date, nullable=True)
    amount: int | None = Field(default=None, sa_type=sa.BigInteger, nullable=True)
    text: str = base.text_or_empty()
    reference: str = base.text_or_empty()
    counterparty: str = base.text_or_empty()
    bank_reference: str = base.text_or_empty()
    new_line_id: str | None = base.reference("bank_line.id", nullable=True)
    decided_by: str | None = base.text_or_none()
    why: str | None = base.text_or_none()
    found_at: datetime = base.instant()
    decided_at: datetime | None = base.instant_or_none()
    rev: int = base.whole(default=1)
