"""When money that a rail could not give back may go another way: only once the rail never can.

A customer is paid twice when a transfer is made for a refund that the rail carries out after all.
So a leg is closed on its rail first: the rail shows that it failed, or it was looked for and is
not there, its key is forgotten, the rail's totals agree, and it is replaced, so that it can never
be sent again.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from reconciler.books.observations import RefundStage
from reconciler.books.refund_sending import KEY_IS_FORGOTTEN, Look
from reconciler.books.refunds import RefundStatus


class Route(StrEnum):
    """How a leg gives its money back."""

    RAIL = "rail"  # by the payment's own rail; a payment received by hand is its own rail
    HAND = "hand"  # by people, though a rail brought it
    KEPT = "kept"  # not at all: the customer agreed that it stays here, as credit or deposit


# What a refund can be asked to go by; what of it was received by hand goes by hand anyway.
ASKED_BY = (Route.RAIL.value, Route.HAND.value)


class Method(StrEnum):
    """What people pay back with, where the rail cannot."""

    BANK_TRANSFER = "bank_transfer"
    CASH = "cash"
    CHECK = "check"
    OTHER = "other"


# What a rail brought is at the bank by its payouts: so these take it from there.
FROM_BANK = frozenset({Method.BANK_TRANSFER.value, Method.CHECK.value})


class Keep(StrEnum):
    """What money becomes that stays here by agreement."""

    CREDIT = "credit"  # of the customer, free for any invoice
    DEPOSIT = "deposit"


_MAY_BE_CLOSED = frozenset({RefundStatus.FAILED, RefundStatus.MANUAL, RefundStatus.CANCELED})
_SHOWN_AS_OVER = frozenset({RefundStage.FAILED, RefundStage.CANCELED})


def has_stopped(status: str, route: str, rail_refund_id: str | None) -> bool:
    """Whether a leg was let go, did not arrive, and has no other way open yet.

    What was called off before its rail had it is not meant to arrive: nobody waits for it.
    """
    if route != Route.RAIL:
        return False
    if status == RefundStatus.CANCELED:
        return rail_refund_id is not None
    return status in {RefundStatus.FAILED, RefundStatus.MANUAL}


@dataclass(frozen=True, slots=True)
class Standing:
    """A leg as it stands on its rail.

    `shown` is how far the rail shows it, None where it never did. `quiet` is how long ago it was
    last sent, None for never; `was_refused` that the rail answered its last key with a no.
    """

    status: RefundStatus
    shown: RefundStage | None
    look: Look
    quiet: timedelta | None = None
    was_refused: bool = False
    totals_agree: bool = True


def why_open(at: Standing) -> str | None:
    """Why the rail may still pay this leg, in words; None once it never can."""
    if at.status not in _MAY_BE_CLOSED:
        return f"it is {at.status.value}: another way is only for what failed or was given up"
    if at.shown in _SHOWN_AS_OVER:
        return None  # the rail's own last word
    if at.shown is not None or at.look is Look.FOUND:
        return "the rail shows it after all"
    if at.status is RefundStatus.CANCELED:
        return "it was called off before it was sent"
    return _why_not_absent(at)


def _why_not_absent(at: Standing) -> str | None:
    if at.look is Look.UNANSWERED:
        return "the rail cannot be asked at the moment whether it went; try again in a while"
    if not at.totals_agree:
        return "the rail's totals do not add up, so it may have gone; try again in a while"
    if at.quiet is None or at.was_refused or at.quiet >= KEY_IS_FORGOTTEN:
        return None
    hours = (KEY_IS_FORGOTTEN - at.quiet) // timedelta(hours=1) + 1
    return f"it was sent and may still be carried out; that is certain only in {hours} hours"
