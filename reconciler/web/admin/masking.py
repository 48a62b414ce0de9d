"""Messages of rails with what is personal or secret covered, to be read by everybody."""

from collections.abc import Collection
from typing import Any

COVER = "•••"
# Members whose value tells who somebody is, or opens something; whatever is inside goes too.
_COVERED = frozenset(
    {
        "address", "billing_address", "client_secret", "customer_email", "customer_email_address",
        "customer_name", "customer_phone", "customer_purchase_ip", "email", "shipping_address",
        "fingerprint", "ip", "ip_address", "iin", "name", "phone", "receipt_email", "receipt_url",
        "hosted_invoice_url", "invoice_pdf", "url", "secret", "tax_id", "user_agent",
    }
)  # fmt: skip


def masked(said: Any, *, shown: Collection[str] = ()) -> Any:  # noqa: ANN401  any JSON
    """The same message with personal and secret values covered. What is empty stays empty.

    Members named in `shown` are not: there they say nothing of a person.
    """
    if isinstance(said, dict):
        return {
            name: COVER
            if name in _COVERED and name not in shown and value
            else masked(value, shown=shown)
            for name, value in said.items()
        }
    if isinstance(said, list):
        return [masked(one, shown=shown) for one in said]
    return said
