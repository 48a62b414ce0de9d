"""Ids as Stripe writes them, made from a seed so that a story is the same each time it is told."""

import hashlib
import string

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
# Characters after the prefix; everything else has 24, of which the first names a generation.
_LENGTHS = {"cus": 14, "cs_test": 60, "cs_live": 60, "req": 14, "in": 24}
_DEFAULT_LENGTH = 24


class IdMaker:
    """Numbers things. The same seed and salt give the same ids; another salt, none of them."""

    def __init__(self, seed: int, salt: str, *, made: int = 0) -> None:
        self._key = f"{seed}/{salt}"
        self.made = made

    def next(self, prefix: str) -> str:
        """The next id, for example `ch_3k9…`."""
        self.made += 1
        length = _LENGTHS.get(prefix, _DEFAULT_LENGTH)
        head = "3" if length == _DEFAULT_LENGTH else ""
        return f"{prefix}_{head}{self._chars(prefix, length - len(head))}"

    def _chars(self, prefix: str, length: int) -> str:
        text = f"{self._key}/{prefix}/{self.made}".encode()
        number = int.from_bytes(hashlib.blake2b(text, digest_size=56).digest(), "big")
        chars = []
        for _ in range(length):
            number, rest = divmod(number, len(_ALPHABET))
            chars.append(_ALPHABET[rest])
        return "".join(chars)
