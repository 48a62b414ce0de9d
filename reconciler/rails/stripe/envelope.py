"""An event's envelope: just enough of the body to store it and to say which payment it is about.

The quick way decodes only the named fields. Whatever it cannot read goes the careful way, which
either finds nothing wrong after all (half a surrogate pair in some description) or says which part
is malformed.
"""

import json
from typing import Any, NoReturn

import msgspec

from reconciler.books.observations import RailEvent
from reconciler.errors import Invalid
from reconciler.rails.stripe.fields import SECONDS_MAX, identifier

RAIL = "stripe"
# How our own account is called here. Stripe leaves an account's id out of its own events, so it
# may be unknown when the first one comes, and a name that changed later would undo deduplication.
OWN_ACCOUNT = "own"


class _Object(msgspec.Struct):
    id: Any = None
    object: Any = None
    payment_intent: Any = msgspec.UNSET
    charge: Any = None
    payment: Any = None


class _Data(msgspec.Struct):
    object: _Object


class _Envelope(msgspec.Struct):
    data: _Data
    id: Any = None
    object: Any = None
    type: Any = None
    created: Any = None
    livemode: Any = None
    api_version: Any = None
    account: Any = None


_TELLING = {
    "charge",
    "checkout.session",
    "dispute",
    "invoice",
    "invoice_payment",
    "payment_intent",
    "refund",
}
_quick = msgspec.json.Decoder(_Envelope)


def read_envelope(body: bytes, own_account_id: str | None = None) -> RailEvent:
    """The event in `body`. Raises Invalid and nothing else, whatever the bytes are."""
    envelope = _decode(body)
    if envelope.object != "event":
        _refuse("object")  # a thin event, or no event at all
    if type(envelope.created) is not int or not 0 <= envelope.created <= SECONDS_MAX:
        _refuse("created")
    if type(envelope.livemode) is not bool:
        _refuse("livemode")
    version, account = envelope.api_version, envelope.account
    if account is None or account == own_account_id:
        account = OWN_ACCOUNT
    return RailEvent(
        rail=RAIL,
        account=identifier(account, "account"),
        id=identifier(envelope.id, "id"),
        kind=identifier(envelope.type, "type"),
        livemode=envelope.livemode,
        api_version=None if version is None else identifier(version, "api_version"),
        created=envelope.created,
        body=body,
        about=_about(envelope.data.object),
    )


def read_json(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises Invalid and nothing else.

    The standard reader is slower but takes lone surrogates, which are valid JSON and which a
    customer's half-cut emoji can become.
    """
    try:
        found = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        found = _read_carefully(body)
    if not isinstance(found, dict):
        raise Invalid("the body is not a JSON object", field="body")
    return found


def _decode(body: bytes) -> _Envelope:
    try:
        body.decode()  # fields that are skipped are not checked for valid UTF-8
        return _quick.decode(body)
    except (ValueError, RecursionError):
        whole = read_json(body)
    data = whole.get("data")
    if not isinstance(data, dict):
        _refuse("data")
    inner = data.get("object")
    if not isinstance(inner, dict):
        _refuse("data.object")
    return msgspec.convert(whole, _Envelope)


def _read_carefully(body: bytes) -> object:
    try:
        return json.loads(body.decode(), parse_constant=_not_json)
    except (ValueError, RecursionError):
        raise Invalid("the body is not JSON in UTF-8", field="body") from None


def _not_json(constant: str) -> NoReturn:
    raise ValueError(constant)  # NaN and Infinity, which Python would let pass


def _about(obj: _Object) -> str | None:
    """The payment: the intent, or the charge where there is none. None where it does not tell.

    An absent `payment_intent` (an old API version) tells nothing; a null one tells that there is
    none, so that the charge itself is the payment.
    """
    if not isinstance(obj.object, str) or obj.object not in _TELLING:
        return None
    intent, charge = obj.payment_intent, obj.charge
    if obj.object == "payment_intent":
        intent = obj.id
    elif obj.object == "charge":
        intent, charge = intent or None, obj.id
    elif obj.object == "invoice_payment" and isinstance(obj.payment, dict):
        intent = obj.payment.get("payment_intent") or msgspec.UNSET
    found = _id_of(intent) or (_id_of(charge) if intent is None else None)
    return identifier(found, "data.object") if found else None


def _id_of(value: object) -> object:
    if value is msgspec.UNSET:
        return None
    return value.get("id") if isinstance(value, dict) else value


def _refuse(part: str) -> NoReturn:
    raise Invalid(f"the body is not an event: `{part}` is missing or wrong", field=part)
