"""A stored event can be trusted to have its parts; a body that has not is Invalid."""

import json

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from reconciler.errors import Invalid
from reconciler.rails.stripe.envelope import OWN_ACCOUNT, read_envelope, read_json
from reconciler.rails.stripe.observe import sighting
from tests.rails.stripe_objects import (
    AT,
    a_charge,
    a_dispute,
    a_refund,
    a_row,
    a_session,
    an_event,
    an_intent,
    body_of,
    stored,
)

EVENT = an_event("charge.captured", a_charge())


def test_an_event_keeps_its_bytes_and_says_what_it_is():
    body = body_of(EVENT)
    event = read_envelope(body)
    assert (event.rail, event.account, event.id) == ("stripe", OWN_ACCOUNT, "evt_1")
    assert (event.kind, event.created, event.livemode) == ("charge.captured", AT, False)
    assert event.api_version == "2026-10-28.endive"
    assert event.body is body


def test_an_account_is_kept_as_it_is_unless_it_is_known_to_be_ours():
    body = body_of(EVENT | {"account": "acct_1"})
    assert read_envelope(body).account == "acct_1"
    assert read_envelope(body, "acct_2").account == "acct_1"
    assert read_envelope(body, "acct_1").account == OWN_ACCOUNT


@pytest.mark.parametrize(
    ("obj", "about"),
    [
        (a_charge(), "pi_1"),
        (a_charge(payment_intent={"id": "pi_2", "object": "payment_intent"}), "pi_2"),
        (a_charge(payment_intent=None), "ch_1"),
        ({"id": "ch_1", "object": "charge"}, "ch_1"),
        (an_intent(), "pi_1"),
        (a_refund(), "pi_1"),
        (a_refund(payment_intent=None), "ch_1"),
        (a_refund(payment_intent=None, charge=None), None),
        ({"id": "re_1", "object": "refund", "charge": "ch_1"}, None),
        (a_dispute(), "pi_1"),
        (a_dispute(payment_intent=None, charge={"id": "ch_9"}), "ch_9"),
        (a_session(), "pi_1"),
        (a_session(payment_intent=None), None),
        ({"object": "invoice_payment", "payment": {"payment_intent": "pi_7"}}, "pi_7"),
        ({"object": "invoice_payment", "payment": {"charge": "ch_7"}}, None),
        ({"object": "invoice", "payment_intent": "pi_8"}, "pi_8"),
        ({"object": "payout", "id": "po_1", "payment_intent": 5}, None),
        ({"object": ["charge"], "payment_intent": "pi_1"}, None),
        ({"object": "balance"}, None),
    ],
)
def test_the_payment_it_is_about_is_told_where_the_payload_tells(obj, about):
    assert read_envelope(body_of(an_event("any.kind", obj))).about == about


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"object": "v2.core.event"}, "object"),
        ({"object": None}, "object"),
        ({"id": None}, "id"),
        ({"id": ""}, "id"),
        ({"id": 5}, "id"),
        ({"id": 10**25}, "id"),
        ({"id": "evt \n"}, "id"),
        ({"id": "evt_\0"}, "id"),
        ({"id": "e" * 300}, "id"),
        ({"type": ["charge.captured"]}, "type"),
        ({"created": "2026-01-01"}, "created"),
        ({"created": True}, "created"),
        ({"created": -1}, "created"),
        ({"created": 2**63}, "created"),
        ({"livemode": None}, "livemode"),
        ({"livemode": 0}, "livemode"),
        ({"api_version": 7}, "api_version"),
        ({"account": {}}, "account"),
        ({"data": None}, "data"),
        ({"data": []}, "data"),
        ({"data": {}}, "data.object"),
        ({"data": {"object": "ch_1"}}, "data.object"),
        ({"data": {"object": a_charge(payment_intent=["pi_1"])}}, "data.object"),
    ],
)
def test_what_is_no_event_is_invalid_and_says_which_part(changed, part):
    with pytest.raises(Invalid) as refusal:
        read_envelope(body_of(EVENT | changed))
    assert refusal.value.field == part
    assert part in str(refusal.value)


