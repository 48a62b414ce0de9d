"""The rail's other ids that lead to a payment."""

from collections.abc import Collection, Sequence

import msgspec

from reconciler.books.observations import PaymentFacts
from reconciler.books.rail_objects import Listed
from reconciler.store import payment_rows
from reconciler.work import Work


def payments_by_alias(
    work: Work, keys: Collection[tuple[str, str, str]]
) -> dict[tuple[str, str, str], str]:
    """The rail's payment id behind each known (rail, account, object)."""
    return payment_rows.by_alias(work.session, sorted(keys))


def placed(
    work: Work, at: tuple[str, str], listed: Sequence[Listed]
) -> list[tuple[PaymentFacts, tuple[str, ...]]]:
    """What a listing at (rail, account) shows of payments that are known here.

    What names its payment only through an object that nobody knows yet is left out.
    """
    ways = {(*at, row.via) for row in listed if row.via is not None}
    leads_to = payments_by_alias(work, ways)
    found: list[tuple[PaymentFacts, tuple[str, ...]]] = []
    for row in listed:
        facts = row.facts
        if facts is not None and row.via is not None:
            payment_id = leads_to.get((*at, row.via))
            facts = msgspec.structs.replace(facts, payment_id=payment_id) if payment_id else None
        if facts is not None:
            found.append((facts, row.aliases))
    return found
