"""POST /webhooks/stripe: who gets which answer, and what is kept afterwards."""

import hashlib
import hmac
import io
import json
from dataclasses import replace

import pytest
from flask import Flask

from reconciler.ingest import Ingest
from reconciler.rails.stripe.rail import StripeRail
from reconciler.runtime import Runtime, make_engine
from reconciler.settings import Secret
from tests.runtime import KEY, WEBHOOK_SECRET, Office
from webhooks.app import create_webhook_app
from webhooks.receive import BODY_BYTES_MAX

KEPT = "select count(*) from inbox_event"


def an_event(**changes: object) -> dict[str, object]:
    return {
        "id": "evt_1",
        "object": "event",
        "type": "charge.succeeded",
        "api_version": "2026-10-28.endive",
        "created": 1_790_000_000,
        "livemode": False,
        "pending_webhooks": 1,
        "data": {"object": {"id": "ch_1", "object": "charge", "amount": 100, "currency": "usd"}},
        "request": {"id": None, "idempotency_key": None},
    } | changes


def signed(body: bytes, at: int, secret: str = WEBHOOK_SECRET, scheme: str = "v1") -> str:
    digest = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},{scheme}={digest}"


def as_sent(event: object) -> bytes:
    return json.dumps(event, indent=2).encode()


def now(office: Office) -> int:
    return int(office.clock().timestamp())


def test_a_new_event_is_kept_byte_for_byte_before_the_answer(office: Office) -> None:
    body = as_sent(an_event())
    answer = office.post(body)
    assert (answer.status_code, answer.json) == (200, {"received": True, "duplicate": False})
    row = office.rows("select body, type, rail, livemode, api_version, headers from inbox_event")[0]
    assert bytes(row.body) == body
    assert (row.type, row.rail, row.livemode) == ("charge.succeeded", "stripe", False)
    assert row.api_version == "2026-10-28.endive"
    assert "Stripe-Signature" in row.headers


def test_the_same_event_again_is_a_duplicate_and_kept_once(office: Office) -> None:
    body = as_sent(an_event())
    office.post(body)
    answer = office.post(body)
    assert (answer.status_code, answer.json) == (200, {"received": True, "duplicate": True})
    assert office.scalar(KEPT) == 1


@pytest.mark.parametrize(
    "header",
    [
        "",
        "garbage",
        "t=1,v1=",
        "t=abc,v1=00",
        "v1=00",
        "t=" + "9" * 5_000 + ",v1=00",
        "t=1,v1=" + "0" * 100_000,
        "t=1, v1=é",
    ],
)
def test_a_signature_that_proves_nothing_keeps_nothing(office: Office, header: str) -> None:
    answer = office.door.post(
        "/stripe", data=as_sent(an_event()), headers={"Stripe-Signature": header}
    )
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"
    assert answer.json["status"] == 400
    assert office.scalar(KEPT) == 0


def test_no_signature_at_all_is_refused(office: Office) -> None:
    assert office.door.post("/stripe", data=as_sent(an_event())).status_code == 400
    assert office.scalar(KEPT) == 0


@pytest.mark.parametrize("off", [-301, 301, 86_400 * 3_650])
def test_a_signature_beyond_the_tolerance_is_refused_in_both_directions(
    office: Office, off: int
) -> None:
    body = as_sent(an_event())
    answer = office.post(body, header=signed(body, now(office) + off))
    assert answer.status_code == 400
    assert office.scalar(KEPT) == 0


@pytest.mark.parametrize("off", [-299, 0, 299])
def test_a_signature_within_the_tolerance_is_taken(office: Office, off: int) -> None:
    body = as_sent(an_event())
    assert office.post(body, header=signed(body, now(office) + off)).status_code == 200


def test_the_test_scheme_v0_proves_nothing(office: Office) -> None:
    body = as_sent(an_event())
    assert office.post(body, header=signed(body, now(office), scheme="v0")).status_code == 400


