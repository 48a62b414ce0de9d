"""What a stored event's body says: which of Stripe's objects it carries, read as facts. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from reconciler.errors import Invalid
from reconciler.rails.protocol import Sighting
from reconciler.rails.stripe import objects, parts
from reconciler.rails.stripe.envelope import read_json
from reconciler.rails.stripe.evidence import THE_USUAL, MetadataKeys
from reconciler.rails.stripe.fields import Obj, identifier, mapping, seconds, word

UNKNOWN_KIND = "unknown type"
LATER = "payouts and balances come later"

# The object that each family of events carries, the longest prefix first: the name of
# `charge.refund.updated` says charge, and a refund is inside; likewise for disputes.
_FAMILIES = (
    ("charge.dispute.", "dispute"),
    ("charge.refund.", "refund"),
    ("charge.", "charge"),
    ("refund.", "refund"),
    ("payment_intent.", "payment_intent"),
    ("checkout.session.", "checkout.session"),
    ("invoice.paid", "invoice"),
    ("invoice.payment_succeeded", "invoice"),
    ("invoice_payment.paid", "invoice_payment"),
)
_FAMILIES_LATER = (
    "balance.",
    "cash_balance.",
    "customer_cash_balance_transaction.",
    "payout.",
    "topup.",
    "transfer.",
)

_READERS: Mapping[str, Callable[[Obj, int, str, MetadataKeys], Sighting]] = {
    # Nothing on a charge itself says that its authorization expired; only the event does.
    "charge": lambda obj, at, kind, keys: objects.charge_facts(
        obj, at, is_expired=kind == "charge.expired", keys=keys
    ),
    "checkout.session": lambda obj, at, _, keys: objects.session_facts(obj, at, keys=keys),
    "dispute": lambda obj, at, _kind, _keys: parts.dispute_facts(obj, at),
    "invoice": lambda obj, _at, _kind, _keys: objects.invoice_facts(obj),
    "invoice_payment": lambda obj, _at, _kind, _keys: objects.invoice_payment_facts(obj),
    "payment_intent": lambda obj, at, kind, keys: objects.intent_facts(
        obj, at, is_failed=kind == "payment_intent.payment_failed", keys=keys
    ),
    "refund": lambda obj, at, _kind, _keys: parts.refund_facts(obj, at),
}


def sighting(body: bytes | Mapping[str, Any], keys: MetadataKeys = THE_USUAL) -> Sighting:
    """What one event says about one payment. Raises Invalid."""
    event = read_json(body) if isinstance(body, bytes) else body
    kind = identifier(event.get("type"), "type")
    if kind.startswith(_FAMILIES_LATER):
        return Sighting(kept_for=LATER)
    carried = next((noun for prefix, noun in _FAMILIES if kind.startswith(prefix)), None)
    if carried is None:
        return Sighting(kept_for=UNKNOWN_KIND)
    obj = mapping(mapping(event, "data"), "object")
    reader = _READERS.get(word(obj, "object") or carried)
    if reader is None:
        raise Invalid("the event carries an object that its type does not fit", field="object")
    seen = reader(obj, seconds(event, "created"), kind, keys)
    if seen.facts is None or event.get("livemode") is not True:
        return seen
    # Refunds and disputes do not tell their mode; the envelope always does.
    return msgspec.structs.replace(seen, facts=msgspec.structs.replace(seen.facts, livemode=True))
