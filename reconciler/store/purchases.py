"""What we buy: vendors, their bills, what is paid on them, and what was paid ahead."""

from datetime import date

import sqlalchemy as sa
from sqlmodel import Field

from reconciler.books.bills import BillState
from reconciler.books.prepayments import PrepaymentKind
from reconciler.store import base, words
from reconciler.store.base import SQLModel, datetime


class Vendor(SQLModel, table=True):
    """One whose bills we pay."""

    __tablename__ = "vendor"
    __table_args__ = (
        sa.Index("ix_vendor_words", sa.text(words.of_customer()), postgresql_using="gin"),
    )

    id: str = base.key()
    name: str = base.text()
    email: str | None = base.text_or_none()
    notes: str | None = base.text_or_none()
    created_at: datetime = base.instant()
    rev: int = base.whole(default=1)


class Bill(SQLModel, table=True):
    """What we owe a vendor, in minor units of `currency`; `tax` is the part of it that is tax.

    `paid` is what payments and prepayments come to now. It follows from their rows and is kept
    here so that a balance is one read; `outstanding` is made of it by the database.
    """

    __tablename__ = "bill"
    __table_args__ = (
        base.one_of("bill_state_is_known", "state", BillState),
        base.holds("bill_total_is_positive", "total > 0"),
        base.holds("bill_is_not_paid_beyond_its_total", "paid >= 0 and paid <= total"),
        base.holds("bill_tax_is_part_of_its_total", "tax >= 0 and tax <= total"),
        base.holds("only_an_open_bill_holds_money", "state = 'open' or paid = 0"),
        # One that was void gives its number free: it may have been typed from the wrong paper.
        sa.Index(
            "uq_bill_number",
            "vendor_id",
            sa.text("lower(btrim(number))"),
            unique=True,
            postgresql_where=sa.text("state <> 'void'"),
        ),
        sa.Index(
            "ix_bill_open",
            "due_on",
            "id",
            postgresql_where=sa.text("state = 'open' and outstanding > 0"),
        ),
        sa.Index("ix_bill_created", "created_at", "id"),
        sa.Index("ix_bill_words", sa.text(words.of_number("number")), postgresql_using="gin"),
    )

    id: str = base.key()
    number: str = base.text()
    vendor_id: str = base.reference("vendor.id")
    currency: str = base.text()
    total: int = base.minor_units()
    tax: int = base.minor_units()
    state: str = base.text()
    paid: int = base.minor_units()
    outstanding: int = base.made_of("total - paid")
    description: str | None = base.text_or_none()
    issued_on: date | None = Field(default=None, sa_type=sa.Date, nullable=True)
    due_on: date | None = Field(default=None, sa_type=sa.Date, nullable=True)
    created_at: datetime = base.instant()
    opened_at: datetime | None = base.instant_or_none()
    voided_at: datetime | None = base.instant_or_none()
    rev: int = base.whole(default=1)
    # Until which day it is out of sight among what is to be paid; that pays nothing.
    snoozed_until: date | None = Field(default=None, sa_type=sa.Date, nullable=True)


class BillLine(base.PricedLine, table=True):
    """One line of a bill, and the kind of expense that it is."""

    __tablename__ = "bill_line"
    __table_args__ = (base.holds("bill_line_has_a_place", "place > 0"),)

    bill_id: str = Field(sa_type=sa.Text, primary_key=True, foreign_key="bill.id")
    place: int = base.place()
    category: str = base.text()


class BillPayment(SQLModel, table=True):
    """Money that left the bank for a bill; until it is taken back, if it ever is."""

    __tablename__ = "bill_payment"
    __table_args__ = (base.holds("bill_payment_amount_is_positive", "amount > 0"),)

    id: str = base.key()
    bill_id: str = base.reference("bill.id")
    amount: int = base.minor_units()
    paid_on: date = Field(sa_type=sa.Date, nullable=False)
    reference: str | None = base.text_or_none()
    created_at: datetime = base.instant()
    closed_at: datetime | None = base.instant_or_none()


