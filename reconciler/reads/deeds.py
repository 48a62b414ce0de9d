"""Which of what somebody did still stands, and what it was on."""

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session

_CLAIMS = sa.text(
    """select a.id, coalesce(i.number, d.code) as target, coalesce(i.currency, d.currency) as
      currency, a.closed_at is null and a.amount > 0 as is_live
    from allocation a left join invoice i on i.id = a.invoice_id
      left join deposit d on d.id = a.deposit_id where a.id = any(:ids)
    union all
    select u.id, coalesce(i.number, d.code), d.currency, u.closed_at is null and u.amount > 0
    from application u join deposit d on d.id = u.deposit_id
      left join invoice i on i.id = u.invoice_id where u.id = any(:ids)"""
)


@dataclass(frozen=True, slots=True)
class ClaimTold:
    """What an allocation or application is on; `is_live` says whether it holds money still."""

    id: str
    target: str
    currency: str
    is_live: bool


def claims(session: Session, ids: Collection[str]) -> dict[str, ClaimTold]:
    """These allocations and applications, by id."""
    rows = session.execute(_CLAIMS, {"ids": sorted(ids)})
    return {row.id: ClaimTold(**row._asdict()) for row in rows}
