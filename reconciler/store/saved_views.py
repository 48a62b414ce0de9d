"""Filters of a list that somebody gave a name."""

import sqlalchemy as sa

from reconciler.store import base
from reconciler.store.base import SQLModel, datetime


class SavedView(SQLModel, table=True):
    """A list's address, `page` and `query`, under a name; others see it where `is_shared`."""

    __tablename__ = "saved_view"
    __table_args__ = (
        base.holds("a_view_has_a_name", "btrim(name) <> ''"),
        sa.Index(
            "uq_saved_view_name", "user_id", "page", sa.text("lower(btrim(name))"), unique=True
        ),
        sa.Index("ix_saved_view_page", "page"),
    )

    id: str = base.key()
    user_id: str = base.reference("user_account.id", index=False)  # the unique index begins with it
    page: str = base.text()
    name: str = base.text()
    query: str = base.text()
    is_shared: bool = base.flag()
    created_at: datetime = base.instant()
