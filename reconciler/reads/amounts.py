"""Amounts for a monitor that has a key: what clears, and what was given back. Minor units."""

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.reads.gauges import Gauge
from reconciler.store import ledger_totals
from reconciler.store.ledger_totals import TOTALS

_ON_THE_WAY = sa.text(
    f"""select a.role, a.rail, a.currency, coalesce(sum(t.debit - t.credit), 0)::bigint as balance
    from ledger_account a left join ({TOTALS}) t on t.account_id = a.id
    where a.role in ('clearing', 'payouts_in_transit') group by 1, 2, 3 order by 1, 2, 3"""
)
# What the rail took on; it never takes that back, though the refund may fail later.
_GIVEN_BACK = sa.text(
    """select r.currency, sum(l.amount)::bigint as amount
    from refund_leg l join refund r on r.id = l.refund_id
    where l.rail_refund_id is not null group by 1 order by 1"""
)


def amounts(session: Session) -> list[Gauge]:
    """Money that passes through, and refunds of ours that a rail took on."""
    return [
        *(
            Gauge(
                "clearing_balance_minor",
                "What lies in an account that money passes through.",
                row.balance,
                (("account", row.role), ("rail", row.rail), ("currency", row.currency)),
            )
            for row in session.execute(_ON_THE_WAY, ledger_totals.told(session))
        ),
        *(
            Gauge(
                "refund_amount_minor_total",
                "Refunds of ours that a rail took on, so far.",
                row.amount,
                (("currency", row.currency),),
            )
            for row in session.execute(_GIVEN_BACK)
        ),
    ]
