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
from reconciler.services import audit, guessing, passwords, second_factor
from reconciler.store.people import HalfwayIn, User, UserSession
from reconciler.work import Cause, Work

SESSION_LIFE = timedelta(hours=12)
SESSION_IDLE_MAX = timedelta(minutes=15)  # where nobody says otherwise
SESSION_ID_CHARS = 16
HALFWAY_LIFE = timedelta(minutes=5)  # between the password and the code
HALFWAY_TRIES_MAX = 5  # codes; then the password is asked for again
_TOUCH_EVERY = timedelta(minutes=1)  # a page view writes no row, unless it is a while ago

NAME_CHARS_MAX = 100
_BROWSER_CHARS_MAX = 200


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
class Halfway:
    """The password was right; `token` names who has to show a code now. It opens nothing."""

    token: str


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session that goes on. `form_token` must come back with each form."""

    person: Person
    form_token: str
    id: str  # as a page may name it: it opens nothing
    proved_at: datetime  # when they last showed that it is them
    has_code: bool  # whether a code is asked for beside their password


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
    Raises Invalid for a password that the screens would not take either.
    """
    _only_one(work, "first-admin")
    is_admin = (col(User.role) == Role.ADMIN) & col(User.disabled_at).is_(None)
    if work.session.exec(select(User.id).where(is_admin).limit(1)).first():
        return None
    email = texts.mail(email)
    kept = passwords.hashed(passwords.judged(password, about=email))
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
    user = locked(work, user_id)
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
    user = locked(work, user_id)
    user.password_hash = passwords.hashed(passwords.judged(password, about=user.email))
    audit.note(work, "person.password_changed", user_id)
    work.session.flush()
    end_sessions(work, user_id)


def set_disabled(work: Work, user_id: str, *, disabled: bool) -> None:
    """Shut somebody out, at once, or let them in again. The last admin stays."""
    user = locked(work, user_id)
    if disabled:
        _not_the_last_admin(work, user)
    user.disabled_at = work.now if disabled else None
    audit.note(work, "person.disabled" if disabled else "person.enabled", user_id)
    work.session.flush()
    end_sessions(work, user_id)


def users(work: Work) -> list[Person]:
    """Everybody with an account, by address."""
    return [_person(user) for user in work.session.exec(select(User).order_by(User.email))]


def sign_in(
    work: Work, *, email: str, password: str, address: str, browser: str = ""
) -> SignedIn | Halfway | None:
    """Begin a session, or None if address and password do not belong together.

    Halfway where a code is asked for besides: `show_code` goes on from there. None is an answer
    and no exception, because the attempt has to be counted: the caller commits either way. Raises
    TooManyAttempts.
    """
    who = guessing.attempts_of(email, address)
    user = _with_password(work, email, password, who)
    if user is None:
        return None
    if second_factor.is_asked(user):
        # Guesses at the code count on with those at the password, until one is right.
        halfway = Halfway(new_token())
        ends_at = work.now + HALFWAY_LIFE
        row = HalfwayIn(token_hash=token_hash(halfway.token), user_id=user.id, ends_at=ends_at)
        work.session.add(row)
        work.session.flush()
        return halfway
    return _let_in(work, user, who, address, browser)


def show_code(
    work: Work, token: str, code: str, *, key: str, address: str, browser: str = ""
) -> SignedIn | None:
    """Begin the session of somebody halfway in, or None if the code is not theirs.

    `key` is the one that authenticators are made from. Raises TooManyAttempts, and NotFound for
    somebody who is not halfway in, or not any more.
    """
    found = work.session.get(HalfwayIn, token_hash(token))
    user = work.session.get(User, found.user_id, with_for_update=True) if found else None
    if found is None or user is None or user.disabled_at is not None or found.ends_at <= work.now:
        raise NotFound("that took too long; sign in again")
    who = guessing.attempts_of(user.email, address)
    guessing.slow_down(work, *who)
    if not second_factor.opens(work, user, key, code):
        guessing.refuse(work, user, who)
        found.tries += 1
        if found.tries >= HALFWAY_TRIES_MAX:
            work.session.delete(found)
        return None
    work.session.delete(found)
    return _let_in(work, user, who, address, browser)


def vouched(
    work: Work, *, email: str, password: str, address: str, key: str, code: str = ""
) -> Person | None:
    """Who this is, proved as at the door but without a session; the work is in their name then.

    With `code` where one is asked for. None and TooManyAttempts as in `sign_in`.
    """
    who = guessing.attempts_of(email, address)
    user = _with_password(work, email, password, who)
    if user is None:
        return None
    if second_factor.is_asked(user) and not second_factor.opens(work, user, key, code):
        guessing.refuse(work, user, who)
        return None
    _welcome(work, user, who)
    audit.note(work, "person.vouched", user.id)
    return _person(user)


