"""Payouts, and movements of the rail's balance that belong to no payment.

As with payments: facts that only grow are joined, and what the ledger should hold follows from
them alone. The entries that are due are the difference to what is booked.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum

import msgspec

from reconciler.books import accounts
from reconciler.books.accounts import clearing
from reconciler.books.journal import JournalEntry, lines
from reconciler.books.observations import BalanceFact
from reconciler.books.posting_rules import (
    FEE_CATEGORIES,
    KNOWN_CATEGORIES,
    Booked,
    Component,
    components_due,
)
from reconciler.money import Money
from reconciler.timestamps import day_of

# What Stripe calls its own rows of a payout (their `reporting_category`).
SENT_CATEGORY = "payout"
RETURNED_CATEGORY = "payout_reversal"
CATEGORIES = frozenset({SENT_CATEGORY, RETURNED_CATEGORY})
# Money that we send to the rail: a payout the other way round, there when its row is.
TOPUP_CATEGORIES = frozenset({"topup", "topup_reversal"})
# Only what stands on this balance is part of what the rail says that it holds for us.
PAYMENTS_BALANCE = "payments"


BANK_DAYS = 5  # business days in which a bank takes a payout or sends it back
_SATURDAY = 5


class PayoutStage(IntEnum):
    """How far a payout has come. What is later here wins, whichever was heard first.

    A payout that is paid is only expected to arrive: it may fail within five business days.
    """

    PENDING = 0
    IN_TRANSIT = 1
    PAID = 2
    CANCELED = 3
    FAILED = 4


class PayoutStatus(StrEnum):
    """The same in the rail's words, for people and programs."""

    PENDING = "pending"
    IN_TRANSIT = "in_transit"
    PAID = "paid"
    CANCELED = "canceled"
    FAILED = "failed"


DEAD = frozenset({PayoutStatus.CANCELED, PayoutStatus.FAILED})


class PayoutFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that a rail has said about one payout. Minor units; negative takes from the bank.

    `rows` are its own movements: the money leaving, and coming back. What the payout consists of
    are its lines, kept apart. `arrival` is (when that was said, the day), in whole seconds.
    """

    rail: str
    account: str
    payout_id: str
    currency: str | None = None
    amount: int | None = None
    stage: int = PayoutStage.PENDING
    is_automatic: bool = False  # only of these can the rail tell what they consist of
    is_instant: bool = False
    is_listable: bool = False  # the rail knows by now what it consists of
    arrival: tuple[int, int] = (0, 0)
    rows: dict[str, BalanceFact] = {}
    balance_ref: str | None = None
    failure_ref: str | None = None
    failure: str | None = None
    original: str | None = None  # the payout that this one reverses
    reversed_by: str | None = None
    trace_id: str | None = None
    descriptor: str | None = None
    destination_last4: str | None = None
    livemode: bool = False
    created: int = 0


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """A movement of the rail's balance that belongs to no payment."""

    rail: str
    account: str
    row: BalanceFact
    kind: str  # the rail's finer word
    balance_type: str = PAYMENTS_BALANCE


def join(known: PayoutFacts, seen: PayoutFacts) -> PayoutFacts:
    """Merge a sighting. Commutative, associative, idempotent: order cannot matter."""
    assert (known.rail, known.payout_id) == (seen.rail, seen.payout_id), "two payouts"
    assert known.currency == seen.currency or not (known.currency and seen.currency), (
        f"{known.payout_id} changed currency"
    )
    amounts = [one.amount for one in (known, seen) if one.amount is not None]
    return PayoutFacts(
        rail=known.rail,
        account=known.account,
        payout_id=known.payout_id,
        currency=known.currency or seen.currency,
        amount=max(amounts, default=None),  # it never changes; told twice, every order agrees
        stage=max(known.stage, seen.stage),
        is_automatic=known.is_automatic or seen.is_automatic,
        is_instant=known.is_instant or seen.is_instant,
        is_listable=known.is_listable or seen.is_listable,
        arrival=max(known.arrival, seen.arrival),
        rows=_rows(known.rows, seen.rows),
        balance_ref=_said(known.balance_ref, seen.balance_ref),
        failure_ref=_said(known.failure_ref, seen.failure_ref),
        failure=_said(known.failure, seen.failure),
        original=_said(known.original, seen.original),
        reversed_by=_said(known.reversed_by, seen.reversed_by),
        trace_id=_said(known.trace_id, seen.trace_id),
        descriptor=_said(known.descriptor, seen.descriptor),
        destination_last4=_said(known.destination_last4, seen.destination_last4),
        livemode=known.livemode or seen.livemode,
        created=min(filter(None, (known.created, seen.created)), default=0),
    )


def amount(facts: PayoutFacts) -> int | None:
    """What the payout is of, in minor units; None while neither it nor its row was seen."""
    if facts.amount is not None:
        return facts.amount
    sent = _of(facts, SENT_CATEGORY)
    return -sum(row.amount for row in sent) if sent else None


