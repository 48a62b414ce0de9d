"""Invoices, their credit notes, and the rails' objects made for them."""

from datetime import date

import sqlalchemy as sa
from sqlmodel import Field

from reconciler.books.invoices import InvoiceState
from reconciler.books.part_payments import FORM as PART_PAYMENTS
from reconciler.store import base, words
from reconciler.store.base import SQLModel, datetime


class Invoice(SQLModel, table=True):
    """A claim on a customer, in minor units of `currency`.

    `tax` is the part of `total` that is owed on to the tax office, `tax_credited` what of it went
    with what was credited.

    `paid` is what allocations and applications come to now, `credit_notes` what people
    credited, `refund_credits` what refunds credited and `write_offs` what a bank took that we bear;
    all four follow from other rows and are kept here so that a balance is one read. `credited` and
    `outstanding` are made of them by the database. Of `credit_notes`, `bank_fees` is no credit but
    what a bank took off its payment, which we bear (`ShortPayment`): no tax goes with it.
    """

    __tablename__ = "invoice"
    __table_args__ = (
        base.one_of("invoice_state_is_known", "state", InvoiceState),
        base.holds("invoice_total_is_positive", "total > 0"),
        base.holds("invoice_part_payments_are_known", f"part_payments ~ '^({PART_PAYMENTS})$'"),
        base.holds(
            "invoice_is_not_paid_beyond_its_total",
            "paid >= 0 and credit_notes >= 0 and refund_credits >= 0 and write_offs >= 0"
            " and paid + credit_notes + refund_credits + write_offs <= total",
        ),
        base.holds(
            "invoice_tax_is_part_of_its_total",
            "tax >= 0 and tax <= total and tax_credited >= 0 and tax_credited <= tax",
        ),
        base.holds(
            "invoice_bank_fees_are_part_of_what_people_lowered",
            "bank_fees >= 0 and bank_fees <= credit_notes",
        ),
        base.holds(
            "only_a_sent_invoice_holds_money",
            "state = 'sent' or (paid = 0 and credit_notes = 0 and refund_credits = 0"
            " and write_offs = 0)",
        ),
        sa.Index("uq_invoice_number", sa.text("lower(btrim(number))"), unique=True),
        # Ids from before there were projects here may be anything, also twice.
        sa.Index(
            "uq_invoice_milestone",
            "milestone_id",
            unique=True,
            postgresql_where=sa.text("state <> 'void' and milestone_id like 'mil\\_%'"),
        ),
        sa.Index(
            "ix_invoice_draft_of_milestone",
            "milestone_id",
            postgresql_where=sa.text("state = 'draft' and milestone_id is not null"),
        ),
        sa.Index(
            "ix_invoice_open",
            "customer_id",
            "currency",
            postgresql_where=sa.text("state = 'sent' and outstanding > 0"),
        ),
        sa.Index(
            "ix_invoice_open_amount",
            "currency",
            "outstanding",
            postgresql_where=sa.text("state = 'sent' and outstanding > 0"),
        ),
        sa.Index(
            "ix_invoice_due",
            "due_on",
            "id",
            postgresql_include=["currency", "outstanding", "customer_id"],
            postgresql_where=sa.text("state = 'sent' and outstanding > 0"),
        ),
        sa.Index("ix_invoice_seeks_payment", "id", postgresql_where=sa.text("seeks_payment")),
        sa.Index("ix_invoice_created", "created_at", "id"),
        # The views that may show a few of very many.
        sa.Index(
            "ix_invoice_open_created",
            "created_at",
            "id",
            postgresql_where=sa.text("state = 'sent' and outstanding > 0"),
        ),
        sa.Index(
            "ix_invoice_draft_created",
            "created_at",
            "id",
            postgresql_where=sa.text("state = 'draft'"),
        ),
        sa.Index("ix_invoice_customer_id", "customer_id", "created_at", "id"),
        sa.Index("ix_invoice_amount", "total", "created_at", "id"),
        sa.Index("ix_invoice_words", sa.text(words.of_number("number")), postgresql_using="gin"),
    )

    id: str = base.key()
    number: str = base.text()
    customer_id: str = base.reference("customer.id", index=False)
    project_id: str | None = base.reference("project.id", nullable=True)
    milestone_id: str | None = base.reference("milestone.id", nullable=True)
    currency: str = base.text()
    total: int = base.minor_units()
    state: str = base.text()
    paid: int = base.minor_units()
    credit_notes: int = base.minor_units()
    bank_fees: int = base.minor_units()
    refund_credits: int = base.minor_units()
    write_offs: int = base.minor_units()
    credited: int = base.made_of("credit_notes + refund_credits + write_offs")
    outstanding: int = base.made_of("total - paid - credit_notes - refund_credits - write_offs")
    tax: int = base.minor_units()
    tax_credited: int = base.minor_units()
    description: str | None = base.text_or_none()
    issued_on: date | None = Field(default=None, sa_type=sa.Date, nullable=True)
    due_on: date | None = Field(default=None, sa_type=sa.Date, nullable=True)
    part_payments: str | None = base.text_or_none()  # none: as the customer's
    seeks_payment: bool = base.flag()
    created_at: datetime = base.instant()
    sent_at: datetime | None = base.instant_or_none()
    voided_at: datetime | None = base.instant_or_none()
    rev: int = base.whole(default=1)


