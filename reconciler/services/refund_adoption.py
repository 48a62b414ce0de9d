"""A refund on the rail that lost our reference and still is ours: its request carried our key.

Metadata can be edited away in the rail's dashboard, or be missing where a message shows only part
of an object. The key under which a refund was made cannot: it names the leg. The reference is put
back on the facts before they are joined, so that everything behind the door sees one of ours.
"""

from collections.abc import Mapping

import msgspec
import sqlalchemy as sa

from reconciler.books import refunds as rules
from reconciler.books.observations import PaymentFacts, RefundFact
from reconciler.store.claims import PaymentRow
from reconciler.work import Work

Seen = dict[tuple[str, str, str], PaymentFacts]  # by (rail, account, rail's payment id)

_REFERENCES = sa.text("select id, payment_id, reference from refund_leg where id = any(:ids)")


def adopt(work: Work, seen: Seen, rows: Mapping[tuple[str, str, str], PaymentRow]) -> Seen:
    """The same facts, each refund that was made under a key of ours with the leg's reference."""
    legs = {leg_id for facts in seen.values() for _, leg_id in _unnamed(facts)}
    if not legs:
        return seen
    found = work.session.execute(_REFERENCES, {"ids": sorted(legs)})
    known = {(row.payment_id, row.id): row.reference for row in found}
    return {at: _named(facts, rows[at].id, known) for at, facts in seen.items()}


def _unnamed(facts: PaymentFacts) -> list[tuple[RefundFact, str]]:
    """Refunds that tell no reference, with the leg that their key names."""
    return [
        (refund, leg_id)
        for refund in facts.refunds.values()
        if refund.key and not refund.reference and (leg_id := rules.leg_of_key(refund.key))
    ]


def _named(
    facts: PaymentFacts, payment_id: str, known: Mapping[tuple[str, str], str]
) -> PaymentFacts:
    adopted = {
        refund.id: msgspec.structs.replace(refund, reference=known[payment_id, leg_id])
        for refund, leg_id in _unnamed(facts)
        if (payment_id, leg_id) in known
    }
    if not adopted:
        return facts
    return msgspec.structs.replace(facts, refunds={**facts.refunds, **adopted})
