"""When reminders are sent: for the house, and where a customer or an invoice differs."""

from datetime import date

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from reconciler.books.reminder_words import ReminderMoment
from reconciler.store import base
from reconciler.store.base import SQLModel, datetime

HOUSE = "house"


class ReminderPlan(SQLModel, table=True):
    """What holds for `subject`: the house, a customer or an invoice.

    `steps` are days from the due day; none at all means what the wider plan says. While it is
    paused nothing leaves for that subject; `paused_until` is the first day of the next reminder.
    `hour` and `receipts_since` are the house's alone.
    """

    __tablename__ = "reminder_plan"
    __table_args__ = (
        base.holds("a_pause_says_why", "not is_paused or paused_why is not null"),
        base.holds("an_hour_is_one_of_a_day", "hour between 0 and 23"),
        base.holds(
            "a_plan_is_of_one_subject",
            "num_nonnulls(customer_id, invoice_id) = (subject <> 'house')::int",
        ),
    )

    subject: str = Field(sa_type=sa.Text, primary_key=True)
    customer_id: str | None = base.reference("customer.id", nullable=True)
    invoice_id: str | None = base.reference("invoice.id", nullable=True)
    steps: list[int] | None = Field(default=None, sa_type=ARRAY(sa.BigInteger), nullable=True)
    hour: int = base.whole(default=8)
    is_paused: bool = base.flag()
    paused_until: date | None = Field(default=None, sa_type=sa.Date, nullable=True)
    paused_why: str | None = base.text_or_none()
    # Receipts are written for what came after this; none without it.
    receipts_since: datetime | None = base.instant_or_none()
    changed_by: str | None = base.text_or_none()
    changed_at: datetime | None = base.instant_or_none()
    rev: int = base.whole(default=1)


class ReminderText(SQLModel, table=True):
    """What reminders say at a moment, where the house has words of its own."""

    __tablename__ = "reminder_text"
    __table_args__ = (
        base.one_of("reminder_text_moment_is_known", "moment", ReminderMoment),
        base.holds("a_reminder_text_says_something", "subject <> '' and opening <> ''"),
    )

    moment: str = base.key()
    subject: str = base.text()
    opening: str = base.text()
    closing: str = base.text()
    changed_by: str = base.text()
    changed_at: datetime = base.instant()
    rev: int = base.whole(default=1)
