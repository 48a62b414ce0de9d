"""What people are asked when a customer's bank takes money back."""

from reconciler.books import disputes
from reconciler.books.observations import DisputeFact
from reconciler.books.reviews import ReviewKind
from reconciler.services.reviews import Question
from reconciler.store.claims import PaymentRow

# Stripe's words for a dispute so far; any other is shown to a person as it came.
_KNOWN_WORDS = frozenset(
    {
        "warning_needs_response",
        "warning_under_review",
        "warning_closed",
        "needs_response",
        "under_review",
        "won",
        "lost",
        "prevented",
        "appeal_needs_response",
        "appeal_under_review",
    }
)


def dispute_questions(row: PaymentRow) -> list[Question]:
    """One question for each dispute of the payment that is more than a lapsed inquiry."""
    taken = {t.dispute_id: t for t in disputes.taken(row.facts)}
    return [
        _question(row, dispute, taken[dispute.id])
        for dispute in row.facts.disputes.values()
        if dispute.was_formal or not dispute.is_closed
    ]


def _question(row: PaymentRow, dispute: DisputeFact, taken: disputes.Taken) -> Question:
    word = dispute.shown[2]
    return Question(
        kind=ReviewKind.DISPUTE,
        subject=dispute.id,
        payment_id=row.id,
        amount=taken.presented or dispute.amount,
        currency=row.facts.currency,
        details={
            "status": word,
            "is_known_status": word in _KNOWN_WORDS,
            "reason": dispute.reason,
            "evidence_due": dispute.evidence_due,
            "is_lost": taken.is_lost and taken.presented > 0,
        },
    )
