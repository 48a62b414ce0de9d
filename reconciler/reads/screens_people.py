"""Names of people, for the words that say who did something."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlmodel import Session

_NAMES = sa.text("select id, name from user_account where id = any(:ids)")
_OF_CAUSES = sa.text(
    """select id, name from user_account where id = any(:ids)
    union all select id, 'Key ' || name from api_key where id = any(:ids)"""
)
_EVERYBODY = sa.text(
    """select id, name from (
      select id, name, 1 as rank from user_account
      union all select id, 'Key ' || name, 2 from api_key) who
    order by rank, lower(name), id limit :limit"""
)
_CUSTOMERS = sa.text("select id, name from customer order by lower(name), id limit :limit")


def names(session: Session, ids: Collection[str]) -> dict[str, str]:
    """The names of these people, by id; those unknown are left out."""
    if not ids:
        return {}
    return {row.id: row.name for row in session.execute(_NAMES, {"ids": sorted(ids)})}


def names_of_causes(session: Session, ids: Collection[str]) -> dict[str, str]:
    """The names of these people and keys, by id; those unknown are left out."""
    return {row.id: row.name for row in session.execute(_OF_CAUSES, {"ids": sorted(ids)})}


def everybody(session: Session, limit: int = 500) -> list[tuple[str, str]]:
    """Ids and names of all people and keys that may have done something, by name."""
    return [(row.id, row.name) for row in session.execute(_EVERYBODY, {"limit": limit})]


def customers(session: Session, limit: int = 200) -> list[tuple[str, str]]:
    """Ids and names of customers to choose from, by name."""
    return [(row.id, row.name) for row in session.execute(_CUSTOMERS, {"limit": limit})]
