"""Invoices that nobody is to be asked to pay now: a dispute of what paid them is undecided."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlmodel import Session

# Live claims lead from an invoice to the payments behind it, directly or through a deposit.
_PAID_BY = """(select a.invoice_id, a.payment_id from allocation a where a.closed_at is null
        union all
        select u.invoice_id, a.payment_id from application u join allocation a
          on a.deposit_id = u.deposit_id and a.closed_at is null
        where u.closed_at is null) paid"""
_HOLDS = f"""from (select paid.payment_id from {_PAID_BY} where paid.invoice_id = i.id) own
    join dispute x on x.payment_id = own.payment_id and x.is_unsettled"""
# A condition for a statement that has an invoice as `i`.
ON_HOLD = f"exists (select 1 {_HOLDS})"
# The same for one that goes over many invoices: it starts from what is undecided, which is little.
# By `offset 0` the claims on each are looked up, instead of going through all claims beside them.
ARE_ON_HOLD = f"""i.id in (
        select own.invoice_id from dispute x cross join lateral (
          select paid.invoice_id from {_PAID_BY}
          where paid.payment_id = x.payment_id and paid.invoice_id is not null offset 0) own
        where x.is_unsettled)"""
_WHY = sa.text(
    f"""select i.id, i.number, h.is_lost from invoice i
      cross join lateral (select bool_or(x.lost > 0) as is_lost {_HOLDS}) h
    where i.id = any(:ids) and i.state = 'sent' and h.is_lost is not null"""
)


def why(session: Session, ids: Collection[str]) -> dict[str, str]:
    """Those of these invoices that are on hold, each with why."""
    rows = session.execute(_WHY, {"ids": list(ids)})
    return {
        row.id: f"a dispute over {row.number} {'was lost' if row.is_lost else 'is open'}"
        for row in rows
    }
