"""What each rail is known to have moved, by currency, kept as differences to be added up.

As store/customer_sums.py does it for customers: triggers write a row for whatever changes
(migrations/sql/movement_sums.sql), `fold` puts rows together, and a law compares.
"""

import sqlalchemy as sa
from sqlmodel import Field, Session

from reconciler.store import base
from reconciler.store.base import SQLModel

# What stands on another balance than that of payments is not part of what a rail holds for us.
IS_MOVEMENT = "o.kind = 'balance_transaction' and o.state not like '%/%'"

# What `reconciler verify` asks: each sum is what the movements come to.
LAW = f"""
    select format('%s is said to have moved %s %s, its movements come to %s', rail, sum(kept),
      currency, sum(found))
    from (select rail, currency, amount as kept, 0::bigint as found from movement_sum
      union all select o.rail, o.currency, 0, o.amount from rail_object o where {IS_MOVEMENT}) b
    group by rail, currency having sum(kept) <> sum(found)"""

_FOLD = sa.text(
    """with gone as (delete from movement_sum returning rail, currency, amount)
    insert into movement_sum (rail, currency, amount)
    select rail, currency, sum(amount) from gone group by 1, 2"""
)
_LOCK = sa.text("select pg_advisory_xact_lock(hashtext('movement_sums'))")


class MovementSum(SQLModel, table=True):
    """By how much what a rail moved was changed, in minor units of `currency`."""

    __tablename__ = "movement_sum"

    id: int | None = Field(
        default=None, sa_column=sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True)
    )
    rail: str = base.text()
    currency: str = base.text()
    amount: int = base.minor_units()


def fold(session: Session) -> None:
    """Put together what is of one rail and currency."""
    session.execute(_LOCK)
    session.execute(_FOLD)
