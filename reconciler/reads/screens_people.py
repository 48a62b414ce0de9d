"""People: their names, for the words that say who did something; accounts, sessions, keys."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

_MARK_CHARS = 8  # of chance: among a hundred people two alike come once in a hundred million
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
_ABLE = sa.text(
    """select id, name, email from user_account where disabled_at is null and role <> 'viewer'
    order by lower(name), id limit :limit"""
)


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


@dataclass(frozen=True, slots=True)
class Able:
    """Somebody who may answer questions.

    `mark`, the end of their id, does for it where a page says a list of people often: unlike a
    name it stays theirs. `label` is their name, and where others are called the same, who of them.
    """

    id: str
    mark: str
    label: str


def able(session: Session, limit: int = 100) -> list[Able]:
    """People who may answer questions, by name."""
    rows = session.execute(_ABLE, {"limit": limit}).all()
    count = Counter(row.name.casefold() for row in rows)
    return [
        Able(
            row.id,
            row.id[-_MARK_CHARS:],
            row.name if count[row.name.casefold()] == 1 else f"{row.name} ({row.email})",
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody with an account. `is_code_asked`: they show a code beside their password."""

    id: str
    email: str
    name: str
    role: str
    created_at: datetime
    disabled_at: datetime | None
    factor_at: datetime | None
    seen_at: datetime | None
    sessions: int
    codes_left: int
    wants_answers: bool


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A browser that is signed in. `id` opens nothing."""

    id: str
    created_at: datetime
    seen_at: datetime
    ends_at: datetime
    browser: str | None
    address: str | None


@dataclass(frozen=True, slots=True)
class KeyLine:
    """A program's key: everything but the key."""

    id: str
    name: str
    scope: str
    created_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


_ACCOUNT = """select u.id, u.email, u.name, u.role, u.created_at, u.disabled_at, u.factor_at,
    s.seen_at, coalesce(s.number, 0) as sessions, (select count(*) from recovery_code r
      where r.user_id = u.id and r.used_at is null) as codes_left, u.wants_answers
    from user_account u left join (select user_id, max(seen_at) as seen_at,
      count(*) filter (where ends_at > :now) as number from user_session group by user_id) s
      on s.user_id = u.id"""
_ACCOUNTS = sa.text(f"{_ACCOUNT} order by u.disabled_at is not null, lower(u.name), u.id")
_ONE_ACCOUNT = sa.text(f"{_ACCOUNT} where u.id = :id")
_SESSIONS = sa.text(
    """select left(token_hash, 16) as id, created_at, seen_at, ends_at, browser, address
    from user_session where user_id = :id and ends_at > :now order by seen_at desc, id"""
)
_KEYS = sa.text(
    """select id, name, scope, created_at, used_at, revoked_at from api_key
    order by revoked_at is not null, created_at desc, id limit 500"""
)


def accounts(session: Session, now: datetime) -> list[Account]:
    """Everybody with an account, by name; who is shut out comes last."""
    return [Account(**row._asdict()) for row in session.execute(_ACCOUNTS, {"now": now})]


def account(session: Session, user_id: str, now: datetime) -> Account | None:
    """Somebody with an account."""
    row = session.execute(_ONE_ACCOUNT, {"id": user_id, "now": now}).first()
    return Account(**row._asdict()) if row else None


def sessions(session: Session, user_id: str, now: datetime) -> list[SessionLine]:
    """The browsers somebody is signed in with, the last used first."""
    given = {"id": user_id, "now": now}
    return [SessionLine(**row._asdict()) for row in session.execute(_SESSIONS, given)]


def keys(session: Session) -> list[KeyLine]:
    """Programs' keys, the newest first; revoked ones come last."""
    return [KeyLine(**row._asdict()) for row in session.execute(_KEYS)]
