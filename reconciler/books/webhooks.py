"""Webhooks that go out: what is told, how it is signed, and when it is tried again.

Signed by Standard Webhooks: HMAC-SHA256 over id, instant and body, one signature for each secret
that is valid, so that a secret can be changed without a gap.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Collection, Sequence
from datetime import timedelta
from enum import StrEnum

from reconciler.errors import Invalid

SECRET_PREFIX = "whsec_"  # noqa: S105  how the standard marks one
SECRET_BYTES = 32
SECRETS_MAX = 2
OLD_SECRET_HOURS = 24
GIVE_UP_AFTER = timedelta(days=3)
DISABLE_AFTER = timedelta(days=5)  # of nothing but failures
_WAITS = tuple(timedelta(seconds=s) for s in (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400))


class Told(StrEnum):
    """What is told to other programs."""

    INVOICE_SENT = "invoice.sent"
    INVOICE_PARTIALLY_PAID = "invoice.partially_paid"
    INVOICE_PAID = "invoice.paid"
    INVOICE_REOPENED = "invoice.reopened"
    INVOICE_VOIDED = "invoice.voided"
    DEPOSIT_RECEIVED = "deposit.received"
    PROPOSAL_ACCEPTED = "proposal.accepted"
    PROPOSAL_DECLINED = "proposal.declined"
    PAYMENT_RECEIVED = "payment.received"
    PAYMENT_MATCHED = "payment.matched"
    PAYMENT_UNMATCHED = "payment.unmatched"
    REFUND_SUCCEEDED = "refund.succeeded"
    REFUND_FAILED = "refund.failed"
    DISPUTE_OPENED = "dispute.opened"
    DISPUTE_LOST = "dispute.lost"
    DISPUTE_WON = "dispute.won"


class DeliveryState(StrEnum):
    """How far a message to one endpoint is."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


def events(wanted: Collection[str]) -> tuple[str, ...]:
    """Kinds that an endpoint wants; none means all. Raises Invalid."""
    known = {kind.value for kind in Told}
    unknown = sorted(set(wanted) - known)
    if unknown:
        raise Invalid(f"{unknown[0]} is never told; there are {', '.join(Told)}", field="events")
    return tuple(sorted(set(wanted)))


def invoice_told(
    *, paid_before: int, paid: int, outstanding_before: int, outstanding: int
) -> Told | None:
    """What a change of an invoice's amounts is told as, if as anything."""
    if outstanding == 0 and outstanding_before > 0:
        return Told.INVOICE_PAID if paid else None
    if outstanding > 0 and outstanding_before == 0:
        return Told.INVOICE_REOPENED
    if outstanding > 0 and paid > paid_before:
        return Told.INVOICE_PARTIALLY_PAID
    return None


def secret_text(key: bytes) -> str:
    """A secret as it is shown once."""
    return SECRET_PREFIX + base64.b64encode(key).decode()


def secret_key(text: str) -> bytes:
    """The bytes of a secret. Raises Invalid."""
    try:
        return base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("this is no secret", field="secret") from None


def signature(secrets: Sequence[str], *, message_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: one for each secret, with spaces between."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    made = (hmac.new(secret_key(s), signed, hashlib.sha256).digest() for s in secrets)
    return " ".join(f"v1,{base64.b64encode(one).decode()}" for one in made)


def wait_after(tries: int, chance: float) -> timedelta:
    """How long after so many tries; `chance` (0 to 1) spreads them over as much again by half."""
    base = _WAITS[min(max(tries - 1, 0), len(_WAITS) - 1)]
    return base + base * (chance / 2)


def took_it(status: int) -> bool:
    """Whether an answer says that the message was taken. A redirect is none."""
    return 200 <= status < 300
