"""People and programs that may do things here, and their sessions."""

import sqlalchemy as sa

from reconciler.store import base
from reconciler.store.base import SQLModel, datetime


class User(SQLModel, table=True):
    """A person with a role."""

    __tablename__ = "user_account"
    __table_args__ = (
        base.holds("role_is_known", "role in ('viewer', 'reconciler', 'approver', 'admin')"),
        sa.Index("uq_user_account_email", sa.text("lower(email)"), unique=True),
    )

    id: str = base.key()
    email: str = base.text()
    name: str = base.text()
    password_hash: str = base.text()
    role: str = base.text()
    created_at: datetime = base.instant()
    disabled_at: datetime | None = base.instant_or_none()
    # What the authenticator's secret is made from, together with a key that is not kept here.
    factor_salt: str | None = base.text_or_none()
    factor_at: datetime | None = base.instant_or_none()  # since when it is asked for
    factor_step: int = base.whole()  # of the last code: none counts twice
    wants_answers: bool = base.flag(default=True)  # mail when a client answers a proposal


class RecoveryCode(SQLModel, table=True):
    """Opens the door once for somebody whose authenticator is lost. Kept as a hash."""

    __tablename__ = "recovery_code"

    code_hash: str = base.key()
    user_id: str = base.reference("user_account.id")
    made_at: datetime = base.instant()
    used_at: datetime | None = base.instant_or_none()


class HalfwayIn(SQLModel, table=True):
    """Somebody whose password was right, and who still has to show a code."""

    __tablename__ = "halfway_in"

    token_hash: str = base.key()
    user_id: str = base.reference("user_account.id")
    ends_at: datetime = base.instant()
    tries: int = base.whole()  # of codes that did not fit


class UserSession(SQLModel, table=True):
    """A signed-in browser. Kept here, not in the cookie, so that it can be ended."""

    __tablename__ = "user_session"

    token_hash: str = base.key()
    user_id: str = base.reference("user_account.id")
    form_token: str = base.text()
    created_at: datetime = base.instant()
    seen_at: datetime = base.instant()
    ends_at: datetime = base.instant()
    proved_at: datetime | None = base.instant_or_none()  # the password was last shown; or at first
    # As it called itself, and where from, so that whoever it is knows it again.
    browser: str | None = base.text_or_none()
    address: str | None = base.text_or_none()


class SignInAttempt(SQLModel, table=True):
    """A failed sign-in, counted so that guessing is slow."""

    __tablename__ = "sign_in_attempt"
    __table_args__ = (sa.Index("ix_sign_in_attempt_who", "who", "at"),)

    id: str = base.key()
    who: str = base.text()
    at: datetime = base.instant()


class ApiKey(SQLModel, table=True):
    """A program's key: its hash alone, shown in full once and never again."""

    __tablename__ = "api_key"

    id: str = base.key()
    name: str = base.text()
    scope: str = base.text()
    key_hash: str = base.text(unique=True)
    created_at: datetime = base.instant()
    used_at: datetime | None = base.instant_or_none()
    revoked_at: datetime | None = base.instant_or_none()
