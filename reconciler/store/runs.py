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


class JobTurn(SQLModel, table=True):
    """One turn of a timed job: asked for by the clock or a person, begun and ended by a worker."""

    __tablename__ = "job_turn"
    __table_args__ = (
        base.holds("job_turn_fails_when_it_ends", "error is null or ended_at is not null"),
        # What is asked for again while it waits or is under way is asked for once.
        sa.Index(
            "uq_job_turn_open", "job", unique=True, postgresql_where=sa.text("ended_at is null")
        ),
        sa.Index("ix_job_turn_asked", "job", "asked_at"),
    )

    id: str = base.key()
    job: str = base.text()
    task: str = base.text()
    asked_at: datetime = base.instant()
    asked_by: str | None = base.text_or_none()  # a person's id; none where it was the clock
    begun_at: datetime | None = base.instant_or_none()
    lease_until: datetime | None = base.instant_or_none()
    ended_at: datetime | None = base.instant_or_none()
    tries: int = base.whole()
    error: str | None = base.text_or_none()


class Switch(SQLModel, table=True):
    """Something that a person can turn off: refunds, apply, outbound."""

    __tablename__ = "switch"
    __table_args__ = (base.holds("switch_is_known", "name in ('refunds', 'apply', 'outbound')"),)

    name: str = base.key()
    on: bool = base.flag(default=True)
    changed_by: str | None = base.text_or_none()
    changed_at: datetime | None = base.instant_or_none()
    reason: str | None = base.text_or_none()
