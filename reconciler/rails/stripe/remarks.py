"""What people wrote to a refund or a dispute at Stripe, for whoever has to find out about it.

Read from the messages as they came, and kept nowhere else: no amount and no decision rests on it.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from reconciler.rails.protocol import CaseTold, Remark
from reconciler.rails.stripe.envelope import read_json
from reconciler.rails.stripe.fields import Obj, amount, mapping, rows, text, word
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
        code=reason or "",
        description=text(refund, "description"),
        metadata={
            name: text(said, name)
            for name in sorted(said)[:_METADATA_MAX]
            if name != REFERENCE_KEY and text(said, name)
        },
        request=request,
    )


def of_dispute(body: bytes, dispute_id: str) -> CaseTold | None:
    """What one event's body says of this dispute; None where it does not show it."""
    shown = mapping(mapping(read_json(body), "data"), "object")
    if word(shown, "object") != "dispute" or shown.get("id") != dispute_id:
        return None
    said, details = mapping(shown, "evidence"), mapping(shown, "evidence_details")
    paid = mapping(shown, "payment_method_details")
    how = mapping(paid, word(paid, "type") or "card")
    return CaseTold(
        network=word(how, "network") or word(how, "brand") or "",
        network_code=word(how, "network_reason_code") or "",
        evidence=dict(islice(_fields(said, ""), _FIELDS_MAX)),
        submissions=amount(details, "submission_count"),
    )


_A_FILE = "a file"
_WORDS_MAX = 500
_FIELDS_MAX = 100
_DEEP_MAX = 5


def _fields(said: Obj, inside: str, deep: int = 0) -> Iterator[tuple[str, str]]:
    """What was written into each field; of one inside another the name is a path."""
    for name in sorted(said):
        value, path = said[name], f"{inside}{name}"
        if isinstance(value, dict) and deep < _DEEP_MAX:
            yield from _fields(value, f"{path}/", deep + 1)
        elif isinstance(value, list) and deep < _DEEP_MAX:
            numbered = {str(n): one for n, one in enumerate(value[:_FIELDS_MAX], start=1)}
            yield from _fields(numbered, f"{path}/", deep + 1)
        elif value is True:  # that something is not so is how each of them begins
            yield path, "yes"
        elif written := text(said, name):
            yield path, _A_FILE if written.startswith("file_") else written[:_WORDS_MAX]


def _refunds(shown: Obj) -> Iterable[Obj]:
    """The refund that a message is about, or those of the charge that it is about."""
    return rows(shown, "refunds") if word(shown, "object") == "charge" else [shown]
