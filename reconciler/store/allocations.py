"""Claims of payments on invoices and deposits, and of deposits on invoices.

A row says what was meant (`wanted`), what that offers now (`gross`, less what refunds and losses
took back of it: `credited`, `reopened` and `written_off`) and what the target takes up (`amount`).
Whoever writes an offer holds the source's lock and the target's; whoever writes an amount holds the
target's.
"""

import sqlalchemy as sa
from sqlmodel import Field

from reconciler.store import base
from reconciler.store.base import SQLModel, datetime

_AMOUNTS = (
    "gross >= 0 and credited >= 0 and reopened >= 0 and written_off >= 0 and amount >= 0"
    " and amount <= gross - credited - reopened - written_off"
)


class Allocation(SQLModel, table=True):
    """Part of a payment set against an invoice or a deposit. Minor units of the payment."""

    __tablename__ = "allocation"
    __table_args__ = (
        base.holds("allocation_has_one_target", "num_nonnulls(invoice_id, deposit_id) = 1"),
        base.holds("allocation_takes_up_what_is_offered", _AMOUNTS),
        base.holds("a_closed_allocation_is_empty", "closed_at is null or amount = 0"),
        sa.Index(
            "uq_allocation_one_claim_a_target",
            "payment_id",
            sa.text("coalesce(invoice_id, deposit_id)"),
            unique=True,
            postgresql_where=sa.text("closed_at is null"),
        ),
    )

    id: str = base.key()
    payment_id: str = base.reference("payment.id")
    invoice_id: str | None = base.reference("invoice.id", nullable=True)
    deposit_id: str | None = base.reference("deposit.id", nullable=True)
    wanted: int | None = Field(default=None, sa_type=sa.BigInteger, nullable=True)
    gross: int = base.minor_units()
    credited: int = base.minor_units()
    reopened: int = base.minor_units()
    written_off: int = base.minor_units()
    amount: int = base.minor_units()
    turns: int = base.whole()
    strategy: str = base.text()
    cause_kind: str = base.text()
    cause_id: str = base.text()
    created_at: datetime = base.instant()
    closed_at: datetime | None = base.instant_or_none()
    rank: int | None = base.rank()


class Application(SQLModel, table=True):
    """Part of a deposit used on an invoice, or kept as income, without one. Minor units."""

    __tablename__ = "application"
    __table_args__ = (
        base.holds("application_takes_up_what_is_offered", _AMOUNTS),
        base.holds("a_closed_application_is_empty", "closed_at is null or amount = 0"),
    )

    id: str = base.key()
    deposit_id: str = base.reference("deposit.id")
    invoice_id: str | None = base.reference("invoice.id", nullable=True)
    wanted: int = base.minor_units()
    gross: int = base.minor_units()
    credited: int = base.minor_units()
    reopened: int = base.minor_units()
    written_off: int = base.minor_units()
    amount: int = base.minor_units()
    turns: int = base.whole()
    cause_kind: str = base.text()
    cause_id: str = base.text()
    created_at: datetime = base.instant()
    closed_at: datetime | None = base.instant_or_none()
