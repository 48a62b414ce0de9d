"""Messages in which a rail told of a payment's refunds or disputes: what else they say of them."""

from collections.abc import Collection
from typing import Literal

import sqlalchemy as sa
from sqlmodel import Session

MESSAGES_MAX = 20  # of one payment: what is looked for stands in the latest

_LAST = sa.text(
    """select w.id as payment_id, m.body
    from unnest(cast(:ids as text[])) as w(id) cross join lateral (
      select e.body, e.created, e.seq from inbox_event e
      where e.seq in (select seq from inbox_outcome where payment_id = w.id)
        and e.type like :like order by e.created desc, e.seq desc limit :limit) m
    order by w.id, m.created desc, m.seq desc"""
)


def of(
    session: Session, payment_ids: Collection[str], about: Literal["refund", "dispute"]
) -> dict[str, list[bytes]]:
    """By payment, the last messages that told of its refunds or disputes, the latest first."""
    found: dict[str, list[bytes]] = {}
    if payment_ids:
        given = {"ids": sorted(set(payment_ids)), "like": f"%{about}%", "limit": MESSAGES_MAX}
        for row in session.execute(_LAST, given):
            found.setdefault(row.payment_id, []).append(bytes(row.body))
    return found
