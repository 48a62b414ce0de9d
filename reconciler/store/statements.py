"""Bank statements, their lines, and what each line is tied to."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

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
