"""A code beside the password: from an authenticator (RFC 6238), or once from a list on paper.

The authenticator's secret is kept nowhere: it is made of a salt in the database and of
RECONCILER_SECRET_KEY, so that a copy of the database alone makes no code. Whoever changes that key
sets everybody's authenticator up anew.
"""

import hashlib
import hmac
import secrets
from base64 import b32encode
from datetime import datetime, timedelta

import pyotp
import sqlalchemy as sa
from sqlmodel import col

from reconciler.errors import Invalid
from reconciler.ids import new_token
from reconciler.services import audit
from reconciler.store.people import RecoveryCode, User
from reconciler.work import Work

ISSUER = "Reconciler"
STEP = timedelta(seconds=30)
STEPS_OFF_MAX = 1  # a clock that is half a minute off still opens
RECOVERY_CODES = 10
_SECRET_BYTES = 20  # what authenticators expect
_DIGITS = 6
_RECOVERY_BYTES = 8
_RECOVERY_GROUP = 4  # digits between two dashes, for whoever writes them down


def is_asked(user: User) -> bool:
    """Whether somebody needs a code to sign in."""
    return user.factor_at is not None


def start(work: Work, user: User, key: str) -> str:
    """A new secret for an authenticator, as an otpauth address. Nothing is asked for yet."""
    user.factor_salt = new_token()
    user.factor_at, user.factor_step = None, 0
    work.session.flush()
    audit.note(work, "person.factor_begun", user.id)
    return _totp(user, key).provisioning_uri(name=user.email, issuer_name=ISSUER)


def confirm(work: Work, user: User, key: str, code: str) -> list[str]:
    """From here on a code is asked for. Gives the recovery codes, which nobody can read again.

    Raises Invalid with `code` unless the authenticator is set up right.
    """
    if user.factor_salt is None or not _fits(user, key, code, work.now):
        raise Invalid("That code is not the one shown now. Wait for the next one.", field="code")
    user.factor_at = work.now
    work.session.flush()
    audit.note(work, "person.factor_on", user.id)
    return renew_recovery_codes(work, user)


def turn_off(work: Work, user: User) -> None:
    """No code is asked for any more."""
    user.factor_salt = user.factor_at = None
    user.factor_step = 0
    work.session.execute(sa.delete(RecoveryCode).where(col(RecoveryCode.user_id) == user.id))
    work.session.flush()
    audit.note(work, "person.factor_off", user.id)


def renew_recovery_codes(work: Work, user: User) -> list[str]:
    """New codes for paper; the old ones open nothing any more."""
    work.session.execute(sa.delete(RecoveryCode).where(col(RecoveryCode.user_id) == user.id))
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    work.session.add_all(
        RecoveryCode(code_hash=_hash(user.id, code), user_id=user.id, made_at=work.now)
        for code in codes
    )
    work.session.flush()
    audit.note(work, "person.recovery_codes_made", user.id)
    return codes


def recovery_codes_left(work: Work, user: User) -> int:
    """How many of the codes on paper were not used yet."""
    left = sa.select(sa.func.count()).where(
        col(RecoveryCode.user_id) == user.id, col(RecoveryCode.used_at).is_(None)
    )
    return int(work.session.execute(left).scalar_one())


def opens(work: Work, user: User, key: str, code: str) -> bool:
    """Whether this code opens the door for them. Each opens it once."""
    if not is_asked(user):
        return False
    if _fits(user, key, code, work.now):
        work.session.flush()
        return True
    used = work.session.execute(
        sa.update(RecoveryCode)
        .where(
            col(RecoveryCode.code_hash) == _hash(user.id, code),
            col(RecoveryCode.user_id) == user.id,
            col(RecoveryCode.used_at).is_(None),
        )
        .values(used_at=work.now)
        .returning(col(RecoveryCode.user_id))
    ).scalar()
    if used is not None:
        audit.note(work, "person.recovery_code_used", user.id)
    return used is not None


def _fits(user: User, key: str, code: str, now: datetime) -> bool:
    """Whether the authenticator shows it about now, and has not been used so far."""
    typed = "".join(code.split())
    if len(typed) != _DIGITS or not (typed.isascii() and typed.isdigit()):
        return False
    this = int(now.timestamp()) // int(STEP.total_seconds())
    totp = _totp(user, key)
    for step in range(this - STEPS_OFF_MAX, this + STEPS_OFF_MAX + 1):
        is_it = hmac.compare_digest(totp.generate_otp(step), typed)
        if is_it and step > user.factor_step:
            user.factor_step = step
            return True
    return False


def _totp(user: User, key: str) -> pyotp.TOTP:
    made = hmac.digest(key.encode(), f"{user.id}/{user.factor_salt}".encode(), "sha256")
    return pyotp.TOTP(b32encode(made[:_SECRET_BYTES]).decode())


def _recovery_code() -> str:
    digits = secrets.token_hex(_RECOVERY_BYTES)
    groups = range(0, len(digits), _RECOVERY_GROUP)
    return "-".join(digits[at : at + _RECOVERY_GROUP] for at in groups)


def _hash(user_id: str, code: str) -> str:
    typed = "".join(code.replace("-", "").split()).lower()
    return hashlib.sha256(f"{user_id}/{typed}".encode(errors="replace")).hexdigest()
