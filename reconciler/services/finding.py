"""Held payments, and money on its way, meet documents that appeared after them."""

from datetime import timedelta

import sqlalchemy as sa

from reconciler.services import payments
from reconciler.work import Work

SEEKERS_MAX = 50
SEEKERS_AT_REST_MAX = 5_000  # of which none has anything to find, as after a file with many rows
PAYMENTS_MAX = 1_000  # more held payments with one clue are a question for a person

# A document and a payment that appear in the same moment may each miss the other.
CROSSING = timedelta(minutes=15)

# What each seeker goes by. Two workers may serve the same one: payments are matched once.
_SEEKERS = sa.text(
    """(select 'invoice' as noun, id, array[lower(btrim(number)), id] as names, customer_id
      from invoice where seeks_payment and state = 'sent' limit :limit)
    union all
    (select 'deposit', id, array[lower(btrim(code)), id], customer_id
      from deposit where seeks_payment limit :limit)
    union all
    (select 'customer', id, '{}', id from customer where seeks_payment limit :limit)"""
)
_CLUES = sa.text(
    """select array_agg(distinct clue) from (
      select lower(rail_customer_id) as clue from customer_rail_id
        where customer_id = any(:customers)
      union select lower(email) from customer where id = any(:customers) and email is not null
      union select object_id from rail_reference
        where invoice_id = any(:documents) or deposit_id = any(:documents)) as c"""
)
_HELD = sa.text(
    """select id from (
      select id, occurred_at from payment where is_held and clues && cast(:clues as text[])
      union select id, occurred_at from payment
        where on_its_way > 0 and clues && cast(:clues as text[])) as waiting
    order by occurred_at limit :limit"""
)
# Matched by equal amount alone: what appeared or changed may be better, or show that it is none.
_GUESSED = sa.text(
    """select id from payment where strategy = 'customer_amount'
      and customer_id = any(:customers) order by occurred_at desc, id limit :limit"""
)
_RECENT = sa.text(
    """select id from payment where (is_held or on_its_way > 0) and created_at > :since
    order by id limit :limit"""
)
_DONE = {
    noun: sa.text(f"update {noun} set seeks_payment = false where id = any(:ids)")
    for noun in ("invoice", "deposit", "customer")
}


def match_recent(work: Work) -> int:
    """Decide again on payments that came a moment ago and found nothing; gives how many."""
    held = list(
        work.session.scalars(_RECENT, {"since": work.now - CROSSING, "limit": PAYMENTS_MAX})
    )
    if held:
        payments.rematch(work, held)
    return len(held)


def match_for_seekers(work: Work, most: int = SEEKERS_MAX) -> tuple[int, int]:
    """Serve some seekers: how many they were, and how many payments were decided again.

    More than SEEKERS_MAX of a kind are served only if there is nothing to find for any of them.
    """
    seekers = work.session.execute(_SEEKERS, {"limit": most}).all()
    if not seekers:
        return 0, 0
    clues = {name for seeker in seekers for name in seeker.names}
    known = work.session.execute(
        _CLUES,
        {
            "customers": list({seeker.customer_id for seeker in seekers}),
            "documents": [seeker.id for seeker in seekers],
        },
    ).scalar()
    clues.update(known or ())
    customers = list({seeker.customer_id for seeker in seekers})
    held = [
        *work.session.scalars(_HELD, {"clues": sorted(clues), "limit": PAYMENTS_MAX}),
        *work.session.scalars(_GUESSED, {"customers": customers, "limit": PAYMENTS_MAX}),
    ]
    if held and most > SEEKERS_MAX:
        return match_for_seekers(work)
    if held:
        payments.rematch(work, held)
    for noun, done in _DONE.items():
        ids = sorted(seeker.id for seeker in seekers if seeker.noun == noun)
        if ids:
            work.session.execute(done, {"ids": ids})
    return len(seekers), len(held)