class InvoiceLine(base.PricedLine, table=True):
    """One line of an invoice."""

    __tablename__ = "invoice_line"
    __table_args__ = (base.holds("invoice_line_has_a_place", "place > 0"),)

    invoice_id: str = Field(sa_type=sa.Text, primary_key=True, foreign_key="invoice.id")
    place: int = base.place()


class CreditNote(SQLModel, table=True):
    """A document that lowers what an invoice is owed, and says why.

    `amount` is all of it, `tax` the part that the tax office is owed less, `freed` what of it had
    been paid already. Those from before they had numbers have none.
    """

    __tablename__ = "credit_note"
    __table_args__ = (
        base.holds("credit_note_amount_is_positive", "amount > 0"),
        base.holds("credit_note_tax_is_part_of_it", "tax >= 0 and tax <= amount"),
        base.holds("credit_note_frees_part_of_it", "freed >= 0 and freed <= amount"),
        sa.Index("uq_credit_note_number", sa.text("lower(btrim(number))"), unique=True),
    )

    id: str = base.key()
    number: str | None = base.text_or_none()
    invoice_id: str = base.reference("invoice.id")
    amount: int = base.minor_units()
    tax: int = base.minor_units()
    freed: int = base.minor_units()
    reason: str = base.text()
    cause_kind: str = base.text()
    cause_id: str = base.text()
    created_at: datetime = base.instant()


class CreditNoteTakenBack(SQLModel, table=True):
    """A credit note was wrong: what it did is reversed, and of its tax `tax` is owed again."""

    __tablename__ = "credit_note_taken_back"
    __table_args__ = (base.holds("tax_taken_back_is_not_negative", "tax >= 0"),)

    credit_note_id: str = Field(sa_type=sa.Text, primary_key=True, foreign_key="credit_note.id")
    tax: int = base.minor_units()
    reason: str | None = base.text_or_none()
    cause_kind: str = base.text()
    cause_id: str = base.text()
    created_at: datetime = base.instant()


class ShortPayment(SQLModel, table=True):
    """What is missing on an invoice because a bank took it off the payment, until it is closed."""

    __tablename__ = "short_payment"
    __table_args__ = (base.holds("short_payment_is_more_than_nothing", "amount > 0"),)

    id: str = base.key()
    invoice_id: str = base.reference("invoice.id")
    payment_id: str | None = base.reference("payment.id", nullable=True)
    amount: int = base.minor_units()
    reason: str = base.text()
    cause_kind: str = base.text()
    cause_id: str = base.text()
    created_at: datetime = base.instant()
    closed_at: datetime | None = base.instant_or_none()


class RailReference(SQLModel, table=True):
    """A rail's object (intent, session, its own invoice) that was made for a document of ours."""

    __tablename__ = "rail_reference"
    __table_args__ = (
        base.holds("a_reference_has_one_target", "num_nonnulls(invoice_id, deposit_id) = 1"),
    )

    rail: str = Field(sa_type=sa.Text, primary_key=True)
    object_id: str = Field(sa_type=sa.Text, primary_key=True)
    invoice_id: str | None = base.reference("invoice.id", nullable=True)
    deposit_id: str | None = base.reference("deposit.id", nullable=True)
