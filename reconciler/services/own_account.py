"""How people get in, changed by themselves or for them: password, code, browsers signed in."""

import sqlalchemy as sa
from sqlmodel import col

from reconciler.errors import Invalid, NotFound, Refused
from reconciler.services import audit, passwords, people, second_factor
from reconciler.store.people import User, UserSession
from reconciler.work import Work


def end_session(work: Work, user_id: str, which: str) -> None:
    """End one session of somebody. Raises NotFound."""
    ended = work.session.execute(
        sa.delete(UserSession)
        .where(
            col(UserSession.user_id) == user_id,
            sa.func.left(col(UserSession.token_hash), people.SESSION_ID_CHARS) == which,
        )
        .returning(col(UserSession.user_id))
    ).first()
    if ended is None:
        raise NotFound("That session is over already")
    audit.note(work, "person.session_ended", user_id)


def change_password(work: Work, user_id: str, old: str, new: str, *, keep: str) -> None:
    """Somebody gives themselves another password; their other sessions than `keep` end.

    Raises Invalid with `password` for either.
    """
    user = _proved(work, user_id, old)
    user.password_hash = passwords.hashed(passwords.judged(new, about=user.email))
    audit.note(work, "person.password_changed", user_id)
    work.session.flush()
    people.end_sessions(work, user_id, but=keep)


def begin_factor(work: Work, user_id: str, password: str, key: str) -> str:
    """Set an authenticator up; gives the otpauth address that it reads.

    Nothing is asked for before a code of it was shown to `confirm_factor`. Raises Invalid with
    `password`, and Refused while there is one: turn that off first.
    """
    user = _proved(work, user_id, password)
    if second_factor.is_asked(user):
        raise Refused("A code is asked for already. Turn it off before you set up another one.")
    return second_factor.start(work, user, key)


def confirm_factor(work: Work, user_id: str, code: str, key: str) -> list[str]:
    """From here on a code is asked for; gives the recovery codes. Raises Invalid with `code`."""
    return second_factor.confirm(work, people.locked(work, user_id), key, code)


def renew_recovery_codes(work: Work, user_id: str, password: str) -> list[str]:
    """New codes for paper; the old ones open nothing. Raises Invalid with `password`."""
    user = _proved(work, user_id, password)
    if not second_factor.is_asked(user):
        raise Refused("No code is asked for yet: set up an authenticator first")
    return second_factor.renew_recovery_codes(work, user)


def drop_factor(work: Work, user_id: str, password: str) -> None:
    """Ask somebody for no code any more, as they want it. Raises Invalid with `password`."""
    second_factor.turn_off(work, _proved(work, user_id, password))


def drop_lost_factor(work: Work, user_id: str) -> None:
    """The same by an admin, for somebody who lost both. Their sessions end."""
    second_factor.turn_off(work, people.locked(work, user_id))
    people.end_sessions(work, user_id)


def _proved(work: Work, user_id: str, password: str) -> User:
    user = people.locked(work, user_id)
    if not passwords.fits(password, user.password_hash):
        raise Invalid("That is not your password now", field="password")
    return user
