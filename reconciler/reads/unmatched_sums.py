"""How much waits in the queue of unmatched payments, by kind and currency."""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.reviews import MATCHING_KINDS
from reconciler.reads import asked_back
from reconciler.reads.waits_since import WAITS_SINCE

_KINDS = sorted(kind.value for kind in MATCHING_KINDS)


def _summed(column: str, which: str) -> str:
    return f"coalesce(sum({column}) filter (where {which}), 0)::bigint"


# What is asked back is looked for once, and not for each of them. Those that are alike in all that
# matters are added up first, so that thousands are gone through once; of payments only the few are
# looked up whose question does not say its currency.
_SUMS = sa.text(
    f"""with asked as materialized (select unnest(cast(:asked as text[])) as payment_id),
    alike as (
      select r.kind, r.currency, case when r.currency is null then r.payment_id end as unsaid,
        coalesce(r.assigned_to = :person, false) as is_mine,
        coalesce(r.snoozed_until > :today, false) as is_snoozed, {WAITS_SINCE} < :until as is_old,
        r.payment_id in (select payment_id from asked) as is_asked,
        count(*) as number, sum(r.amount) as amount, min({WAITS_SINCE}) as oldest
      from review_item r where r.state = 'open' and r.kind = any(:kinds)
      group by 1, 2, 3, 4, 5, 6, 7),
    told as (
      select kind, coalesce(currency, (select p.currency from payment p where p.id = unsaid), '')
          as currency, is_mine, is_snoozed, is_old, number, amount, oldest,
        is_asked and not is_snoozed as is_asked, not is_snoozed and not is_asked as in_sight
      from alike)
    select kind, currency, {_summed("number", "in_sight")} as number,
      {_summed("number", "in_sight and is_old")} as old,
      {_summed("number", "in_sight and is_mine")} as mine,
      {_summed("number", "is_snoozed")} as snoozed,
      {_summed("number", "is_snoozed and is_mine")} as mine_snoozed,
      {_summed("number", "is_asked")} as asked, {_summed("amount", "in_sight")} as amount,
      {_summed("amount", "in_sight and is_old")} as old_amount,
      {_summed("amount", "in_sight and is_mine")} as mine_amount,
      {_summed("amount", "is_snoozed")} as snoozed_amount,
      {_summed("amount", "is_asked")} as asked_amount, min(oldest) filter (where in_sight) as oldest
    from told group by 1, 2 order by 1, 2"""
)


@dataclass(frozen=True, slots=True)
class Sum:
    """How much of one kind waits in one currency; what is put off or asked back is left out.

    `old` of them since before a given instant, `mine` one person's. `snoozed` are put off, besides,
    `mine_snoozed` of those that person's; of `asked` the refund waits, and not the payment.
    """

    kind: str
    currency: str
    number: int
    old: int
    mine: int
    snoozed: int
    mine_snoozed: int
    asked: int
    amount: int
    old_amount: int
    mine_amount: int
    snoozed_amount: int
    asked_amount: int
    oldest: datetime | None


def sums(session: Session, *, until: datetime, today: date, person: str) -> list[Sum]:
    """How much waits, by kind and currency."""
    given = {
        "kinds": _KINDS, "until": until, "today": today, "person": person,
        "asked": asked_back.now(session),
    }  # fmt: skip
    return [Sum(*row) for row in session.execute(_SUMS, given)]
