"""More was paid than is owed: what a customer wants done with it, and whether it was paid twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class OverpaymentPolicy(StrEnum):
    """What becomes of money beyond what is owed, by a customer's standing word."""

    HOLD = "hold"  # it waits as credit, and a person is asked
    NEXT_INVOICE = "next_invoice"  # it pays what they owe next, the oldest due first
    DEPOSIT = "deposit"
    REFUND = "refund"  # a refund is asked for; whether it goes is decided as for every refund


@dataclass(frozen=True, slots=True)
class Paid:
    """One payment of an invoice: `kept` minor units are left of it, paid `at` epoch seconds.

    `waiting`: so many of them pay nothing.
    """

    payment_id: str
    at: int
    kept: int
    channel: str
    waiting: int = 0

    @property
    def pays_nothing(self) -> bool:
        """Whether all that is left of it waits."""
        return self.waiting >= self.kept


@dataclass(frozen=True, slots=True)
class PaidTwice:
    """A payment that the invoice has no use for at all (`later`), and those that pay it."""

    later: Paid
    earlier: tuple[Paid, ...]

    @property
    def is_across_channels(self) -> bool:
        """Whether it came another way than all of the others."""
        return self.later.channel not in {one.channel for one in self.earlier}

    @property
    def is_same_amount(self) -> bool:
        """Whether one of the others is as large."""
        return self.later.kept in {one.kept for one in self.earlier}


def paid_twice(owed: int, payments: Sequence[Paid]) -> PaidTwice | None:
    """The payment too many, if an invoice of `owed` was paid in full without it; else None.

    One that pays nothing as it is: to give that back changes no invoice. Among several, and where
    all pay something, the one that was paid last, whenever it was heard of.
    """
    live = sorted(
        (one for one in payments if one.kept > 0),
        key=lambda p: (p.pays_nothing, p.at, p.payment_id),
    )
    if len(live) < 2 or owed <= 0 or sum(one.kept for one in live[:-1]) < owed:
        return None
    return PaidTwice(live[-1], tuple(live[:-1]))
