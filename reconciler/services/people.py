"""People: their accounts, roles and sessions.

Sessions are rows here, found by the hash of what the cookie holds: so one can be ended, and a
copy of the database opens no door.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import col, select

from reconciler.books import texts
from reconciler.books.people import Role
from reconciler.errors import Conflict, Forbidden, Invalid, NotFound
from reconciler.ids import new_id, new_token
from reconciler.services import audit, passwords
from reconciler.store.people import SignInAttempt, User, UserSession
from reconciler.work import Cause, Work

SESSION_LIFE = timedelta(hours=12)
SESSION_IDLE_MAX = timedelta(hours=4)
_TOUCH_EVERY = timedelta(minutes=1)  # a page view writes no row, unless it is a while ago

ATTEMPTS_WINDOW = timedelta(minutes=15)
ATTEMPTS_PER_ACCOUNT_MAX = 10
ATTEMPTS_PER_ADDRESS_MAX = 50  # an office may share one
NAME_CHARS_MAX = 100


class TooManyAttempts(Forbidden):
    """Guessing is made slow: wait before the next sign-in."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account here."""

    id: str
    email: str
    name: str
    role: Role
    is_disabled: bool = False


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session just begun. `token` goes into the cookie and is kept nowhere."""

    token: str
    form_token: str
    person: Person
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session that goes on. `form_token` must come back with each form."""

    person: Person
    form_token: str


def create_user(work: Work, *, email: str, password: str, role: str, name: str = "") -> str:
    """A new account. Raises Invalid, or Conflict if the address has one."""
    email = texts.mail(email)
    if _by_email(work, email):
        raise Conflict(f"{email} has an account already", field="email")
    kept = passwords.hashed(passwords.judged(password, about=email))
    return _add(work, email=email, name=name, role=role_named(role), password_hash=kept)


def ensure_first_admin(work: Work, email: str, password: str) -> str | None:
    """Make sure that somebody can let others in. The id of the account made, if one was.

    Does nothing once there is an admin, so a later start neither adds one nor resets a password.
    """
    _only_one(work, "first-admin")
    is_admin = (col(User.role) == Role.ADMIN) & col(User.disabled_at).is_(None)
    if work.session.exec(select(User.id).where(is_admin).limit(1)).first():
        return None
    email = texts.mail(email)
    kept = passwords.hashed(password)
    known = _by_email(work, email)
    if known is None:
        return _add(work, email=email, name="", role=Role.ADMIN, password_hash=kept)
    before = {"role": known.role, "is_disabled": known.disabled_at is not None}
    known.role, known.password_hash, known.disabled_at = Role.ADMIN, kept, None
    after = {"role": Role.ADMIN, "is_disabled": False}
    audit.note(work, "person.made_admin", known.id, before=before, after=after)
    end_sessions(work, known.id)
    return known.id


def set_role(work: Work, user_id: str, role: str) -> None:
    """Give somebody another role; their sessions end. The last admin stays one."""
    user = _locked(work, user_id)
    new = role_named(role)
    if new is not Role.ADMIN:
        _not_the_last_admin(work, user)
    audit.note(
        work, "person.role_changed", user_id, before={"role": user.role}, after={"role": new}
    )
    user.role = new
    work.session.flush()
    end_sessions(work, user_id)


def set_password(work: Work, user_id: str, password: str) -> None:
    """Give somebody another password; their sessions end."""
    user = _locked(work, user_id)
    user.password_hash = passwords.hashed(passwords.judged(password, about=user.email))
    audit.note(work, "person.password_changed", user_id)
    work.session.flush()
    end_sessions(work, user_id)


def set_disabled(work: Work, user_id: str, *, disabled: bool) -> None:
    """Shut somebody out, at once, or let them in again. The last admin stays."""
    user = _locked(work, user_id)
    if disabled:
        _not_the_last_admin(work, user)
    user.disabled_at = work.now if disabled else None
    audit.note(work, "person.disabled" if disabled else "person.enabled", user_id)
    work.session.flush()
    end_sessions(work, user_id)


def users(work: Work) -> list[Person]:
    """Everybody with an account, by address."""
    return [_person(user) for user in work.session.exec(select(User).order_by(User.email))]


def sign_in(work: Work, *, email: str, password: str, address: str) -> SignedIn | None:
    """Begin a session, or None if address and password do not belong together.

    None is an answer and no exception, because the attempt has to be counted: the caller
    commits either way. Raises TooManyAttempts.
    """
    user = _proved(work, email, password, address)
    if user is None:
        return None
    audit.note(work, "person.signed_in", user.id)
    return _begin(work, user)


def vouched(work: Work, *, email: str, password: str, address: str) -> Person | None:
    """Who this is, proved as at the door but without a session; the work is in their name then.

    None and TooManyAttempts as in `sign_in`.
    """
    user = _proved(work, email, password, address)
    if user is None:
        return None
    audit.note(work, "person.vouched", user.id)
    return _person(user)


def _proved(work: Work, email: str, password: str, address: str) -> User | None:
    who = _attempts_of(email, address)
    _slow_down(work, *who)
    user = _by_email(work, email.strip()) if "\0" not in email else None
    fits = passwords.fits(password, user.password_hash if user else None)
    if user is None or not fits or user.disabled_at is not None:
        work.session.add_all(SignInAttempt(id=new_id("try"), who=w, at=work.now) for w in who)
        work.session.flush()
        if user is not None:  # how often is bounded, see above; nobody else's guesses are noted
            audit.note(work, "person.sign_in_refused", user.id)
        return None
    if passwords.is_outdated(user.password_hash):
        user.password_hash = passwords.hashed(password)
    work.session.execute(sa.delete(SignInAttempt).where(col(SignInAttempt.who) == who[0]))
    work.cause = Cause("person", user.id)  # from here on it is known who this is
    return user