def _with_password(work: Work, email: str, password: str, who: tuple[str, str]) -> User | None:
    guessing.slow_down(work, *who)
    user = _by_email(work, email.strip()) if "\0" not in email else None
    fits = passwords.fits(password, user.password_hash if user else None)
    if user is None or not fits or user.disabled_at is not None:
        guessing.refuse(work, user, who)
        return None
    if passwords.is_outdated(user.password_hash):
        user.password_hash = passwords.hashed(password)
    return user


def _welcome(work: Work, user: User, who: tuple[str, str]) -> None:
    guessing.forgive(work, who)
    work.cause = Cause("person", user.id)  # from here on it is known who this is


def _let_in(work: Work, user: User, who: tuple[str, str], address: str, browser: str) -> SignedIn:
    _welcome(work, user, who)
    audit.note(work, "person.signed_in", user.id)
    return _begin(work, user, address, browser)


def session_of(
    work: Work, token: str, *, is_there: bool = True, idle_max: timedelta = SESSION_IDLE_MAX
) -> OpenSession | None:
    """Whose session this cookie is, if it goes on. `is_there`: a person asks, not a page alone.

    It ends once nobody was there for `idle_max`.
    """
    found = work.session.exec(
        select(UserSession, User)
        .join(User, col(User.id) == col(UserSession.user_id))
        .where(
            col(UserSession.token_hash) == token_hash(token),
            col(UserSession.ends_at) > work.now,
            col(UserSession.seen_at) > work.now - idle_max,
            col(User.disabled_at).is_(None),
        )
    ).first()
    if found is None:
        return None
    session, user = found
    if is_there and session.seen_at < work.now - _TOUCH_EVERY:
        session.seen_at = work.now
        work.session.flush()
    return OpenSession(
        _person(user),
        session.form_token,
        session_id(session.token_hash),
        session.proved_at or session.created_at,
        second_factor.is_asked(user),
    )


def sign_out(work: Work, token: str) -> None:
    """End this session, if there is one."""
    ended = work.session.execute(
        sa.delete(UserSession)
        .where(col(UserSession.token_hash) == token_hash(token))
        .returning(col(UserSession.user_id))
    ).scalar()
    if ended is not None:
        work.cause = Cause("person", ended)
        audit.note(work, "person.signed_out", ended)


def end_sessions(work: Work, user_id: str, *, but: str = "") -> None:
    """End every session of somebody, but perhaps one."""
    theirs = col(UserSession.user_id) == user_id
    others = sa.func.left(col(UserSession.token_hash), SESSION_ID_CHARS) != but
    work.session.execute(sa.delete(UserSession).where(theirs, others))


def session_id(token_hash: str) -> str:
    """What a page calls a session."""
    return token_hash[:SESSION_ID_CHARS]


def forget_old(work: Work, *, idle_max: timedelta = SESSION_IDLE_MAX) -> None:
    """Drop sessions that ended and attempts that count no more. For a timed job."""
    ended = (col(UserSession.ends_at) <= work.now) | (
        col(UserSession.seen_at) <= work.now - idle_max
    )
    work.session.execute(sa.delete(UserSession).where(ended))
    work.session.execute(sa.delete(HalfwayIn).where(col(HalfwayIn.ends_at) <= work.now))
    guessing.forget_old(work)


def role_named(role: str) -> Role:
    """The role of that name. Raises Invalid."""
    try:
        return Role(role)
    except ValueError:
        raise Invalid(f"a role is one of {', '.join(Role)}", field="role") from None


def _begin(work: Work, user: User, address: str, browser: str) -> SignedIn:
    signed_in = SignedIn(new_token(), new_token(), _person(user), work.now + SESSION_LIFE)
    work.session.add(
        UserSession(
            token_hash=token_hash(signed_in.token),
            user_id=user.id,
            form_token=signed_in.form_token,
            created_at=work.now,
            proved_at=work.now,
            seen_at=work.now,
            ends_at=signed_in.ends_at,
            browser=_printable(browser) or None,
            address=address[:100] or None,
        )
    )
    work.session.flush()
    return signed_in


def _printable(browser: str) -> str:
    return "".join(char for char in browser if char.isprintable())[:_BROWSER_CHARS_MAX]


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


def locked(work: Work, user_id: str) -> User:
    """Somebody's account, held for this transaction. Raises NotFound."""
    user = work.session.get(User, user_id, with_for_update={"key_share": True})
    if user is None:
        raise NotFound(f"there is no person {user_id}")
    return user


def _person(user: User) -> Person:
    return Person(user.id, user.email, user.name, Role(user.role), user.disabled_at is not None)


def token_hash(token: str) -> str:
    """What is kept of a token, so that a copy of the database opens no door."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _only_one(work: Work, what: str) -> None:
    work.session.execute(
        sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(what, 0)))
    )