def test_a_body_changed_by_one_byte_is_refused(office: Office) -> None:
    body = as_sent(an_event())
    header = signed(body, now(office))
    assert office.post(body.replace(b"100", b"900"), header=header).status_code == 400
    assert office.scalar(KEPT) == 0


def test_while_a_secret_is_rotated_both_are_good(office: Office) -> None:
    secrets = (Secret("whsec_old"), Secret("whsec_new"))
    door = _with_settings(office, stripe_webhook_secrets=secrets)
    for number, secret in enumerate(("whsec_old", "whsec_new", "whsec_other")):
        body = as_sent(an_event(id=f"evt_{number}"))
        header = signed(body, now(office), secret)
        wanted = 400 if secret == "whsec_other" else 200
        answer = door.post("/stripe", data=body, headers={"Stripe-Signature": header})
        assert answer.status_code == wanted, secret


def test_two_signatures_in_one_header_are_both_tried(office: Office) -> None:
    body = as_sent(an_event())
    wrong = "0" * 64
    header = signed(body, now(office)).replace("v1=", f"v1={wrong},v1=")
    assert office.post(body, header=header).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{}",
        b"{}",
        b'{"object": "event"}',
        b'{"id": "x", "object": "v2.core.event", "type": "t"}',
        b'{"id": "evt_1", "object": "charge", "type": "t", "data": {"object": {}}}',
        b'{"id": 7, "object": "event", "type": "t", "data": {"object": {}}}',
        b"[" * 200_000,
    ],
)
def test_what_is_signed_and_still_no_event_is_refused(office: Office, body: bytes) -> None:
    answer = office.post(body)
    assert answer.status_code == 400
    assert office.scalar(KEPT) == 0


def test_a_body_over_one_mebibyte_is_refused_before_it_is_read(office: Office) -> None:
    answer = office.post(b" " * (BODY_BYTES_MAX + 1))
    assert (answer.status_code, answer.content_type) == (413, "application/problem+json")
    assert office.scalar(KEPT) == 0


def test_an_event_of_a_type_nobody_handles_is_kept_and_ignored(office: Office) -> None:
    assert office.post(as_sent(an_event(type="foo.bar"))).status_code == 200
    office.apply()
    assert office.scalar("select status from inbox_outcome") == "ignored"
    assert office.scalar("select count(*) from payment") == 0


@pytest.mark.parametrize(
    "changes", [{"livemode": True}, {"account": "acct_somebody_else"}], ids=["mode", "account"]
)
def test_what_is_not_ours_is_quarantined_and_asked_about(
    office: Office, changes: dict[str, object]
) -> None:
    answer = office.post(as_sent(an_event(**changes)))
    assert (answer.status_code, answer.json) == (200, {"received": True, "duplicate": False})
    office.drain()
    assert office.scalar("select status from inbox_outcome") == "quarantined"
    assert office.scalar("select count(*) from payment") == 0
    assert office.scalar("select kind from review_item where state = 'open'") == "event_quarantined"


def test_the_same_id_with_another_body_never_overwrites(office: Office) -> None:
    first = as_sent(an_event())
    office.post(first)
    other = an_event(created=1_790_000_001)
    answer = office.post(as_sent(other))
    assert (answer.status_code, answer.json) == (200, {"received": True, "duplicate": True})
    assert bytes(office.rows("select body from inbox_event")[0].body) == first
    assert office.scalar("select kind from review_item where state = 'open'") == "event_conflict"


def test_what_the_rail_renders_anew_is_not_another_body(office: Office) -> None:
    office.post(as_sent(an_event(pending_webhooks=1)))
    office.post(as_sent(an_event(pending_webhooks=2)))
    assert office.scalar(KEPT) == 1
    assert office.scalar("select count(*) from review_item") == 0


