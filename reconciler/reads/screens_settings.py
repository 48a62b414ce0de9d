"""What the page of settings shows that the settings do not say themselves."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

_SIGNED = sa.text(
    """select received_at, headers, body from inbox_event
    where rail = :rail order by seq desc limit :limit"""
)
_SIGNATURE_HEADER = "Stripe-Signature"


@dataclass(frozen=True, slots=True)
class Signed:
    """A message that was delivered, with its signature as it came."""

    received_at: datetime
    signature: str
    body: bytes


def lately_signed(session: Session, rail: str, *, limit: int) -> Iterator[Signed]:
    """Of the last `limit` messages of a rail, those that it delivered itself, newest first.

    What we fetched ourselves bears no signature.
    """
    for row in session.execute(_SIGNED, {"rail": rail, "limit": limit}):
        signature = json.loads(row.headers or "{}").get(_SIGNATURE_HEADER)
        if signature:
            yield Signed(row.received_at, signature, row.body)
