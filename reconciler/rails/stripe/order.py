"""Which of Stripe's events come before which, so that a gap among the delivered ones shows.

Stripe promises no order of delivery; but what an event tells has happened after what these others
tell (docs.stripe.com/api/events/types). The booking needs none of it: a payment is the join of
what was seen. This is for people who look at a list.
"""

from collections.abc import Collection, Mapping

# A type -> groups of types: of each group at least one has been sent before it.
_BEFORE: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "payment_intent.succeeded": (("charge.succeeded", "charge.captured"),),
    "charge.captured": (("charge.succeeded",),),
    "charge.expired": (("charge.succeeded",),),
    "charge.refunded": (("charge.succeeded", "charge.captured"),),
    "refund.updated": (("refund.created",),),
    "refund.failed": (("refund.created",),),
    "charge.refund.updated": (("refund.created", "charge.refunded"),),
    "charge.dispute.updated": (("charge.dispute.created",),),
    "charge.dispute.closed": (("charge.dispute.created",),),
    "charge.dispute.funds_withdrawn": (("charge.dispute.created",),),
    "charge.dispute.funds_reinstated": (
        ("charge.dispute.created",),
        ("charge.dispute.funds_withdrawn",),
    ),
    "checkout.session.async_payment_succeeded": (("checkout.session.completed",),),
    "checkout.session.async_payment_failed": (("checkout.session.completed",),),
    "payout.updated": (("payout.created",),),
    "payout.paid": (("payout.created",),),
    "payout.failed": (("payout.created",),),
    "payout.canceled": (("payout.created",),),
    "payout.reconciliation_completed": (("payout.created",),),
}


def missing_before(kind: str, arrived: Collection[str]) -> tuple[str, ...]:
    """What was sent before an event of this type and has not arrived; one name of each group."""
    return tuple(
        group[0] for group in _BEFORE.get(kind, ()) if not set(group).intersection(arrived)
    )
