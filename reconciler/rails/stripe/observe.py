"""What a stored event's body says: which of Stripe's objects it carries, read as facts. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from reconciler.books.observations import PaymentFacts
from reconciler.books.refunds import leg_of_key
from reconciler.errors import Invalid
from reconciler.rails.protocol import Sighting
from reconciler.rails.stripe import objects, parts, payouts
from reconciler.rails.stripe.envelope import read_json
from reconciler.rails.stripe.evidence import THE_USUAL, MetadataKeys
from reconciler.rails.stripe.fields import (
    Obj,
    expanded,
    identifier,
    mapping,
    seconds,
    text,
    word,
)

UNKNOWN_KIND = "unknown type"
LATER = "it tells of a balance, and books nothing by itself"

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
    ("payout.", "payout"),
)
# Sent once, when a refund is made: only here the envelope tells which request made it.
_REFUND_MADE = ("refund.created",)
_FAMILIES_LATER = (
    "balance.",
    "cash_balance.",
    "customer_cash_balance_transaction.",
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
    "payout": lambda obj, at, _kind, _keys: payouts.payout_facts(obj, at),
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
    if seen.facts is None:
        return seen
    facts = seen.facts
    if event.get("livemode") is True:
        # Refunds and disputes do not tell their mode; the envelope always does.
        facts = msgspec.structs.replace(facts, livemode=True)
    if kind in _REFUND_MADE:
        asked_by = expanded(event, "request") or {}  # in the oldest shape only an id
        facts = _with_key(facts, text(asked_by, "idempotency_key"))
    return msgspec.structs.replace(seen, facts=facts)


def _with_key(facts: PaymentFacts, key: str) -> PaymentFacts:
    """The refund with the key of the request that made it, if the request was one of ours.

    Metadata can be edited away; under which key a refund was made cannot.
    """
    if leg_of_key(key) is None:
        return facts
    refunds = {
        refund.id: msgspec.structs.replace(refund, key=key) for refund in facts.refunds.values()
    }
    return msgspec.structs.replace(facts, refunds=refunds)
