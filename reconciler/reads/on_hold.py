"""What nobody is asked to pay now, in sums: screens tell it apart from what is overdue.

It starts from the disputes that are undecided, which are few, and not from all that is owed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.store.holds import ARE_ON_HOLD

_HELD = sa.text(
    f"""select i.customer_id, i.currency, sum(i.outstanding)::bigint as amount,
      coalesce(sum(i.outstanding) filter (where i.due_on < :today), 0)::bigint as overdue,
      count(*) filter (where i.due_on < :today) as number_overdue
    from invoice i where i.state = 'sent' and i.outstanding > 0 and {ARE_ON_HOLD}
      and (cast(:customers as text[]) is null or i.customer_id = any(:customers))
    group by 1, 2"""
)


@dataclass(frozen=True, slots=True)
class Held:
    """What of somebody is on hold, in minor units; `overdue` of it is past its due day."""

    amount: int = 0
    overdue: int = 0
    number_overdue: int = 0

    def with_(self, other: "Held") -> "Held":
        """Both together."""
        return Held(
            self.amount + other.amount,
            self.overdue + other.overdue,
            self.number_overdue + other.number_overdue,
        )


def of_customers(
    session: Session, customers: Collection[str] | None, *, today: date
) -> dict[str, dict[str, Held]]:
    """By customer and currency, what of theirs is on hold; of everybody for None."""
    ids = None if customers is None else list(customers)
    found: dict[str, dict[str, Held]] = {}
    for row in session.execute(_HELD, {"customers": ids, "today": today}):
        held = Held(row.amount, row.overdue, row.number_overdue)
        found.setdefault(row.customer_id, {})[row.currency] = held
    return found


def by_currency(of: Mapping[str, Mapping[str, Held]]) -> dict[str, Held]:
    """The same of all of these customers together."""
    found: dict[str, Held] = {}
    for theirs in of.values():
        for currency, held in theirs.items():
            found[currency] = found.get(currency, Held()).with_(held)
    return found