class Prepayment(SQLModel, table=True):
    """Money paid to a vendor ahead of a bill, or their credit note: an asset, in minor units.

    `applied` is what bills absorb now, `refunded` what the vendor gave back; both follow from
    other rows. Of a credit note, `code` is the vendor's number, `paid_on` the day on it, and `tax`
    the part of it that is tax.
    """

    __tablename__ = "prepayment"
    __table_args__ = (
        base.holds("prepayment_amount_is_positive", "amount > 0"),
        base.holds("prepayment_parts_are_not_negative", "applied >= 0 and refunded >= 0"),
        base.holds("no_prepayment_is_spent_twice", "applied + refunded <= amount"),
        base.holds(
            "nothing_came_of_a_void_prepayment",
            "voided_at is null or (applied = 0 and refunded = 0)",
        ),
        base.one_of("prepayment_kind_is_known", "kind", PrepaymentKind),
        base.holds(
            "only_a_credit_note_has_tax",
            "tax >= 0 and tax < amount and (kind = 'credit_note' or tax = 0)",
        ),
        sa.Index(
            "uq_prepayment_code",
            sa.text("lower(btrim(code))"),
            unique=True,
            postgresql_where=sa.text("kind = 'paid_ahead'"),
        ),
        # One that was void gives its number free, as a bill does.
        sa.Index(
            "uq_vendor_credit_number",
            "vendor_id",
            sa.text("lower(btrim(code))"),
            unique=True,
            postgresql_where=sa.text("kind = 'credit_note' and voided_at is null"),
        ),
        sa.Index("ix_prepayment_created", "created_at", "id"),
        sa.Index("ix_prepayment_words", sa.text(words.of_prepayment()), postgresql_using="gin"),
    )

    id: str = base.key()
    kind: str = Field(
        default=PrepaymentKind.PAID_AHEAD,
        sa_type=sa.Text,
        nullable=False,
        sa_column_kwargs={"server_default": sa.text("'paid_ahead'")},
    )
    code: str = base.text()
    vendor_id: str = base.reference("vendor.id")
    currency: str = base.text()
    amount: int = base.minor_units()
    tax: int = base.minor_units()
    applied: int = base.minor_units()
    refunded: int = base.minor_units()
    paid_on: date = Field(sa_type=sa.Date, nullable=False)
    reference: str | None = base.text_or_none()
    notes: str | None = base.text_or_none()
    created_at: datetime = base.instant()
    voided_at: datetime | None = base.instant_or_none()
    rev: int = base.whole(default=1)


class VendorCreditLine(base.PricedLine, table=True):
    """One line of a vendor's credit note, and the kind of expense that it lowers. It stays."""

    __tablename__ = "vendor_credit_line"
    __table_args__ = (base.holds("vendor_credit_line_has_a_place", "place > 0"),)

    prepayment_id: str = Field(sa_type=sa.Text, primary_key=True, foreign_key="prepayment.id")
    place: int = base.place()
    category: str = base.text()


class PrepaymentApplication(SQLModel, table=True):
    """What of a prepayment a bill absorbs; until it is taken off again, if it ever is."""

    __tablename__ = "prepayment_application"
    __table_args__ = (base.holds("prepayment_application_amount_is_positive", "amount > 0"),)

    id: str = base.key()
    prepayment_id: str = base.reference("prepayment.id")
    bill_id: str = base.reference("bill.id")
    amount: int = base.minor_units()
    created_at: datetime = base.instant()
    closed_at: datetime | None = base.instant_or_none()


class VendorRefund(SQLModel, table=True):
    """What a vendor gave back of a prepayment; until that is taken back, if it ever is."""

    __tablename__ = "vendor_refund"
    __table_args__ = (base.holds("vendor_refund_amount_is_positive", "amount > 0"),)

    id: str = base.key()
    prepayment_id: str = base.reference("prepayment.id")
    amount: int = base.minor_units()
    received_on: date = Field(sa_type=sa.Date, nullable=False)
    reference: str | None = base.text_or_none()
    created_at: datetime = base.instant()
    closed_at: datetime | None = base.instant_or_none()
