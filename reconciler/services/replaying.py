"""Books made anew: what is not a message or a deed is taken in here, and the ends are compared."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from reconciler.books import posting_rules
from reconciler.books.accounts import MANUAL_RAIL
from reconciler.books.observations import BalanceFact
from reconciler.books.payouts import Movement
from reconciler.services import ledger, payment_writing, payments, payouts, settlement
from reconciler.services.verification import Violation
from reconciler.store import replay_rows as store
from reconciler.store.claims import PaymentRow, decode_facts
from reconciler.store.payout_rows import decode_facts as decode_payout
from reconciler.timestamps import to_epoch
from reconciler.work import Work

LAW = "done_over_events_and_deeds_make_the_same_books"


def look(work: Work, row: sa.Row[Any]) -> None:
    """All that is known of a payment is told: what the rail answered is in no message."""
    facts = decode_facts(row.facts)
    if facts.rail == MANUAL_RAIL and not store.has_payment(work.session, row.id):
        _kept_by_hand(work, row)
        return
    payments.observe(work, [(facts, tuple(row.aliases))])


def _kept_by_hand(work: Work, row: sa.Row[Any]) -> None:
    """Money that people received, or kept instead of giving it back, with no deed of its own."""
    made = PaymentRow(
        id=row.id,
        facts=decode_facts(row.facts),
        booked={},
        customer_id=row.customer_id,
        strategy=row.strategy,
        reasons=row.reasons,
        is_new=True,
    )
    entries, made.booked = posting_rules.entries_due(made.facts, {}, ours=made.id)
    payment_writing.save(work, [made])
    ledger.post(work, entries)


def look_at_payout(work: Work, row: sa.Row[Any]) -> None:
    """All that is known of a payout is told."""
    payouts.observe(work, [decode_payout(row.facts)])


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


def decided(work: Work, noun: str, payment_id: str, rows: list[str]) -> None:
    """What people decided about a payment's refunds or losses stands; its claims follow."""
    store.put(work.session, noun, rows)
    if store.has_payment(work.session, payment_id):
        settlement.settle(work, payments=[payment_id])


def differing(ours: Session, anew: Session) -> Iterator[Violation]:
    """Everything that the two books hold otherwise, by name."""
    for noun in store.HELD:
        left, right = store.held(ours, noun), store.held(anew, noun)
        for key, (here, there) in _paired(left, right):
            name = " ".join(word for word in (noun, *key) if word)
            yield Violation(
                LAW, f"{name}: {here or 'nothing'} in the books, {there or 'nothing'} made anew"
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
