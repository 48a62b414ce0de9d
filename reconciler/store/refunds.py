"""Refunds people ask for, their legs on payments, every attempt to send one, and every step."""

import sqlalchemy as sa
from sqlmodel import Field

from reconciler.books.refund_routes import ASKED_BY, Route
from reconciler.books.refunds import RefundReason, RefundStatus
from reconciler.store import base
from reconciler.store.base import SQLModel, datetime


class Refund(SQLModel, table=True):
    """A refund as a person or program asked for it, in minor units of `currency`.

    It names what it was asked of (a payment, an invoice or a deposit); its legs say which
    payments give the money back. `status` follows from the legs'.
    """

    __tablename__ = "refund"
    __table_args__ = (
        base.holds("refund_amount_is_positive", "amount > 0"),
        base.one_of("refund_status_is_known", "status", RefundStatus),
        base.one_of("refund_reason_is_known", "reason", RefundReason),
        base.holds("refund_treatment_is_known", "treatment in ('credit', 'reopen')"),
        base.holds("refund_method_is_known", f"method in {ASKED_BY}"),
        base.holds(
            "a_refund_is_asked_of_one_thing", "num_nonnulls(payment_id, invoice_id, deposit_id) = 1"
        ),
        base.holds(
            "nobody_approves_their_own",
            "approved_by is null or approved_by <> requested_by "
            "and not approved_by = any(edited_by)",
        ),
        sa.Index("ix_refund_status", "status", "requested_at"),
        sa.Index("ix_refund_requested", "requested_at", "id"),
        sa.Index("ix_refund_by_hand", "id", postgresql_where=sa.text("method = 'hand'")),
    )

    id: str = base.key()
    payment_id: str | None = base.reference("payment.id", nullable=True)
    invoice_id: str | None = base.reference("invoice.id", nullable=True)
    deposit_id: str | None = base.reference("deposit.id", nullable=True)
    customer_id: str | None = base.reference("customer.id", nullable=True)
    amount: int = base.minor_units()
    currency: str = base.text()
    reason: str = base.text()
    note: str | None = base.text_or_none()
    treatment: str = base.text()
    # By its payments' rails, or by people though a rail brought it (RefundLeg.method says how).
    method: str = Field(
        default=Route.RAIL.value,
        sa_type=sa.Text,
        nullable=False,
        sa_column_kwargs={"server_default": sa.text("'rail'")},
    )
    status: str = base.text()
    failure: str | None = base.text_or_none()
    requested_by: str = base.text()
    requested_at: datetime = base.instant()
    needs_second_person: bool = base.flag(default=True)
    # Empty where the house's limits let it go without a second person.
    approved_by: str | None = base.text_or_none()
    approved_at: datetime | None = base.instant_or_none()
    # A digest of all that was approved (books/consent.py): anything else is not approved.
    approved_terms: str | None = base.text_or_none()
    edited_by: list[str] = base.texts()
    # Why a deposit's terms are set aside for this one, and who said so.
    terms_override: str | None = base.text_or_none()
    terms_overridden_by: str | None = base.text_or_none()
    rev: int = base.whole(default=1)


# What somebody is still to do something about, of the few legs that are no longer past.
_LEGS_TO_ARRIVE = """replaced_by is null and status in ('approved', 'manual', 'pending',
  'requested', 'requires_action', 'submitted', 'unknown')"""
_WAITING_LEGS = """replaced_by is null
  and status in ('requested', 'approved', 'submitted', 'unknown', 'manual', 'failed')"""


