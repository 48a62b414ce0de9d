"""Answers kept for a program that asks the same thing again."""

import sqlalchemy as sa
from sqlmodel import Field

from reconciler.store import base
from reconciler.store.base import SQLModel, datetime


class IdempotencyKey(SQLModel, table=True):
    """One POST and what was answered; no answer yet means that it is still running."""

    __tablename__ = "idempotency_key"

    principal: str = Field(sa_type=sa.Text, primary_key=True)
    key: str = Field(sa_type=sa.Text, primary_key=True)
    request_hash: str = base.text()
    status: int | None = Field(default=None, sa_type=sa.Integer, nullable=True)
    answer: str | None = base.text_or_none()
    locked_until: datetime = base.instant()
    created_at: datetime = base.instant()
