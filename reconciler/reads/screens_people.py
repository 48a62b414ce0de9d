"""Names of people, for the words that say who did something."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlmodel import Session

_NAMES = sa.text("select id, name from user_account where id = any(:ids)")
_CUSTOMERS = sa.text("select id, name from customer order by lower(name), id limit :limit")


def names(session: Session, ids: Collection[str]) -> dict[str, str]:
    """The names of these people, by id; those unknown are left out."""
    if not ids:
        return {}
    return {row.id: row.name for row in session.execute(_NAMES, {"ids": sorted(ids)})}


def customers(session: Session, limit: int = 200) -> list[tuple[str, str]]:
    """Ids and names of customers to choose from, by name."""
    return [(row.id, row.name) for row in session.execute(_CUSTOMERS, {"limit": limit})]