def within(text: bytes) -> bytes:
    """A whole event with `text` as one of its values."""
    return body_of(an_event("charge.captured", a_charge(description="@@"))).replace(b'"@@"', text)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"event"',
        b"7",
        b"{",
        b"\xef\xbb\xbf" + body_of(EVENT),
        body_of(EVENT) + b"x",
        body_of(EVENT).decode().encode("utf-16"),
        within(b'"\xff"'),
        within(b"NaN"),
        within(b"-Infinity"),
        within(b"'single'"),
        within(b'"\x01"'),
        within(b"[" * 200_000 + b"]" * 200_000),
        within(b'{"a":' * 200_000 + b"1" + b"}" * 200_000),
        b"[" * 1_000_000,
    ],
    ids=[
        *("empty", "null", "array", "text", "number", "half"),
        *("byte order mark", "something after it", "utf-16", "bad utf-8", "NaN", "-Infinity"),
        *("single quotes", "control character", "deep arrays", "deep objects", "unclosed"),
    ],
)
def test_what_is_no_json_object_in_utf_8_is_invalid(body):
    with pytest.raises(Invalid):
        read_envelope(body)


@pytest.mark.parametrize(
    "text", [b'"\\u0000"', b'"\\ud800 cut"', b"1e400", b"1" * 25, b'{"a": 1, "a": 2}']
)
def test_odd_but_valid_json_is_taken_and_can_be_read_later(text):
    body = within(text)
    assert read_envelope(body).about == "pi_1"
    seen = sighting(body)
    assert seen.facts is not None
    for _, told in seen.facts.texts.values():
        assert "\0" not in told
        assert told.encode()


def test_a_number_too_long_to_read_is_taken_in_and_invalid_when_read():
    body = within(b"1" * 5_000)
    assert read_envelope(body).id == "evt_1"
    with pytest.raises(Invalid):
        sighting(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
FIELDS = sorted(
    {*a_charge(), *an_intent(), *a_refund(), *a_dispute(), *a_session(), *a_row()}
    | {"refunds", "charges", "invoice", "payments", "payment", "customer", "billing_details"}
    | {"payment_method_details", "last_payment_error", "dispute", "data"}
)
KINDS = [
    "charge.captured",
    "charge.refund.updated",
    "charge.dispute.closed",
    "payment_intent.succeeded",
    "checkout.session.completed",
    "invoice.paid",
    "invoice_payment.paid",
    "payout.paid",
    "foo.bar",
]


def kept(read, body: bytes) -> bytes:
    """What reading gave, as it would be stored; nothing but Invalid may stand in the way."""
    try:
        return msgspec.json.encode(read(body))
    except Invalid:
        return b""


def can_be_stored(text: bytes) -> bool:
    return b"\\u0000" not in text


@given(st.binary(max_size=300))
def test_random_bytes_raise_nothing_but_invalid(body):
    assert kept(read_envelope, body) == kept(sighting, body) == b""


@settings(max_examples=300)
@given(
    st.sampled_from(KINDS),
    st.sampled_from([a_charge(), an_intent(), a_refund(), a_dispute(), a_session(), {}]),
    st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=4),
)
def test_random_objects_raise_nothing_but_invalid(kind, obj, changed):
    body = json.dumps(an_event(kind, obj | changed)).encode()
    assert can_be_stored(kept(read_envelope, body))
    assert can_be_stored(kept(sighting, body))


@given(st.integers(0, 5_000), st.integers(0, 255))
def test_a_byte_gone_wrong_raises_nothing_but_invalid(place, byte):
    name = "examples/charge.refunded.event_with_previous_attributes.sync-engine.json"
    body = bytearray(body_of(stored(name)))
    body[place % len(body)] = byte
    assert can_be_stored(kept(read_envelope, bytes(body)))
    assert can_be_stored(kept(sighting, bytes(body)))


def test_what_is_read_is_a_dict_or_nothing():
    assert read_json(b'{"a": 1}') == {"a": 1}
    with pytest.raises(Invalid):
        read_json(b"[1]")
