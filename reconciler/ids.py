"""Names for our own things: a prefix that says what, then time, then chance.

Time comes first so that new rows land at the end of an index, where the last ones
are still in memory: with random keys each insert would touch a cold page.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # without i, l, o, u: people read ids aloud
_TIME_CHARS = 10
_CHANCE_CHARS = 14  # 70 bits: no two alike, and none can be guessed


Known = Callable[[str], str | None]
_GIVEN = ContextVar[tuple[Known, ...]]("given", default=())


@contextmanager
def given(known: Known) -> Iterator[None]:
    """Within it, things get the ids that they have elsewhere: where a past is done over.

    `known` tells them by prefix, and what the thing is `of` after a slash: `inv`, or
    `pay/stripe/own/pi_1`. Inside another, it is asked first.
    """
    token = _GIVEN.set((known, *_GIVEN.get()))
    try:
        yield
    finally:
        _GIVEN.reset(token)


def new_id(prefix: str, *, of: tuple[str, ...] = ()) -> str:
    """A new opaque id such as `inv_01kb2…`, sortable by the millisecond of its making.

    `of` says of what, where many are made at once.
    """
    asked = "/".join((prefix, *of))
    made = f"{prefix}_{_digits(time.time_ns() // 1_000_000, _TIME_CHARS)}{_chance()}"
    return given_before(asked) or made


def given_before(asked: str) -> str | None:
    """What a thing was called where a past is done over: its id, or the number of a series."""
    return next((one for known in _GIVEN.get() if (one := known(asked))), None)


def new_token() -> str:
    """256 bits of chance for a secret that a person or a program carries."""
    return secrets.token_urlsafe(32)


def _chance() -> str:
    return _digits(secrets.randbits(5 * _CHANCE_CHARS), _CHANCE_CHARS)


def _digits(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, rest = divmod(number, 32)
        digits.append(_ALPHABET[rest])
    return "".join(reversed(digits))
