"""What people wrote to a refund at Stripe, for whoever has to find out why it was made.

Read from the messages as they came, and kept nowhere else: no amount and no decision rests on it.
"""

from collections.abc import Iterable, Mapping

from reconciler.rails.protocol import Remark
from reconciler.rails.stripe.envelope import read_json
from reconciler.rails.stripe.fields import Obj, mapping, rows, text, word
from reconciler.rails.stripe.parts import REFERENCE_KEY

_REASONS: Mapping[str, str] = {
    "duplicate": "A duplicate payment",
    "fraudulent": "A fraudulent payment",
    "requested_by_customer": "The customer asked for it",
}
_METADATA_MAX = 20


def of_refund(body: bytes, refund_id: str) -> Remark | None:
    """What one event's body says of this refund; None where it does not show it."""
    event = read_json(body)
    shown = mapping(mapping(event, "data"), "object")
    refund = next((one for one in _refunds(shown) if one.get("id") == refund_id), None)
    if refund is None:
        return None
    reason = word(refund, "reason")
    said = mapping(refund, "metadata")
    asked_by = event.get("request")  # in the oldest shape only an id
    request = text(asked_by, "id") if isinstance(asked_by, dict) else text(event, "request")
    return Remark(
        reason=_REASONS.get(reason, reason.replace("_", " ").capitalize()) if reason else "",
        description=text(refund, "description"),
        metadata={
            name: text(said, name)
            for name in sorted(said)[:_METADATA_MAX]
            if name != REFERENCE_KEY and text(said, name)
        },
        request=request,
    )


def _refunds(shown: Obj) -> Iterable[Obj]:
    """The refund that a message is about, or those of the charge that it is about."""
    return rows(shown, "refunds") if word(shown, "object") == "charge" else [shown]
