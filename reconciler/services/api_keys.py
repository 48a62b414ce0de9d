"""Programs' keys: 256 bits shown once, kept as a hash, found by it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import col, select

from reconciler.books import texts
from reconciler.books.people import Scope
from reconciler.errors import Invalid, NotFound
from reconciler.ids import new_id, new_token
from reconciler.services import audit
from reconciler.store.people import ApiKey
from reconciler.work import Work

PREFIX = "rk_"  # so that a key in a log or a repository is known for what it is
NAME_CHARS_MAX = 100
_CHARS_MAX = 200
_TOUCH_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Principal:
    """The program that is asking."""

    id: str
    name: str
    scope: Scope


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as a list shows it: everything but the key."""

    id: str
    name: str
    scope: Scope
    created_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


def create(work: Work, *, name: str, scope: str) -> tuple[str, str]:
    """A new key: its id, and the key itself, which nobody can read again. Raises Invalid."""
    try:
        granted = Scope(scope)
    except ValueError:
        raise Invalid(f"a scope is one of {', '.join(Scope)}", field="scope") from None
    key = PREFIX + new_token()
    row = ApiKey(
        id=new_id("key"),
        name=texts.line(name, field="name", chars_max=NAME_CHARS_MAX),
        scope=granted,
        key_hash=_hash(key),
        created_at=work.now,
    )
    work.session.add(row)
    work.session.flush()
    audit.note(work, "api_key.created", row.id, after={"name": row.name, "scope": granted})
    return row.id, key


def revoke(work: Work, key_id: str) -> None:
    """From here on the key opens nothing. Twice is once."""
    row = work.session.get(ApiKey, key_id, with_for_update={"key_share": True})
    if row is None:
        raise NotFound(f"there is no key {key_id}")
    work.has_only_looked = row.revoked_at is not None
    if row.revoked_at is None:
        row.revoked_at = work.now
        audit.note(work, "api_key.revoked", row.id)
    work.session.flush()


def all_keys(work: Work) -> list[KeyRow]:
    """Every key ever made, the newest first."""
    rows = work.session.exec(select(ApiKey).order_by(col(ApiKey.created_at).desc()))
    return [
        KeyRow(row.id, row.name, Scope(row.scope), row.created_at, row.used_at, row.revoked_at)
        for row in rows
    ]


def principal_of(work: Work, key: str) -> Principal | None:
    """Who carries this key, if it opens anything."""
    if not key.startswith(PREFIX) or len(key) > _CHARS_MAX:
        return None
    row = work.session.execute(
        sa.select(col(ApiKey.id), col(ApiKey.name), col(ApiKey.scope), col(ApiKey.used_at)).where(
            col(ApiKey.key_hash) == _hash(key), col(ApiKey.revoked_at).is_(None)
        )
    ).first()
    if row is None:
        return None
    if row.used_at is None or row.used_at < work.now - _TOUCH_EVERY:
        work.session.execute(
            sa.update(ApiKey).where(col(ApiKey.id) == row.id).values(used_at=work.now)
        )
    return Principal(row.id, row.name, Scope(row.scope))


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()