@pytest.mark.parametrize(
    ("body", "header", "status"),
    [
        (as_sent(an_event()), None, 200),
        (as_sent(an_event()) + b" " * 1_000_000, None, 200),
        (b"{}", None, 400),
        (as_sent(an_event()), "t=1,v1=00", 400),
        (b" " * (BODY_BYTES_MAX + 1), None, 413),
    ],
    ids=["event", "long", "no event", "not signed", "too long"],
)
def test_the_short_cut_answers_as_flask_does(
    office: Office, body: bytes, header: str | None, status: int
) -> None:
    headers = {"Stripe-Signature": header or signed(body, now(office))}
    short = office.door.post("/stripe", data=body, headers=headers)
    kept = office.scalar(KEPT)
    long = office.door.post("/stripe/", data=body, headers=headers)  # a path that only Flask knows
    assert (short.status_code, kept) == (status, int(status == 200))
    assert (long.status_code, dict(long.headers).keys()) == (status, dict(short.headers).keys())
    assert long.content_type == short.content_type
    assert long.get_json() == {**short.get_json(), **({"duplicate": True} if kept else {})}


def test_the_short_cut_is_taken(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Flask, "full_dispatch_request", None)
    assert office.post(as_sent(an_event())).status_code == 200


def test_a_body_that_does_not_say_its_length_is_taken(office: Office) -> None:
    body = as_sent(an_event())
    answer = office.door.post(
        "/stripe",
        input_stream=io.BytesIO(body),
        headers={"Stripe-Signature": signed(body, now(office))},
        environ_overrides={"CONTENT_LENGTH": "", "wsgi.input_terminated": True},
    )
    assert (answer.status_code, office.scalar(KEPT)) == (200, 1)


def test_a_body_that_does_not_say_its_length_and_is_too_long_is_refused(office: Office) -> None:
    body = as_sent(an_event()) + b" " * BODY_BYTES_MAX
    answer = office.door.post(
        "/stripe",
        input_stream=io.BytesIO(body),
        headers={"Stripe-Signature": signed(body, now(office))},
        environ_overrides={"CONTENT_LENGTH": "", "wsgi.input_terminated": True},
    )
    assert (answer.status_code, answer.content_type) == (413, "application/problem+json")
    assert office.scalar(KEPT) == 0


@pytest.mark.parametrize("length", ["-5", "abc", "9" * 30, "1e3", "²"])
def test_a_length_that_is_none_is_no_error_of_ours(office: Office, length: str) -> None:
    body = as_sent(an_event())
    answer = office.door.post(
        "/stripe",
        input_stream=io.BytesIO(body),
        headers={"Stripe-Signature": signed(body, now(office))},
        environ_overrides={"CONTENT_LENGTH": length},
    )
    assert answer.status_code in (400, 413)
    assert office.scalar(KEPT) == 0


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_other_methods_are_refused(office: Office, method: str) -> None:
    assert getattr(office.door, method)("/stripe").status_code == 405


def test_text_that_no_column_holds_is_refused_and_not_an_error(office: Office) -> None:
    body = as_sent(an_event(id="evt_\x00"))
    assert office.post(body).status_code == 400
    assert office.scalar(KEPT) == 0


def test_without_a_database_the_rail_is_told_to_come_again(office: Office) -> None:
    nowhere = "postgresql+psycopg://nobody@/nothing?host=%2Fnonexistent"
    runtime = replace(office.runtime, ingest=Ingest(nowhere), engine=make_engine(nowhere))
    body = as_sent(an_event())
    answer = (
        create_webhook_app(runtime)
        .test_client()
        .post("/stripe", data=body, headers={"Stripe-Signature": signed(body, now(office))})
    )
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert office.post(body).status_code == 200, "the second delivery is kept"


def test_an_answer_never_repeats_what_was_sent(office: Office) -> None:
    answer = office.post(b'{"secret": "4242424242424242"}')
    assert b"4242" not in answer.data
    assert KEY.encode() not in answer.data


def _with_settings(office: Office, **changes: object):
    settings = replace(office.runtime.settings, **changes)
    rail = StripeRail(settings, office.clock)
    rails = {**office.runtime.rails, "stripe": rail}
    runtime: Runtime = replace(office.runtime, settings=settings, rails=rails)
    return create_webhook_app(runtime).test_client()
