"""Those who pay."""

import sqlalchemy as sa
from sqlmodel import Field

from reconciler.books.deposits import DepositPolicy
from reconciler.books.overpayments import OverpaymentPolicy
from reconciler.books.part_payments import FORM as PART_PAYMENTS
from reconciler.store import base, words
from reconciler.store.base import SQLModel, datetime


class Customer(SQLModel, table=True):
    """One who is invoiced and pays."""

    __tablename__ = "customer"
    __table_args__ = (
        base.one_of("overpayment_policy_is_known", "overpayment_policy", OverpaymentPolicy),
        base.one_of("deposit_policy_is_known", "deposit_policy", DepositPolicy),
        base.holds("customer_part_payments_are_known", f"part_payments ~ '^({PART_PAYMENTS})$'"),
        sa.Index("ix_customer_words", sa.text(words.of_customer()), postgresql_using="gin"),
        sa.Index("ix_customer_email", sa.text("lower(email)")),
    )

    id: str = base.key()
    name: str = base.text()
    email: str | None = base.text_or_none()
    overpayment_policy: str = Field(
        default="hold",
        sa_type=sa.Text,
        nullable=False,
        sa_column_kwargs={"server_default": sa.text("'hold'")},
    )
    deposit_policy: str = Field(
        default="automatic",
        sa_type=sa.Text,
        nullable=False,
        sa_column_kwargs={"server_default": sa.text("'automatic'")},
    )
    part_payments: str = Field(
        default="any",
        sa_type=sa.Text,
        nullable=False,
        sa_column_kwargs={"server_default": sa.text("'any'")},
    )
    seeks_payment: bool = base.flag()
    created_at: datetime = base.instant()
    rev: int = base.whole(default=1)


class CustomerRailId(SQLModel, table=True):
    """What a rail calls a customer of ours."""

    __tablename__ = "customer_rail_id"

    rail: str = Field(sa_type=sa.Text, primary_key=True)
    rail_customer_id: str = Field(sa_type=sa.Text, primary_key=True)
    customer_id: str = base.reference("customer.id")
