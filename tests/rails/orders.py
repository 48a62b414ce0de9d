"""Refund orders, with what a test does not care about filled in."""

import msgspec

from reconciler.rails.protocol import RefundOrder
from reconciler.rails.stripe.envelope import OWN_ACCOUNT


def an_order(payment_id, amount=1_000, **changed):
    return msgspec.structs.replace(
        RefundOrder(
            refund_id="ref_1",
            leg_id="leg_1",
            rail="stripe",
            account=OWN_ACCOUNT,
            payment_id=payment_id,
            charge_id=None,
            amount=amount,
            currency="USD",
            reason="goodwill",
            key="leg_1/0",
            reference="leg_1",
            generation=0,
        ),
        **changed,
    )
