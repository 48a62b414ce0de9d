"""A payment's facts as they may have been at an earlier moment: without what came later.

Amounts only ever grow and say no when; things with an id and an instant of their own do.
"""

from collections.abc import Collection

import msgspec

from reconciler.books.observations import PaymentFacts


def known_then(facts: PaymentFacts, at: int, not_yet: Collection[str] = ()) -> PaymentFacts:
    """Without the refunds and disputes that the rail made after `at`, and their movements.

    `at` is in the rail's whole seconds; `not_yet` are references of refunds that nobody had asked
    for.
    """
    facts = _not_taken_back_yet(facts, at)
    later = {
        one.id
        for one in facts.refunds.values()
        if one.created > at or (one.reference in not_yet and one.reference is not None)
    } | {one.id for one in facts.disputes.values() if one.created > at}
    if not later:
        return facts
    rows = {
        ref
        for one in facts.refunds.values()
        if one.id in later
        for ref in (one.balance_ref, one.failure_ref)
    }
    return msgspec.structs.replace(
        facts,
        refunds={name: one for name, one in facts.refunds.items() if name not in later},
        disputes={name: one for name, one in facts.disputes.items() if name not in later},
        balance={
            name: one
            for name, one in facts.balance.items()
            if name not in rows and one.source not in later
        },
    )


def _not_taken_back_yet(facts: PaymentFacts, at: int) -> PaymentFacts:
    if all(one.taken_back_at <= at for one in facts.charges.values()):
        return facts
    charges = {
        name: msgspec.structs.replace(one, taken_back_at=0) if one.taken_back_at > at else one
        for name, one in facts.charges.items()
    }
    return msgspec.structs.replace(facts, charges=charges)
