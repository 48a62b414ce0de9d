"""Books made anew: what is not a message or a deed is taken in here, and the ends are compared."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import refunds as rules
from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.facts_then import known_then
from reconciler.books.observations import BalanceFact, PaymentFacts
from reconciler.books.payouts import Movement
from reconciler.books.refunds import RefundStatus
from reconciler.services import payments, payouts, refund_legs
from reconciler.services.verification import Violation
from reconciler.store import payout_rows, replay_held, replay_rows as store
from reconciler.store.claims import decode_facts
from reconciler.store.payout_rows import decode_facts as decode_payout
from reconciler.store.refunds import RefundLeg
from reconciler.timestamps import to_epoch
from reconciler.work import Work

LAW = "done_over_events_and_deeds_make_the_same_books"


def look(work: Work, row: sa.Row[Any]) -> None:
    """All that is known of a payment is told: what the rail answered is in no message."""
    _tell(work, row, decode_facts(row.facts))


def look_then(work: Work, row: sa.Row[Any], references: Collection[str]) -> None:
    """The same as it was by now: without what the rail made later.

    `references` are of all refunds that people ever asked for of this payment.
    """
    not_yet = set(references) - store.references(work.session, row.id)
    _tell(work, row, known_then(decode_facts(row.facts), to_epoch(work.now), not_yet))


def _tell(work: Work, row: sa.Row[Any], facts: PaymentFacts) -> None:
    # Of money by hand only people tell: it is there once their deed was done again.
    if facts.rail != MANUAL_RAIL or store.has_payment(work.session, row.id):
        payments.observe(work, [(facts, tuple(row.aliases))])


def look_at_payout(work: Work, row: sa.Row[Any], lines: Iterable[sa.Row[Any]]) -> None:
    """All that is known of a payout is told, and what it was listed to consist of."""
    facts = decode_payout(row.facts)
    at = (facts.rail, facts.account, facts.payout_id)
    payouts.observe(work, [facts])
    payout_rows.add_lines(work.session, at, [_line(one) for one in lines])
    if row.listed_at is not None:
        payouts.count_lines(work, at)


def _line(row: sa.Row[Any]) -> BalanceFact:
    return BalanceFact(
        id=row.rail_movement_id,
        amount=row.amount,
        fee=row.fee,
        currency=row.currency,
        category=row.category,
        source=row.source,
        created=to_epoch(row.moved_at),
    )


def look_at_movement(work: Work, row: sa.Row[Any]) -> None:
    """A movement of no payment is told."""
    moved = BalanceFact(
        id=row.rail_movement_id,
        amount=row.amount,
        fee=row.fee,
        currency=row.currency,
        category=row.category,
        source=row.source,
        created=to_epoch(row.moved_at),
    )
    movement = Movement(
        rail=row.rail, account=row.account, row=moved, kind=row.kind, balance_type=row.balance_type
    )
    payouts.observe_movements(work, [movement])


def answered(work: Work, row: sa.Row[Any], sent: Sequence[str]) -> None:
    """What was concluded about a leg when it was sent, or was to be: the rail is not asked again.

    `sent` are the keys under which it had been sent by then. What the rail showed of it since
    outranks what was concluded, and comes with the payment's facts.
    """
    leg = work.session.get(RefundLeg, row.leg_id, populate_existing=True)
    after = RefundStatus(row.after)
    if leg is None or leg.status != row.before:
        return
    if not rules.may_become(RefundStatus(leg.status), after, is_seen=False):
        return
    store.put_sent(work.session, sent)
    whole = refund_legs.lock_one(work, leg.refund_id)
    leg = whole.leg(leg.id)
    if after is RefundStatus.REQUESTED:
        refund_legs.ask_again(work, whole, why=row.why)
    else:
        leg.unsettled_since = leg.unsettled_since or (row.at if sent else None)
        refund_legs.move(work, leg, after, why=row.why)
    refund_legs.follow_legs(work, whole)


def differing(ours: Session, anew: Session) -> Iterator[Violation]:
    """Everything that the two books hold otherwise, by name."""
    answered = replay_held.answered(ours)
    for noun in replay_held.HELD:
        left, right = replay_held.held(ours, noun), replay_held.held(anew, noun)
        for key, (here, there) in _paired(left, right):
            if noun == "question" and key[:2] in answered:
                continue
            name = " ".join(word for word in (noun, *key) if word)
            yield Violation(
                LAW, f"{name}: {here or 'nothing'} in the books, {there or 'nothing'} made anew"
            )


def not_kept(ours: Session) -> Iterator[Violation]:
    """What cannot be shown, and may be why books differ: what imports changed, and nobody kept."""
    for row in store.changed_by_imports(ours):
        yield Violation(
            LAW,
            f"import {row.id} of {row.at:%Y-%m-%d %H:%M} changed {row.changed_count} things, and "
            "what its rows said is not kept: where those differ, it may be for that",
        )


_Held = Iterator[tuple[tuple[str, ...], str]]


def _paired(left: _Held, right: _Held) -> Iterator[tuple[tuple[str, ...], tuple[str, str]]]:
    """Where two lists in the order of their keys differ."""
    one, other = next(left, None), next(right, None)
    while one is not None or other is not None:
        key = min(at[0] for at in (one, other) if at is not None)
        here = one[1] if one is not None and one[0] == key else ""
        there = other[1] if other is not None and other[0] == key else ""
        if here != there:
            yield key, (here, there)
        if one is not None and one[0] == key:
            one = next(left, None)
        if other is not None and other[0] == key:
            other = next(right, None)
