"""Which invoices and deposits the refunds of payments took from, as the books have it now."""

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import allocations, refund_terms
from reconciler.books.allocations import Take, Treatment
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
MESSAGES_MAX = 20
_MESSAGES = sa.text(
    """select e.body from inbox_event e
    where e.seq in (select seq from inbox_outcome where payment_id = :payment)
      and e.type like '%refund%' order by e.created desc, e.seq desc limit :limit"""
)
_DEPOSITS = sa.text("select id, amount from deposit where id = any(:ids)")


def of_payments(session: Session, payment_ids: Collection[str]) -> dict[str, list[SuggestedPart]]:
    """By the rail's id of each refund of these payments; the rest of it was unapplied money."""
    facts = payment_rows.facts_of(session, payment_ids)
    terms = store_terms.of(session, facts)
    live = sorted(claims.allocations_of(session, facts), key=lambda a: a.place)
    unused = _unused(session, live)
    found: dict[str, dict[str, int]] = {}
    for payment_id, known in facts.items():
        on_it = [a for a in live if a.payment_id == payment_id]
        found |= refund_terms.split(position(known), [a.as_claim for a in on_it], unused, terms)
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


def last_treatment(session: Session, payment_id: str, rail_refund_id: str) -> str:
    """What a refund made outside did to what is owed, as somebody said last or by rule."""
    given = {"payment": payment_id, "refund": rail_refund_id}
    said = session.scalars(_LAST_TREATMENT, given).first()
    return said or Treatment.CREDIT.value


def messages(session: Session, payment_id: str) -> list[bytes]:
    """The last messages that told of a payment's refunds, the latest first."""
    rows = session.scalars(_MESSAGES, {"payment": payment_id, "limit": MESSAGES_MAX})
    return [bytes(body) for body in rows]


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