def session_of(work: Work, token: str) -> OpenSession | None:
    """Whose session this cookie is, if it goes on."""
    found = work.session.exec(
        select(UserSession, User)
        .join(User, col(User.id) == col(UserSession.user_id))
        .where(
            col(UserSession.token_hash) == _hash(token),
            col(UserSession.ends_at) > work.now,
            col(UserSession.seen_at) > work.now - SESSION_IDLE_MAX,
            col(User.disabled_at).is_(None),
        )
    ).first()
    if found is None:
        return None
    session, user = found
    if session.seen_at < work.now - _TOUCH_EVERY:
        session.seen_at = work.now
        work.session.flush()
    return OpenSession(_person(user), session.form_token)


def sign_out(work: Work, token: str) -> None:
    """End this session, if there is one."""
    ended = work.session.execute(
        sa.delete(UserSession)
        .where(col(UserSession.token_hash) == _hash(token))
        .returning(col(UserSession.user_id))
    ).scalar()
    if ended is not None:
        work.cause = Cause("person", ended)
        audit.note(work, "person.signed_out", ended)


def end_sessions(work: Work, user_id: str) -> None:
    """End every session of somebody."""
    work.session.execute(sa.delete(UserSession).where(col(UserSession.user_id) == user_id))


def forget_old(work: Work) -> None:
    """Drop sessions that ended and attempts that count no more. For a timed job."""
    ended = (col(UserSession.ends_at) <= work.now) | (
        col(UserSession.seen_at) <= work.now - SESSION_IDLE_MAX
    )
    work.session.execute(sa.delete(UserSession).where(ended))
    old = col(SignInAttempt.at) <= work.now - ATTEMPTS_WINDOW
    work.session.execute(sa.delete(SignInAttempt).where(old))


def role_named(role: str) -> Role:
    """The role of that name. Raises Invalid."""
    try:
        return Role(role)
    except ValueError:
        raise Invalid(f"a role is one of {', '.join(Role)}", field="role") from None


def _begin(work: Work, user: User) -> SignedIn:
    signed_in = SignedIn(new_token(), new_token(), _person(user), work.now + SESSION_LIFE)
    work.session.add(
        UserSession(
            token_hash=_hash(signed_in.token),
            user_id=user.id,
            form_token=signed_in.form_token,
            created_at=work.now,
            seen_at=work.now,
            ends_at=signed_in.ends_at,
        )
    )
    work.session.flush()
    return signed_in


def _attempts_of(email: str, address: str) -> tuple[str, str]:
    # Hashed, because what is typed into this field is at times a password.
    return f"account/{_hash(email.strip().casefold())}", f"address/{address[:100]}"


def _slow_down(work: Work, account: str, address: str) -> None:
    limits = {account: ATTEMPTS_PER_ACCOUNT_MAX, address: ATTEMPTS_PER_ADDRESS_MAX}
    since = work.now - ATTEMPTS_WINDOW
    is_alone = _try_lock(work, account)  # many guesses at once would all be counted as the first
    rows = work.session.execute(
        sa.select(col(SignInAttempt.who), sa.func.count())
        .where(col(SignInAttempt.who).in_(list(limits)), col(SignInAttempt.at) > since)
        .group_by(col(SignInAttempt.who))
    )
    if not is_alone or any(count >= limits[who] for who, count in rows):
        minutes = int(ATTEMPTS_WINDOW.total_seconds() // 60)
        raise TooManyAttempts(f"Too many attempts. Wait {minutes} minutes and try again.")


def _not_the_last_admin(work: Work, user: User) -> None:
    _only_one(work, "first-admin")
    others = (
        (col(User.role) == Role.ADMIN) & col(User.disabled_at).is_(None) & (col(User.id) != user.id)
    )
    if not work.session.exec(select(User.id).where(others).limit(1)).first():
        raise Forbidden("this is the last admin; make another one first")


def _add(work: Work, *, email: str, name: str, role: Role, password_hash: str) -> str:
    name = texts.line(name or email.partition("@")[0], field="name", chars_max=NAME_CHARS_MAX)
    user = User(
        id=new_id("usr"),
        email=email,
        name=name,
        password_hash=password_hash,
        role=role,
        created_at=work.now,
    )
    work.session.add(user)
    work.session.flush()
    audit.note(work, "person.created", user.id, after={"email": email, "name": name, "role": role})
    return user.id


def _by_email(work: Work, email: str) -> User | None:
    return work.session.exec(
        select(User).where(sa.func.lower(User.email) == sa.func.lower(email))
    ).first()


def _locked(work: Work, user_id: str) -> User:
    user = work.session.get(User, user_id, with_for_update={"key_share": True})
    if user is None:
        raise NotFound(f"there is no person {user_id}")
    return user


def _person(user: User) -> Person:
    return Person(user.id, user.email, user.name, Role(user.role), user.disabled_at is not None)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _only_one(work: Work, what: str) -> None:
    work.session.execute(
        sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(what, 0)))
    )


def _try_lock(work: Work, what: str) -> bool:
    locked = sa.select(sa.func.pg_try_advisory_xact_lock(sa.func.hashtextextended(what, 0)))
    return bool(work.session.execute(locked).scalar_one())
