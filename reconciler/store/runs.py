"""What the program keeps about itself: timed jobs, switches, where it lives."""

import sqlalchemy as sa
from sqlmodel import Field

from reconciler.store import base
from reconciler.store.base import SQLModel, datetime


class JobTick(SQLModel, table=True):
    """One turn of a timed job: the row that only one of several clocks can insert."""

    __tablename__ = "job_tick"

    job: str = Field(sa_type=sa.Text, primary_key=True)
    tick: datetime = Field(sa_type=sa.DateTime(timezone=True), primary_key=True)
    fired_at: datetime = base.instant()


class Switch(SQLModel, table=True):
    """Something that a person can turn off: refunds, apply, outbound."""

    __tablename__ = "switch"
    __table_args__ = (base.holds("switch_is_known", "name in ('refunds', 'apply', 'outbound')"),)

    name: str = base.key()
    on: bool = base.flag(default=True)
    changed_by: str | None = base.text_or_none()
    changed_at: datetime | None = base.instant_or_none()
    reason: str | None = base.text_or_none()
