"""Balance movements of a kind that nobody has classified: booked to suspense, and asked about."""

from reconciler.books.posting_rules import KNOWN_CATEGORIES
from reconciler.books.reviews import ReviewKind
from reconciler.services.reviews import Question
from reconciler.store.claims import PaymentRow


def movement_questions(row: PaymentRow) -> list[Question]:
    """One question for each movement of the payment that stands in suspense."""
    return [
        Question(
            kind=ReviewKind.UNCLASSIFIED_MOVEMENT,
            subject=movement.id,
            payment_id=row.id,
            amount=movement.amount,
            currency=movement.currency,
            details={"category": movement.category},
        )
        for movement in row.facts.balance.values()
        if movement.category not in KNOWN_CATEGORIES
    ]