def status(facts: PayoutFacts) -> PayoutStatus:
    """The one word for where it stands. A row that gives the money back says that it failed."""
    stage = PayoutStage(facts.stage)
    if stage < PayoutStage.CANCELED and _of(facts, RETURNED_CATEGORY):
        stage = PayoutStage.FAILED
    return PayoutStatus[stage.name]


def is_late(facts: PayoutFacts, now: datetime) -> bool:
    """Whether it should be at the bank by now: five business days after the day it was expected.

    Without such a day it is counted from when it was made.
    """
    expected = facts.arrival[1] or facts.created
    day = datetime.fromtimestamp(expected, UTC)
    left = BANK_DAYS
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < _SATURDAY
    return bool(expected) and now > day


def open_questions(facts: PayoutFacts) -> list[str]:
    """What the rail still has to be asked; empty when the payout's money is explained."""
    questions = []
    if facts.amount is None:
        questions.append(f"what {facts.payout_id} is")
    elif not _of(facts, SENT_CATEGORY):
        questions.append(f"the balance movement of {facts.payout_id}")
    if status(facts) in DEAD and not _of(facts, RETURNED_CATEGORY):
        questions.append(f"the return of {facts.payout_id}")
    return questions


def entries_due(
    facts: PayoutFacts, booked: Booked, *, ours: str
) -> tuple[list[JournalEntry], Booked]:
    """Entries that take the ledger from `booked` to what `facts` call for, and the new `booked`.

    `ours` is our own id of the payout.
    """
    prefix = f"{facts.rail}/{facts.payout_id}"
    return components_due(prefix, _components(facts), booked, payout_id=ours)


def movement_entries(movement: Movement) -> list[JournalEntry]:
    """What a movement of no payment books, whole and once: it never changes.

    Fees and taxes are costs; a top-up comes from our bank; what nobody has classified (reserves
    among them) stands in suspense, so that clearing equals the rail's balance all the same.
    A payout's own row is no such movement: it is among the payout's facts.
    """
    if movement.balance_type != PAYMENTS_BALANCE:
        return []
    row, held = movement.row, clearing(movement.rail)
    found: list[tuple[str, Component]] = []
    cost = row.fee - (row.amount if row.category in FEE_CATEGORIES else 0)
    if cost:
        found.append(("fee", Component(cost, row.currency, accounts.PROCESSING_FEES, held)))
    if row.amount and row.category not in FEE_CATEGORIES:
        is_topup = row.category in TOPUP_CATEGORIES
        source = accounts.BANK if is_topup else accounts.SUSPENSE
        name = "topup" if is_topup else "unclassified"
        found.append((name, Component(row.amount, row.currency, held, source)))
    return [
        JournalEntry(
            key=f"{movement.rail}/movement/{row.id}/{name}",
            postings=lines(Money(part.amount, part.currency), debit=part.debit, credit=part.credit),
            on=day_of(row.created),
        )
        for name, part in found
    ]


def is_unclassified(movement: Movement) -> bool:
    """Whether a person has to say what this movement is."""
    return (
        movement.balance_type == PAYMENTS_BALANCE
        and movement.row.amount != 0
        and movement.row.category not in FEE_CATEGORIES | TOPUP_CATEGORIES
    )


def _components(facts: PayoutFacts) -> Iterator[tuple[str, Component]]:
    whole, currency = amount(facts), currency_of(facts)
    if whole is None or currency is None:
        return
    held, transit = clearing(facts.rail), accounts.PAYOUTS_IN_TRANSIT
    # Rows say what moved; until they are read, the payout itself says what will have.
    left, back = _of(facts, SENT_CATEGORY), _of(facts, RETURNED_CATEGORY)
    sent = -sum(row.amount for row in left) if left else whole
    is_dead = status(facts) in DEAD
    returned = sum(row.amount for row in back) if back else sent if is_dead else 0
    is_paid = status(facts) is PayoutStatus.PAID
    moved = max([row.created for row in (*left, *back)], default=0) or facts.created
    yield "sent", Component(sent - returned, currency, transit, held, moved)
    arrived = max(facts.arrival[1], moved) if is_paid else moved
    yield "paid", Component(sent if is_paid else 0, currency, accounts.BANK, transit, arrived)
    for row in facts.rows.values():
        if row.fee:
            fee = Component(row.fee, row.currency, accounts.PROCESSING_FEES, held, row.created)
            yield f"fee/{row.id}", fee


def currency_of(facts: PayoutFacts) -> str | None:
    """The currency that it is paid out in, from the payout or else from its rows."""
    return facts.currency or next((row.currency for row in facts.rows.values()), None)


def _of(facts: PayoutFacts, category: str) -> list[BalanceFact]:
    return [row for row in facts.rows.values() if row.category == category]


def _rows(one: dict[str, BalanceFact], other: dict[str, BalanceFact]) -> dict[str, BalanceFact]:
    merged = dict(one)
    for name, row in other.items():
        merged[name] = max(merged.get(name, row), row, key=repr)
    return merged


def _said(one: str | None, other: str | None) -> str | None:
    return max(filter(None, (one, other)), default=None)


assert not (CATEGORIES | TOPUP_CATEGORIES) & KNOWN_CATEGORIES, "of payments or not, never both"
