"""Who speaks: proof by Stripe's signature header.

Stripe sends `t=<seconds>,v1=<hex>[,v1=<hex>…][,v0=…]`: several v1 while it rotates a secret, and a
v0 that proves nothing. We may hold several secrets too, so each is tried against each.
"""

import hmac
from collections.abc import Sequence
from typing import NoReturn

from reconciler.errors import Invalid

HEADER = "Stripe-Signature"
HEADER_CHARS_MAX = 4_096  # some sixty signatures; Stripe sends two
TIME_DIGITS_MAX = 12
SIGNATURE_CHARS = 64  # SHA-256 in hex


def verify_signature(
    body: bytes,
    header: str | None,
    secrets: Sequence[bytes],
    tolerance_seconds: int,
    now_epoch: int,
) -> None:
    """Return if `body` was signed with one of `secrets`, lately. Raises Invalid.

    The tolerance counts both ways: a date in the future would otherwise make a captured request
    good for replay until then.
    """
    assert tolerance_seconds > 0, "a tolerance of zero would switch the check off"
    stamp, signatures = _parts(header)
    if abs(now_epoch - int(stamp)) > tolerance_seconds:
        _refuse("is too old or dated in the future")
    signed = stamp.encode() + b"." + body
    is_proved = False
    for secret in secrets:
        expected = hmac.digest(secret, signed, "sha256").hex().encode()
        for signature in signatures:
            # No early way out: how long it takes must not tell which one fits.
            is_proved |= hmac.compare_digest(expected, signature)
    if not is_proved:
        _refuse("fits none of our signing secrets")


def signers(body: bytes, header: str | None, secrets: Sequence[bytes]) -> tuple[int, ...]:
    """The places in `secrets` of those that signed `body`, at whatever time it was.

    This proves nothing to anybody at the door: it tells who rotates a secret which one is used.
    """
    try:
        stamp, signatures = _parts(header)
    except Invalid:
        return ()
    signed = stamp.encode() + b"." + body
    made = [hmac.digest(secret, signed, "sha256").hex().encode() for secret in secrets]
    return tuple(n for n, expected in enumerate(made) if expected in signatures)


def _parts(header: str | None) -> tuple[str, list[bytes]]:
    if not header or len(header) > HEADER_CHARS_MAX or not header.isascii():
        _refuse("is missing or malformed")
    stamps: list[str] = []
    signatures: list[bytes] = []
    for part in header.split(","):
        name, _, value = part.partition("=")
        if name == "t":
            stamps.append(value)
        elif name == "v1" and len(value) == SIGNATURE_CHARS:
            signatures.append(value.encode())
    if len(stamps) != 1 or not stamps[0].isdigit() or len(stamps[0]) > TIME_DIGITS_MAX:
        _refuse("has no readable time")
    if not signatures:
        _refuse("has no v1 part")
    return stamps[0], signatures


def _refuse(why: str) -> NoReturn:
    raise Invalid(f"the {HEADER} header {why}", field=HEADER)
