"""Whoever signed in a while ago shows once more that it is them, before money may go.

A browser that somebody left open, or whose cookie was copied, can look and prepare. What lets money
out asks for the password again, and for a code where there is one, unless that was a moment ago.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import col

from reconciler.errors import NotFound
from reconciler.ids import new_token
from reconciler.services import audit, guessing, passwords, people, second_factor
from reconciler.services.people import OpenSession
from reconciler.store.people import UserSession
from reconciler.work import Cause, Work

LIFE = timedelta(minutes=5)


def is_recent(session: OpenSession, now: datetime) -> bool:
    """Whether they showed it a moment ago."""
    return session.proved_at > now - LIFE


def show(work: Work, token: str, *, password: str, code: str, key: str, address: str) -> str | None:
    """The new token of this session, for whoever knows the password of its person; else None.

    `code` is of their authenticator, where one is asked for; `key` what authenticators are made
    from. The old token opens nothing from then on: whoever copied it before is out. None is an
    answer and no exception, because the try has to be counted. Raises TooManyAttempts, and NotFound
    for a session that is over.
    """
    session = people.session_of(work, token)
    if session is None:
        raise NotFound("You are not signed in any more")
    user = people.locked(work, session.person.id)
    who = guessing.attempts_of(user.email, address)
    guessing.slow_down(work, *who)
    if not passwords.fits(password, user.password_hash) or (
        second_factor.is_asked(user) and not second_factor.opens(work, user, key, code)
    ):
        guessing.refuse(work, user, who)
        return None
    guessing.forgive(work, who)
    work.cause = Cause("person", user.id)
    fresh = new_token()
    moved = work.session.execute(
        sa.update(UserSession)
        .where(col(UserSession.token_hash) == people.token_hash(token))
        .values(token_hash=people.token_hash(fresh), proved_at=work.now)
        .returning(col(UserSession.user_id))
    ).scalar()
    if moved is None:  # another form of theirs was first
        raise NotFound("You are not signed in any more")
    audit.note(work, "person.vouched", user.id)
    return fresh
