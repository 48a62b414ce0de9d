"""Which payments and payouts the rail is to be asked about, and when again."""

from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa

from reconciler.books.observations import PaymentFacts
from reconciler.books.payouts import PayoutFacts
from reconciler.store import payout_rows
from reconciler.store.claims import decode_facts
from reconciler.work import Work

# Two seconds after the first message, then ever more patiently: a fee may take a day to appear.
_WAITS = (10, 60, 300, 1_800, 7_200, 21_600, 86_400, 86_400, 86_400)

_DUE = sa.text(
    """select id, facts::text as facts, fetch_attempts from payment where fetch_due_at <= :now
    order by fetch_due_at limit :limit for no key update skip locked"""
)
_SOON = sa.text(
    """update payment set fetch_due_at = :now, fetch_attempts = 0 where id = any(:ids)
      and (:all and fetch_due_at is not null
        or is_held and not facts ?| array['named', 'rail_invoices'])"""
)
_PUT_OFF = sa.text(
    """update payment set fetch_due_at = :due, fetch_attempts = fetch_attempts + 1 where id = :id"""
)


def soon(work: Work, payment_ids: Collection[str], *, only_if_unnamed: bool = False) -> None:
    """Have the rail asked now for what is open of these payments.

    That includes what a payment was for, where nothing names it and it found no place:
    `only_if_unnamed` asks for nothing else, where there are very many.
    """
    if payment_ids:
        given = {"ids": list(payment_ids), "now": work.now, "all": not only_if_unnamed}
        work.session.execute(_SOON, given)


def claim(work: Work, limit: int) -> list[PaymentFacts]:
    """Payments to ask about now; the next turn of each is put off.

    After the last wait a payment is left to the nightly comparison, which re-reads whatever
    is not final whatever its age.
    """
    rows = work.session.execute(_DUE, {"now": work.now, "limit": limit}).all()
    for row in rows:
        due = _next_turn(work, row.fetch_attempts)
        work.session.execute(_PUT_OFF, {"id": row.id, "due": due})
    return [decode_facts(row.facts) for row in rows]


def claim_payouts(work: Work, limit: int) -> list[PayoutFacts]:
    """The same of payouts."""
    held = payout_rows.due(work.session, work.now, limit)
    for payout_id, _, attempts in held:
        payout_rows.put_off(work.session, payout_id, _next_turn(work, attempts))
    return [facts for _, facts, _ in held]


def _next_turn(work: Work, attempts: int) -> datetime | None:
    is_last = attempts >= len(_WAITS)
    return None if is_last else work.now + timedelta(seconds=_WAITS[attempts])