class RefundLeg(SQLModel, table=True):
    """A refund's part on one payment, with its own reference on the rail.

    `target_id` is the invoice or deposit it is asked back from. A leg that failed and is tried
    again is replaced by another, so that each reference stands for one refund for ever.
    """

    __tablename__ = "refund_leg"
    __table_args__ = (
        base.holds("leg_amount_is_positive", "amount > 0"),
        base.one_of("leg_status_is_known", "status", RefundStatus),
        base.one_of("leg_route_is_known", "route", Route),
        base.holds(
            "another_route_names_who_chose_it",
            "route = 'rail' or (routed_by is not null and method is not null)",
        ),
        base.holds(
            "who_chose_another_route_does_not_pay_it",
            "route <> 'hand' or settled_by is null or settled_by <> routed_by",
        ),
        base.holds(
            "what_people_paid_back_says_who_and_how",
            "route = 'rail' or status <> 'succeeded'"
            " or (settled_by is not null and settled_reference is not null)",
        ),
        base.holds("only_a_rail_is_sent_anything", "route = 'rail' or due_at is null"),
        sa.Index(
            "uq_refund_leg_one_a_source",
            "refund_id",
            "payment_id",
            sa.text("coalesce(target_id, '')"),
            unique=True,
            postgresql_where=sa.text("replaced_by is null"),
        ),
        sa.Index(
            "ix_refund_leg_under_way",
            "payment_id",
            postgresql_where=sa.text("status in ('approved', 'submitted', 'unknown')"),
        ),
        sa.Index(
            "ix_refund_leg_waiting",
            "payment_id",
            # All that is asked where they are counted, so that this index alone tells it.
            postgresql_include=["refund_id", "amount", "status", "rail_refund_id", "routed_by"],
            postgresql_where=sa.text(_WAITING_LEGS),
        ),
        # Those too, of which a balance says that they are going back.
        sa.Index(
            "ix_refund_leg_to_arrive",
            "payment_id",
            postgresql_include=["refund_id", "target_id", "amount"],
            postgresql_where=sa.text(_LEGS_TO_ARRIVE),
        ),
        sa.Index(
            "ix_refund_leg_rail_refund",
            "rail_refund_id",
            postgresql_where=sa.text("rail_refund_id is not null"),
        ),
        sa.Index("ix_refund_leg_other_route", "id", postgresql_where=sa.text("route <> 'rail'")),
        sa.Index("ix_refund_leg_due", "due_at", postgresql_where=sa.text("due_at is not null")),
    )

    id: str = base.key()
    refund_id: str = base.reference("refund.id")
    payment_id: str = base.reference("payment.id")
    target_id: str | None = base.text_or_none()
    amount: int = base.minor_units()
    status: str = base.text()
    reference: str = base.text(unique=True)
    rail_refund_id: str | None = base.text_or_none()
    failure: str | None = base.text_or_none()
    replaced_by: str | None = base.text_or_none()
    generation: int = base.whole(default=1)
    generations_max: int = base.whole(default=3)
    # Since when it is neither done nor given up: its first sending, or its release by a person.
    unsettled_since: datetime | None = base.instant_or_none()
    is_cancel_wanted: bool = base.flag()
    lease_token: str | None = base.text_or_none()
    lease_until: datetime | None = base.instant_or_none()
    due_at: datetime | None = base.instant_or_none()
    probes: int = base.whole()  # looks in a row that settled nothing
    tries: int = base.whole()  # sendings in a row that the rail did not take
    route: str = Field(
        default=Route.RAIL.value,
        sa_type=sa.Text,
        nullable=False,
        sa_column_kwargs={"server_default": sa.text("'rail'")},
    )
    method: str | None = base.text_or_none()  # what stands for the rail on another route
    routed_by: str | None = base.text_or_none()  # who chose that route; somebody else pays it
    looked_at: datetime | None = base.instant_or_none()  # on the rail, by books that were restored
    settled_reference: str | None = base.text_or_none()  # how a person paid it back by hand
    settled_by: str | None = base.text_or_none()
    settled_at: datetime | None = base.instant_or_none()


class RefundAttempt(SQLModel, table=True):
    """One idempotency key of a leg: when bytes first and last may have left for the rail."""

    __tablename__ = "refund_attempt"
    __table_args__ = (
        sa.UniqueConstraint("leg_id", "generation"),
        sa.Index("ix_refund_attempt_first_sent", "first_sent_at"),
    )

    id: str = base.key()
    leg_id: str = base.reference("refund_leg.id")
    generation: int = base.whole(default=1)
    key: str = base.text(unique=True)
    first_sent_at: datetime | None = base.instant_or_none()
    last_sent_at: datetime | None = base.instant_or_none()
    sends: int = base.whole()
    is_refused: bool = base.flag()
    outcome: str | None = base.text_or_none()


class RefundStep(SQLModel, table=True):
    """One change of a refund's or leg's status: append-only, in the order of `seq`."""

    __tablename__ = "refund_step"

    seq: int | None = Field(
        default=None,
        sa_column=sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True),
    )
    refund_id: str = base.reference("refund.id")
    leg_id: str | None = base.text_or_none()
    before: str | None = base.text_or_none()
    after: str = base.text()
    why: str | None = base.text_or_none()
    cause_kind: str = base.text()
    cause_id: str = base.text()
    at: datetime = base.instant()
    rank: int | None = base.rank()
