"""Guessing at passwords and codes is slow: failed tries are counted by account and by address."""

import hashlib
from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import col

from reconciler.errors import Forbidden
from reconciler.ids import new_id
from reconciler.services import audit
from reconciler.store.people import SignInAttempt, User
from reconciler.work import Work

ATTEMPTS_WINDOW = timedelta(minutes=15)
ATTEMPTS_PER_ACCOUNT_MAX = 10
ATTEMPTS_PER_ADDRESS_MAX = 50  # an office may share one


class TooManyAttempts(Forbidden):
    """Guessing is made slow: wait before the next try."""


def attempts_of(email: str, address: str) -> tuple[str, str]:
    """As what a try counts: of the account, and of where it came from."""
    # Hashed, because what is typed into this field is at times a password.
    kept = hashlib.sha256(email.strip().casefold().encode(errors="replace")).hexdigest()
    return f"account/{kept}", f"address/{address[:100]}"


def slow_down(work: Work, account: str, address: str) -> None:
    """Raise TooManyAttempts where too many failed a short while ago, or another is going on."""
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


def refuse(work: Work, user: User | None, who: tuple[str, str]) -> None:
    """Count a try that failed."""
    work.session.add_all(SignInAttempt(id=new_id("try"), who=w, at=work.now) for w in who)
    work.session.flush()
    if user is not None:  # how often is bounded, see above; nobody else's guesses are noted
        audit.note(work, "person.sign_in_refused", user.id)


def forgive(work: Work, who: tuple[str, str]) -> None:
    """One was right: those of this account count no more. The address goes on counting."""
    work.session.execute(sa.delete(SignInAttempt).where(col(SignInAttempt.who) == who[0]))


def forget_old(work: Work) -> None:
    """Drop tries that count no more. For a timed job."""
    old = col(SignInAttempt.at) <= work.now - ATTEMPTS_WINDOW
    work.session.execute(sa.delete(SignInAttempt).where(old))


def _try_lock(work: Work, what: str) -> bool:
    locked = sa.select(sa.func.pg_try_advisory_xact_lock(sa.func.hashtextextended(what, 0)))
    return bool(work.session.execute(locked).scalar_one())
