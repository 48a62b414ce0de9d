"""Projects, the milestones they are billed by, and the change orders that moved their price."""

from datetime import date

import sqlalchemy as sa
from sqlmodel import Field

from reconciler.books.milestones import MilestoneKind
from reconciler.store import base
from reconciler.store.base import SQLModel, datetime


class Project(SQLModel, table=True):
    """Work for a customer at a price, in minor units of `currency`.

    `original_price` is what was agreed first, `approved_price` what the last change order made of
    it. Whatever changes the plan of a project holds its row.
    """

    __tablename__ = "project"
    __table_args__ = (
        base.holds("project_price_is_positive", "original_price > 0 and approved_price > 0"),
        sa.Index("ix_project_created", "created_at", "id"),
    )

    id: str = base.key()
    customer_id: str = base.reference("customer.id")
    name: str = base.text()
    currency: str = base.text()
    original_price: int = base.minor_units()
    approved_price: int = base.minor_units()
    created_at: datetime = base.instant()
    rev: int = base.whole(default=1)


class ChangeOrder(SQLModel, table=True):
    """The client approved another price, in minor units of the project's currency."""

    __tablename__ = "change_order"
    __table_args__ = (
        base.holds("change_order_moves_the_price", "price_after <> price_before"),
        base.holds("change_order_price_is_positive", "price_after > 0"),
        sa.UniqueConstraint("project_id", "number"),
    )

    id: str = base.key()
    project_id: str = base.reference("project.id", index=False)
    number: int = base.whole()
    price_before: int = base.minor_units()
    price_after: int = base.minor_units()
    reason: str = base.text()
    approved_by: str | None = base.text_or_none()
    approved_on: date = Field(sa_type=sa.Date, nullable=False)
    document: str | None = base.text_or_none()
    cause_kind: str = base.text()
    cause_id: str = base.text()
    created_at: datetime = base.instant()


class Milestone(SQLModel, table=True):
    """A part of a project that is paid for by itself, in minor units of `currency`.

    Its invoice and its deposit name it, not it them: so a void one lets it go by being void.
    `change_order_id` is the change that brought it, `dropped_at` when it was given up.
    """

    __tablename__ = "milestone"
    __table_args__ = (
        base.one_of("milestone_kind_is_known", "kind", MilestoneKind),
        base.holds("milestone_amount_is_positive", "amount > 0"),
        sa.Index("ix_milestone_project", "project_id", "position", "id"),
    )

    id: str = base.key()
    project_id: str = base.reference("project.id", index=False)
    change_order_id: str | None = base.reference("change_order.id", nullable=True)
    kind: str = base.text()
    name: str = base.text()
    description: str | None = base.text_or_none()
    amount: int = base.minor_units()
    currency: str = base.text()
    due_on: date | None = Field(default=None, sa_type=sa.Date, nullable=True)
    position: int = base.whole()
    dropped_at: datetime | None = base.instant_or_none()
    created_at: datetime = base.instant()
    rev: int = base.whole(default=1)
