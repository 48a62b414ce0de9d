"""A rail compared with what is known here: how differences are called, which windows close gaps."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# The rail's listings may lag behind its own writes by a moment, which it promises nothing about.
LAG = timedelta(seconds=120)
# What was written late is in the next window too.
OVERLAP = timedelta(hours=2)
# For how long a rail lists its events, less a day in which it may forget one meanwhile.
EVENTS_LISTED = timedelta(days=29)
# The first window of an account that was never compared: webhooks are tried again for three days.
FIRST = timedelta(days=4)


class Difference(StrEnum):
    """What is the matter with one thing."""

    MISSING_HERE = "missing_here"  # the rail has it, we do not
    MISSING_THERE = "missing_there"  # we have it, the rail does not show it
    AMOUNT = "amount"
    CURRENCY = "currency"
    STATE = "state"
    NOT_APPLIED = "not_applied"  # heard, and not in the books
    NOT_BOOKED = "not_booked"  # known, and the ledger says otherwise
    PAYOUT = "payout"  # a payout whose parts do not come to its amount
    TWICE = "twice"  # one movement is in two payouts
    IN_TRANSIT = "in_transit"  # a payout should be at the bank by now
    NOT_AT_BANK = "not_at_bank"  # the rail says that it is, the bank's statement shows nothing
    BALANCE = "balance"  # the rail's own balance is not what the ledger holds


# Said wherever people read of one.
IN_WORDS = {
    Difference.MISSING_HERE: "the rail has it, and it was missing here",
    Difference.MISSING_THERE: "it is known here, and the rail does not show it",
    Difference.AMOUNT: "the amounts differ",
    Difference.CURRENCY: "the currencies differ",
    Difference.STATE: "it stands otherwise at the rail",
    Difference.NOT_APPLIED: "it was heard, and is not in the books",
    Difference.NOT_BOOKED: "the ledger says otherwise",
    Difference.PAYOUT: "its parts do not come to its amount",
    Difference.TWICE: "the rail lists it in two payouts",
    Difference.IN_TRANSIT: "it should be at the bank by now, and nobody says that it is",
    Difference.NOT_AT_BANK: "the rail says that it is at the bank, and the bank does not show it",
    Difference.BALANCE: "the rail's balance is not what its movements here come to",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One side of a comparison: an amount in minor units of `currency`, and a word."""

    amount: int
    currency: str
    state: str


@dataclass(frozen=True, slots=True)
class Window:
    """From `since` on, up to `until` and not including it."""

    since: datetime
    until: datetime


def difference(rail: Shown | None, ours: Shown | None) -> Difference | None:
    """What the difference between two sides is called; the weightiest one where there are several.

    None where they agree.
    """
    if rail == ours:
        return None
    if ours is None:
        return Difference.MISSING_HERE
    if rail is None:
        return Difference.MISSING_THERE
    if rail.currency != ours.currency:
        return Difference.CURRENCY
    return Difference.AMOUNT if rail.amount != ours.amount else Difference.STATE


def next_window(marks: Mapping[str, datetime], kinds: frozenset[str], now: datetime) -> Window:
    """The window that closes every gap: from where the least advanced kind is complete.

    However long nothing ran, it begins there. `marks` are by kind of object.
    """
    until = now - LAG
    if kinds - marks.keys():
        return Window(min([*marks.values(), now - FIRST]), until)
    return Window(min(marks[kind] for kind in kinds) - OVERLAP, until)


def advanced(mark: datetime | None, window: Window) -> datetime | None:
    """Up to when a kind is complete after `window` was compared whole.

    A window that begins after the mark leaves a gap and moves nothing; one that lies behind it
    moves nothing either.
    """
    if mark is None:
        return window.until
    return max(mark, window.until) if window.since <= mark else mark
