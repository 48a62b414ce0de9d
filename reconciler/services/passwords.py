"""Passwords: judged when they are chosen, kept as argon2 hashes, compared in constant time."""

import unicodedata

import argon2

from reconciler.errors import Invalid

CHARS_MIN = 10
CHARS_MAX = 256  # hashing more would be a way to keep us busy
_TOO_COMMON = (
    "password", "passwort", "12345", "qwerty", "letmein", "iloveyou", "welcome1", "changeme",
    "abc123", "adminadmin", "111111", "000000",
)  # fmt: skip

# 19 MiB and two passes: what OWASP asks for at least. Eight sign-ins at once stay below 160 MiB.
_hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_NOBODYS = _hasher.hash("nobody signs in with this")


def judged(password: str, *, about: str = "") -> str:
    """`password` if it is hard enough to guess. `about`: the mail address it may not repeat.

    Raises Invalid.
    """
    if len(password) < CHARS_MIN:
        raise Invalid(f"a password needs {CHARS_MIN} characters", field="password")
    folded = password.casefold()
    if any(common in folded for common in _TOO_COMMON) or len(set(folded)) < 4:
        raise Invalid("that password is among the first that are tried", field="password")
    name = about.partition("@")[0].casefold()
    if len(name) > 3 and name in folded:
        raise Invalid("the password repeats the mail address", field="password")
    return password


def hashed(password: str) -> str:
    """What is kept of a password. Raises Invalid for what cannot be typed again."""
    return _hasher.hash(_prepared(password))


def fits(password: str, kept: str | None) -> bool:
    """Whether it is the password. With nothing kept it takes as long, so that nobody can tell."""
    try:
        _hasher.verify(kept or _NOBODYS, _prepared(password))
    except (argon2.exceptions.VerifyMismatchError, Invalid):
        return False
    return kept is not None


def is_outdated(kept: str) -> bool:
    """Whether it was hashed more cheaply than today."""
    return _hasher.check_needs_rehash(kept)


def _prepared(password: str) -> str:
    if not password or "\0" in password:
        raise Invalid("a password is text without NUL", field="password")
    if len(password) > CHARS_MAX:
        raise Invalid(f"a password has at most {CHARS_MAX} characters", field="password")
    try:
        password.encode()
    except UnicodeEncodeError:
        raise Invalid(
            "the password holds a character that cannot be kept", field="password"
        ) from None
    # Two keyboards may write the same letter as one code point or as two.
    return unicodedata.normalize("NFKC", password)
