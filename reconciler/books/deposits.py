"""A deposit's statuses, read off its amounts. It is a liability until it is applied."""

from enum import StrEnum

# Why one has ended that was made to hold money, which was taken off it: nobody was asked for it.
HELD_NO_MORE = "It was made to hold money that was taken off it again"


class PaymentStatus(StrEnum):
    """Whether all of the money that was asked for has come."""

    PENDING = "pending"
    CLEARED = "cleared"


class DepositPolicy(StrEnum):
    """What becomes of a deposit once its milestone's invoice is owed: a customer's word."""

    AUTOMATIC = "automatic"  # it is used on that invoice, also if it is paid later
    BY_HAND = "by_hand"


class AppliedStatus(StrEnum):
    """How much of it has been used on invoices."""

    UNAPPLIED = "unapplied"
    PARTIALLY_APPLIED = "partially_applied"
    COMPLETED = "completed"


def remaining(*, received: int, applied: int, refunded: int) -> int:
    """What is left to apply or refund, in minor units."""
    rest = received - applied - refunded
    assert rest >= 0, f"applied {applied} and refunded {refunded} of {received}"
    return rest


def payment_status(*, amount: int, received: int) -> PaymentStatus:
    """Cleared once all that was asked for has been received."""
    return PaymentStatus.CLEARED if received >= amount else PaymentStatus.PENDING


def applied_status(*, received: int, applied: int, refunded: int) -> AppliedStatus:
    """Completed once nothing is left of what came in."""
    if received and remaining(received=received, applied=applied, refunded=refunded) == 0:
        return AppliedStatus.COMPLETED
    return AppliedStatus.PARTIALLY_APPLIED if applied else AppliedStatus.UNAPPLIED
