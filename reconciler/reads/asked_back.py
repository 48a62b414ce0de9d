"""What waits as a refund already: it is not to wait a second time as what the refund is of.

Each that begins with IS or WAITS is a condition for a statement that has a question as `r`.
"""

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books.reviews import MATCHING_KINDS

_UNDER_WAY = "('requested', 'approved', 'submitted', 'unknown', 'manual')"
# What an index of few legs holds (ix_refund_leg_waiting). It is said where less is meant as well,
# so that PostgreSQL takes that index instead of reading all legs there are.
IS_WAITING = """(l.replaced_by is null and l.status in ('requested', 'approved', 'submitted',
      'unknown', 'manual', 'failed'))"""
_AT_THE_RAIL = "('pending', 'requires_action')"
_MATCHING = ", ".join(f"'{kind.value}'" for kind in sorted(MATCHING_KINDS))

# All that is left of the payment is asked back and has not left, or came back: each such refund
# waits for its approval, its rail, its payer or another way, where refunds wait. Most are of
# payments that nobody was ever asked about, and of those nothing is added up.
# So the questions come first, before refunds and payments are looked up.
ASKED_BACK = f"""select l.payment_id
      from (select l.payment_id, l.refund_id, l.amount from refund_leg l
          where {IS_WAITING}
            and (l.status in {_UNDER_WAY} and l.rail_refund_id is null or l.status = 'failed')
            and exists (select 1 from review_item o where o.payment_id = l.payment_id
              and o.kind in ({_MATCHING}))
          offset 0) l
        join refund f on f.id = l.refund_id join payment q on q.id = l.payment_id
        cross join lateral (select coalesce(sum(a.amount), 0) as allocated from allocation a
          where a.payment_id = q.id and a.closed_at is null) t
      where (f.status in {_UNDER_WAY} or f.status = 'failed') and f.payment_id is not null
      group by l.payment_id, q.captured, q.refunded, q.lost, t.allocated
      having sum(l.amount) >= q.captured - q.refunded - q.lost - t.allocated"""
IS_MATCHING = f"r.kind in ({_MATCHING})"
IS_ASKED_BACK = f"r.payment_id in ({ASKED_BACK})"
# A refund made outside has failed, and as much was asked back since and is under way.
IS_ASKED_AGAIN = f"""coalesce(r.amount <= (
      select sum(l.amount) from refund_leg l join refund f on f.id = l.refund_id
      where l.payment_id = r.payment_id and f.requested_at >= r.opened_at
        and l.replaced_by is null
        and (l.status in {_UNDER_WAY} or l.status in {_AT_THE_RAIL})), false)"""
WAITS_AS_REFUND = f"""(case when r.kind = 'refund_failed' then
      r.subject is distinct from r.refund_id and {IS_ASKED_AGAIN}
    when {IS_MATCHING} then {IS_ASKED_BACK} else false end)"""
_ASKED_BACK = sa.text(ASKED_BACK)
# The same as IS_ASKED_BACK, of what `now` gave.
IS_AMONG_ASKED = "r.payment_id in (select unnest(cast(:asked as text[])))"


def now(session: Session) -> list[str]:
    """The payments that are asked back whole. Only for a transaction that reads.

    They are few, but all refunds under way are gone through for them: once for one snapshot.
    """
    found: list[str] | None = session.info.get(_ASKED_BACK)
    if found is None:
        found = session.info[_ASKED_BACK] = list(session.scalars(_ASKED_BACK))
    return found
