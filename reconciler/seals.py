"""Secrets that have to be read again: sealed under a key that is not where they lie.

A copy of the database alone opens none of them. The key is made of RECONCILER_SECRET_KEY and of
what the secret belongs to, so that a sealed text put beside something else opens nothing either.
While that key is being changed, the former one still opens.
"""

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.setting_values import Secret

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

# `cryptography` is imported where it is used: it is seven megabytes, and most processes seal
# nothing.
_MARK = "sealed/1/"  # what begins otherwise was kept before there were seals
_KEY_BYTES = 32  # of a Fernet key


@dataclass(frozen=True, slots=True)
class Seals:
    """Seals with the first key, opens with each. `of` names what a secret belongs to."""

    keys: tuple[Secret, ...]

    def seal(self, text: str, *, of: str) -> str:
        """The text as it may be kept."""
        return _MARK + _fernet(self.keys[:1], of).encrypt(text.encode()).decode()

    def opened(self, kept: str, *, of: str) -> str | None:
        """The text again; None if it was sealed under a key that is not here."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415

        if not kept.startswith(_MARK):
            return kept
        try:
            return _fernet(self.keys, of).decrypt(kept.removeprefix(_MARK)).decode()
        except InvalidToken:
            return None

    def is_current(self, kept: str, *, of: str) -> bool:
        """Whether it is sealed, and under the first key."""
        return kept.startswith(_MARK) and Seals(self.keys[:1]).opened(kept, of=of) is not None


def _fernet(keys: tuple[Secret, ...], of: str) -> "MultiFernet":
    from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    def made(key: Secret) -> Fernet:
        kdf = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=f"seal of {of}".encode())
        return Fernet(base64.urlsafe_b64encode(kdf.derive(key.reveal().encode())))

    return MultiFernet([made(key) for key in keys])
