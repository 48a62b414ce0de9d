"""What is uncertain and waits for a person: the kinds, and what can be done about each."""

from collections.abc import Mapping
from enum import StrEnum


class ReviewState(StrEnum):
    """Whether it waits still."""

    OPEN = "open"
    RESOLVED = "resolved"


class ReviewKind(StrEnum):
    """Why a person is asked."""

    UNMATCHED_PAYMENT = "unmatched_payment"
    AMBIGUOUS_MATCH = "ambiguous_match"
    OVERPAYMENT = "overpayment"
    CURRENCY_MISMATCH = "currency_mismatch"
    INVOICE_NOT_PAYABLE = "invoice_not_payable"
    REFUND_FAILED = "refund_failed"
    EXTERNAL_REFUND = "external_refund"
    DISPUTE = "dispute"
    DRIFT = "drift"
    MANUAL_REFUND = "manual_refund"
    REFUNDS_HELD = "refunds_held"
    REFUNDS_STOPPED = "refunds_stopped"
    EVENT_FAILED = "event_failed"
    EVENT_QUARANTINED = "event_quarantined"
    EVENT_CONFLICT = "event_conflict"
    UNCLASSIFIED_MOVEMENT = "unclassified_movement"
    UNKNOWN_STATUS = "unknown_status"
    PAYOUT_FAILED = "payout_failed"
    PAYOUT_DIFFERENCE = "payout_difference"


# A payment with unallocated money waits under exactly one of these.
MATCHING_KINDS = frozenset(
    {
        ReviewKind.UNMATCHED_PAYMENT,
        ReviewKind.AMBIGUOUS_MATCH,
        ReviewKind.OVERPAYMENT,
        ReviewKind.CURRENCY_MISMATCH,
        ReviewKind.INVOICE_NOT_PAYABLE,
    }
)

# What POST /review-items/{id}/resolve takes, by kind. `acknowledge` closes with a note.
ACTIONS: dict[ReviewKind, tuple[str, ...]] = {
    **dict.fromkeys(ReviewKind, ("acknowledge",)),
    **dict.fromkeys(MATCHING_KINDS, ("match", "refund", "acknowledge")),
    # What the client owes after a refund that was made outside; the first is what stands already.
    ReviewKind.EXTERNAL_REFUND: ("credit", "reopen", "split", "acknowledge"),
    ReviewKind.REFUND_FAILED: ("retry", "acknowledge"),
    ReviewKind.MANUAL_REFUND: ("paid_back", "retry", "acknowledge"),
    ReviewKind.EVENT_FAILED: ("replay", "acknowledge"),
    # `answered`: it was answered where the rail takes answers, and the bank is to decide.
    ReviewKind.DISPUTE: ("chase", "write_off", "credit", "answered", "acknowledge"),
}
ANSWERED = "answered"
_OF_A_LOSS = frozenset({"chase", "write_off", "credit"})


def actions(kind: ReviewKind, details: Mapping[str, object]) -> tuple[str, ...]:
    """What a question takes as it stands: an undecided loss is decided, others are acknowledged.

    What a bank waits for is answered as well.
    """
    if kind is not ReviewKind.DISPUTE:
        return ACTIONS[kind]
    waits = details.get("is_lost") is True and details.get("decision") == "undecided"
    return tuple(
        action
        for action in ACTIONS[kind]
        if (action in _OF_A_LOSS) is waits
        and (action != ANSWERED or details.get("stage") == "needs_response")
    )
