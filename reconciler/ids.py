"""Names for our own things: a prefix that says what, then time, then chance.

Time comes first so that new rows land at the end of an index, where the last ones
are still in memory: with random keys each insert would touch a cold page.
"""

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # without i, l, o, u: people read ids aloud
_TIME_CHARS = 10
_CHANCE_CHARS = 14  # 70 bits: no two alike, and none can be guessed


def new_id(prefix: str) -> str:
    """A new opaque id such as `inv_01kb2…`, sortable by the millisecond of its making."""
    return f"{prefix}_{_digits(time.time_ns() // 1_000_000, _TIME_CHARS)}{_chance()}"


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
