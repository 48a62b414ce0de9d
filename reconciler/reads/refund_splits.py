"""Which invoices and deposits the refunds of payments took from, as the books have it now."""

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import allocations, refund_terms
from reconciler.books.allocations import Take
from reconciler.books.observations import RefundStage
from reconciler.books.posting_rules import position
from reconciler.reads.suggestions import SuggestedPart
from reconciler.store import claims, payment_rows, refund_terms as store_terms
from reconciler.store.claims import AllocationRow
from reconciler.timestamps import from_epoch

_NAMES = sa.text(
    """select id, number as name, false as is_deposit from invoice where id = any(:ids)
    union all select id, code, true from deposit where id = any(:ids)"""
)
_STANDS = sa.text(
    """select 1 from refund_decision where review_item_id = :item and closed_at is null limit 1"""
)
_LAST_TREATMENT = sa.text(
    """select treatment from refund_decision
    where payment_id = :payment and rail_refund_id = :refund
    order by closed_at desc nulls first, place limit 1"""
)
# A draft or a void invoice takes nothing; credit notes lower what one takes, refunds do not.
_TAKES_UP = sa.text(
    """select id, case when state = 'sent' then total - credit_notes else 0 end as most
      from invoice where id = any(:ids)
    union all select id, amount from deposit where id = any(:ids)"""
)
_DEPOSITS = sa.text("select id, amount from deposit where id = any(:ids)")


def of_payments(session: Session, payment_ids: Collection[str]) -> dict[str, list[SuggestedPart]]:
    """By the rail's id of each refund of these payments; the rest no document had taken up.

    What was paid on a document beyond what it takes goes back first, whichever of its payments it
    goes back of; so those that paid for the same are looked at with these.
    """
    if not payment_ids:
        return {}
    beside = _on_the_same(session, payment_ids)
    facts = payment_rows.facts_of(session, {*payment_ids, *(a.payment_id for a in beside)})
    terms = store_terms.of(session, facts)
    live = sorted(claims.allocations_of(session, facts), key=lambda a: a.place)
    unused = _unused(session, live)
    at = {payment_id: position(known) for payment_id, known in facts.items()}
    taken = [
        one
        for payment_id in facts
        for one in refund_terms.taken(
            at[payment_id], [a.as_claim for a in live if a.payment_id == payment_id], unused, terms
        )
    ]
    found: dict[str, dict[str, int]] = {
        refund.id: {}
        for payment_id in payment_ids
        if payment_id in at
        for refund in at[payment_id].refunds
    }
    for one in refund_terms.beyond(taken, _excess(session, beside)):
        if one.name in found:
            found[one.name][one.target] = found[one.name].get(one.target, 0) + one.amount
    names = _names(session, {target for parts in found.values() for target in parts})
    return {
        refund_id: [
            SuggestedPart(
                None if is_deposit else target, target if is_deposit else None, name, part
            )
            for target, part in parts.items()
            for name, is_deposit in [names[target]]
        ]
        for refund_id, parts in found.items()
    }


def _on_the_same(session: Session, payment_ids: Collection[str]) -> list[AllocationRow]:
    """All claims on the documents that these payments have claims on."""
    own = claims.allocations_of(session, payment_ids)
    return claims.allocations_on(
        session,
        {a.invoice_id for a in own if a.invoice_id},
        {a.deposit_id for a in own if a.deposit_id},
    )


def _excess(session: Session, on_them: Collection[AllocationRow]) -> dict[str, int]:
    """How much more was put to each document than it takes, in minor units."""
    put: dict[str, int] = {}
    invoices = {a.invoice_id for a in on_them if a.invoice_id}
    for claim in on_them:
        put[claim.target] = put.get(claim.target, 0) + claim.offer.gross
    for use in claims.applications_touching(session, invoices, ()):
        if use.invoice_id in invoices:
            put[use.invoice_id] = put.get(use.invoice_id, 0) + use.offer.gross
    rows = session.execute(_TAKES_UP, {"ids": list(put)})
    return {row.id: max(0, put[row.id] - row.most) for row in rows}


def to_come(session: Session, asked: Mapping[str, tuple[str, Take]]) -> dict[str, dict[str, int]]:
    """What takes that no rail has told of would take now, each alone: by target, in minor units.

    `asked`: the payment and what is asked back of it, by the name under which the answer is given.
    What is missing to its amount, or is beyond what the payment has, comes from no document.
    """
    facts = payment_rows.facts_of(session, {payment_id for payment_id, _ in asked.values()})
    terms = store_terms.of(session, facts)
    live = sorted(claims.allocations_of(session, facts), key=lambda a: a.place)
    unused = _unused(session, live)
    found: dict[str, dict[str, int]] = {}
    for name, (payment_id, take) in asked.items():
        at = position(facts[payment_id])
        before = refund_terms.of_payment(at, terms)
        on_it = [a for a in live if a.payment_id == payment_id]
        # What documents have no room for is unapplied, whatever their claims want: it goes first.
        applied = sum(a.amount for a in on_it)
        loose = max(0, at.captured - sum(one.amount for one in before) - applied)
        rest = min(max(0, take.amount - loose), applied)
        takes = [*before, Take(rest, take.treatment, take.target)]
        asked_of = [a.as_claim for a in on_it]
        found[name] = allocations.taken_from(asked_of, at.captured - loose, takes, unused)[-1]
    return found


def told_at(session: Session, payment_id: str, rail_refund_id: str) -> datetime | None:
    """When money went back, as far as the rail has said: by its balance, or by the refund."""
    facts = payment_rows.facts_of(session, [payment_id]).get(payment_id)
    if facts is None:
        return None
    moved = [one.created for one in facts.balance.values() if one.source == rail_refund_id]
    refund = facts.refunds.get(rail_refund_id)
    at = min(moved, default=0) or (
        refund.shown[0] if refund and refund.stage < RefundStage.FAILED else 0
    )
    return from_epoch(at) if at else None


def last_treatment(session: Session, payment_id: str, rail_refund_id: str) -> str | None:
    """What somebody said last of what is owed after a refund made outside; None if nobody did."""
    given = {"payment": payment_id, "refund": rail_refund_id}
    return session.scalars(_LAST_TREATMENT, given).first()


def stands(session: Session, item_id: str) -> bool:
    """Whether what a person answered to this question about a refund still holds."""
    return session.execute(_STANDS, {"item": item_id}).first() is not None


def _unused(session: Session, on_it: Collection[AllocationRow]) -> dict[str, int]:
    deposits = [a.deposit_id for a in on_it if a.deposit_id]
    if not deposits:
        return {}
    gross: dict[str, int] = {}
    for claim in claims.allocations_on(session, [], deposits):
        gross[claim.target] = gross.get(claim.target, 0) + claim.offer.gross
    uses = claims.applications_touching(session, [], deposits)
    return {
        row.id: allocations.unused(
            row.amount,
            gross.get(row.id, 0),
            [use.as_claim for use in uses if use.deposit_id == row.id],
        )
        for row in session.execute(_DEPOSITS, {"ids": deposits})
    }


def _names(session: Session, targets: Collection[str]) -> dict[str, tuple[str, bool]]:
    rows = session.execute(_NAMES, {"ids": list(targets)})
    return {row.id: (row.name, row.is_deposit) for row in rows}
