"""Stripe's Checkout Sessions: a page of theirs on which somebody pays for a document of ours.

What a session is for is said three times, because Stripe copies a session's metadata neither to
the intent nor to the charge: on the session, on the intent, and as its reference.
"""

from typing import TYPE_CHECKING

from reconciler.books.pay_links import CheckoutOrder
from reconciler.errors import OutcomeUnknown
from reconciler.rails.protocol import Checkout
from reconciler.rails.stripe.evidence import MetadataKeys
from reconciler.rails.stripe.fields import text
from reconciler.timestamps import to_epoch

if TYPE_CHECKING:
    from reconciler.rails.stripe.client import StripeApi

REFERENCE_KEY = "reconciler_pay_link_id"


def create(api: "StripeApi", order: CheckoutOrder, base_url: str, keys: MetadataKeys) -> Checkout:
    """Make the session, once for each key. Its own pages lead back to ours, without a token."""
    metadata = {_key(order.noun, keys): order.number, REFERENCE_KEY: order.link_id}
    title = f"{order.noun.capitalize()} {order.number}"
    price = {
        "currency": order.currency.lower(),
        "unit_amount": order.amount,
        "product_data": {"name": title},
    }
    params: dict[str, object] = {
        "mode": "payment",
        "line_items": [{"quantity": 1, "price_data": price}],
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata, "description": title},
        "client_reference_id": order.link_id,
        "expires_at": to_epoch(order.expires_at),
        "success_url": f"{base_url}/portal/paid",
        "cancel_url": f"{base_url}/portal/not-paid",
    }
    if order.email:
        params["customer_email"] = order.email
    made = api.post("checkout.session", "checkout", "sessions", params=params, key=order.key)
    object_id, url = text(made, "id"), text(made, "url")
    if not object_id or not url:
        raise OutcomeUnknown("Stripe's checkout has no address")
    return Checkout(object_id=object_id, url=url)


def expire(api: "StripeApi", object_id: str, key: str) -> None:
    """End a session. Raises Refused where it is no longer open."""
    api.post(
        "checkout.session", "checkout", "sessions", object_id, "expire",
        params={}, key=f"{key}_end",
    )  # fmt: skip


def _key(noun: str, keys: MetadataKeys) -> str:
    """The metadata key that names this kind of document here, the first of those chosen."""
    return next(key for key, name in keys.items() if name == noun or name.startswith(f"{noun}"))
