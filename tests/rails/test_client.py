"""The wire to Stripe: what each accident means, and that a write is never sent twice."""

import logging
import os
import socket
import subprocess
import sys

import pytest
import requests
import stripe

from reconciler.errors import NotFound, OutcomeUnknown, Refused, Unavailable
from reconciler.rails.protocol import KeyRefused
from reconciler.rails.stripe import client
from reconciler.rails.stripe.client import ATTEMPTS_MAX, StripeApi
from reconciler.rails.stripe.refusals import RailRefused

SECRET = "sk_test_not_to_be_told"


def a_refund_of(sandbox, amount=1_000, key="key-1", charge=None):
    charge = charge or sandbox.world.pay(10_000).charge
    params = {"charge": charge, "amount": amount}
    return lambda: sandbox.api().post("refund", "refunds", params=params, key=key)


def refunds_made(sandbox) -> int:
    return len(sandbox.world.table("refund"))


def test_a_write_is_sent_with_our_key_and_its_answer_is_a_plain_dict(sandbox):
    answer = a_refund_of(sandbox)()
    assert isinstance(answer, dict)
    assert (answer["object"], answer["amount"]) == ("refund", 1_000)


def test_a_write_without_a_key_of_its_own_does_not_leave(sandbox):
    with pytest.raises(AssertionError):
        a_refund_of(sandbox, key="")()
    assert sandbox.wire.calls == []


def test_the_same_key_again_gives_the_same_refund(sandbox):
    send = a_refund_of(sandbox)
    assert send()["id"] == send()["id"]
    assert refunds_made(sandbox) == 1


@pytest.mark.parametrize(
    ("fault", "error", "happened"),
    [
        ({"kind": "drop_before"}, OutcomeUnknown, False),
        ({"kind": "drop_after"}, OutcomeUnknown, True),
        ({"kind": "half_body"}, OutcomeUnknown, True),
        ({"kind": "saved_500", "effect": True}, OutcomeUnknown, True),
        ({"kind": "saved_500"}, OutcomeUnknown, False),
        ({"kind": "answer", "status": 500}, OutcomeUnknown, False),
        ({"kind": "answer", "status": 503}, OutcomeUnknown, False),
        ({"kind": "answer", "status": 409}, Unavailable, False),
        ({"kind": "answer", "status": 429}, Unavailable, False),
        ({"kind": "answer", "status": 429, "should_retry": "true"}, Unavailable, False),
        ({"kind": "answer", "status": 500, "should_retry": "true"}, OutcomeUnknown, False),
        ({"kind": "answer", "status": 403}, KeyRefused, False),
        ({"kind": "redirect"}, OutcomeUnknown, False),
    ],
    ids=str,
)
def test_what_an_accident_of_a_write_means(sandbox, fault, error, happened):
    send = a_refund_of(sandbox)
    sandbox.faults.add(**fault, method="POST")
    with pytest.raises(error) as accident:
        send()
    assert isinstance(accident.value, Unavailable) is issubclass(error, Unavailable)
    assert refunds_made(sandbox) == happened
    assert sandbox.wire.calls == ["POST /v1/refunds"]


def test_a_write_whose_answer_takes_too_long_is_unknown(sandbox):
    params = {"charge": sandbox.world.pay(10_000).charge, "amount": 500}
    sandbox.faults.add("delay", method="POST", seconds=0.5)
    with pytest.raises(OutcomeUnknown):
        sandbox.api(timeout=(1, 0.1)).post("refund", "refunds", params=params, key="key-1")


def test_a_write_that_found_no_connection_did_nothing():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        api = StripeApi(SECRET, f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(Unavailable):
            api.post("refund", "refunds", params={}, key="key-1")


def test_by_default_it_is_stripe_itself_through_the_proxy_of_the_house(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(Unavailable) as failure:
            StripeApi(SECRET).post("refund", "refunds", params={}, key="key-1")
    assert "no connection" in str(failure.value)


def test_an_answer_of_another_kind_is_unknown(sandbox):
    charge = sandbox.world.pay(10_000).charge
    with pytest.raises(OutcomeUnknown):
        sandbox.api().post("charge", "refunds", params={"charge": charge, "amount": 1}, key="key-1")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"amount": 10_001}, None),
        ({"amount": "ten"}, "parameter_invalid_integer"),
        ({"charge": "ch_none"}, "resource_missing"),
        ({"nonsense": "1"}, "parameter_unknown"),
    ],
    ids=str,
)
def test_stripes_no_is_a_refusal_with_its_code(sandbox, changed, code):
    params = {"charge": sandbox.world.pay(10_000).charge, "amount": 1} | changed
    with pytest.raises(RailRefused) as refusal:
        sandbox.api().post("refund", "refunds", params=params, key="key-1")
    assert isinstance(refusal.value, Refused)
    assert refusal.value.code == (code or refusal.value.code)
    assert refusal.value.code in str(refusal.value)


def test_a_whole_refund_twice_and_one_of_a_disputed_charge_are_refusals(sandbox):
    whole, disputed = sandbox.world.pay(10_000).charge, sandbox.world.pay(10_000).charge
    a_refund_of(sandbox, 10_000, charge=whole)()
    sandbox.world.dispute(disputed)
    codes = []
    for charge, key in ((whole, "key-2"), (disputed, "key-3")):
        with pytest.raises(RailRefused) as refusal:
            a_refund_of(sandbox, 10_000, key, charge)()
        codes.append(refusal.value.code)
    assert codes == ["charge_already_refunded", "charge_disputed"]


def test_the_same_key_with_other_words_is_a_refusal_of_its_own(sandbox):
    charge = sandbox.world.pay(10_000).charge
    a_refund_of(sandbox, 1_000, charge=charge)()
    with pytest.raises(RailRefused) as refusal:
        a_refund_of(sandbox, 2_000, charge=charge)()
    assert refusal.value.code == "idempotency_error"


def test_a_key_that_stripe_does_not_take_is_told_in_clear_words(sandbox):
    for ask in (
        lambda api: api.get("account", "account"),
        lambda api: api.post("refund", "refunds", params={}, key="key-1"),
    ):
        with pytest.raises(KeyRefused) as refusal:
            ask(sandbox.api("sk_test_wrong"))
        assert "STRIPE_SECRET_KEY" in str(refusal.value)
        assert "sk_test_wrong" not in str(refusal.value)


class JobTimeout(Exception):
    """As a job's own alarm raises it, in the middle of anything."""


def test_our_own_jobs_time_out_leaves_a_write_unknown_and_ends_a_read(sandbox, monkeypatch):
    def alarm(*_args, **_more):
        raise JobTimeout

    api = sandbox.api()
    monkeypatch.setattr(requests.Session, "request", alarm)
    with pytest.raises(OutcomeUnknown):
        api.post("refund", "refunds", params={"amount": 1}, key="key-1")
    with pytest.raises(Unavailable):
        api.get("account", "account")
    assert sandbox.pauses == []  # nobody tries again once time is up


@pytest.mark.parametrize(
    "status", ["200 OK", "400 Bad Request", "404 Not Found", "502 Bad Gateway"]
)
@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"7", b"null", b'{"error": 7}', b'{"error": []}', b"\xff", b"{}"],
)
def test_what_something_in_between_answers_is_no_word_of_stripes(sandbox, status, body):
    def between(environ, start_response):
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response(status, [("Content-Length", str(len(body)))])
        return [body]

    sandbox.wire.app = between
    with pytest.raises(OutcomeUnknown):
        sandbox.api().post("refund", "refunds", params={"amount": 1}, key="key-1")
    with pytest.raises((Unavailable, NotFound)):
        sandbox.api().get("account", "account")


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "answer", "status": 429},
        {"kind": "answer", "status": 500},
        {"kind": "answer", "status": 503},
        {"kind": "answer", "status": 409},
        {"kind": "drop_before"},
    ],
    ids=str,
)
def test_a_read_is_asked_again_a_few_times(sandbox, fault):
    sandbox.faults.add(**fault, count=ATTEMPTS_MAX - 1)
    assert sandbox.api().get("account", "account")["id"] == "acct_sandbox"
    usual = [client.PAUSE_SECONDS * factor for factor in (1, 2, 4)]
    assert len(sandbox.pauses) == len(usual)
    for pause, middle in zip(sandbox.pauses, usual, strict=True):
        assert middle / 2 <= pause <= middle * 1.5


def test_a_read_that_never_comes_through_is_unavailable(sandbox):
    sandbox.faults.add("answer", status=500, count=None)
    with pytest.raises(Unavailable) as failure:
        sandbox.api().get("account", "account")
    assert len(sandbox.wire.calls) == ATTEMPTS_MAX
    assert "500" in str(failure.value)


@pytest.mark.parametrize("kind", ["redirect", "half_body"])
def test_a_read_that_leads_elsewhere_is_unavailable(sandbox, kind):
    sandbox.faults.add(kind, count=None)
    with pytest.raises(Unavailable):
        sandbox.api().get("account", "account")


def test_what_is_not_there_is_not_found_and_not_asked_for_again(sandbox):
    for path in (("charges", "ch_none"), ("nowhere", "x")):
        with pytest.raises(NotFound):
            sandbox.api().get("charge", *path)
    assert len(sandbox.wire.calls) == 2


def test_a_read_of_the_wrong_kind_is_unavailable(sandbox):
    with pytest.raises(Unavailable):
        sandbox.api().get("charge", "account")


@pytest.mark.parametrize("object_id", ["..", "a/b", "", "a?b", "ch_1#", "%2e", "é", "x" * 9 + "\n"])
def test_an_id_cannot_lead_anywhere_else(sandbox, object_id):
    with pytest.raises(NotFound):
        sandbox.api().get("charge", "charges", object_id)
    assert sandbox.wire.calls == []


def test_all_pages_of_a_listing_are_walked_newest_first(sandbox):
    made = [sandbox.world.pay(1_000 + number).charge for number in range(230)]
    walked = [row["id"] for row in sandbox.api().walk("charges")]
    assert walked == list(reversed(made))
    assert sandbox.wire.calls == ["GET /v1/charges"] * 3


@pytest.mark.parametrize("body", [b'{"object": "list"}', b'{"object": "list", "data": [7]}'])
def test_a_list_without_rows_is_unavailable(sandbox, body):
    def between(_environ, start_response):
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    sandbox.wire.app = between
    with pytest.raises(Unavailable):
        list(sandbox.api().walk("charges"))


def test_a_listing_that_does_not_get_on_is_unavailable_and_not_endless(sandbox):
    for _ in range(3):
        sandbox.world.pay(1_000)
    sandbox.wire.deaf_to = {"starting_after"}
    with pytest.raises(Unavailable):
        list(sandbox.api().walk("charges", {"limit": 2}))
    assert len(sandbox.wire.calls) == 2


def test_a_listing_longer_than_we_take_is_unavailable_and_not_cut(sandbox):
    for _ in range(3):
        sandbox.world.pay(1_000)
    with pytest.raises(Unavailable):
        list(sandbox.api(pages_max=2).walk("charges", {"limit": 1}))


def test_requests_are_spread_to_twenty_a_second(sandbox):
    api = sandbox.api()
    for _ in range(30):
        api.get("account", "account")
    assert sum(sandbox.pauses) > 0
    assert max(sandbox.pauses) <= 30 / client.REQUESTS_PER_SECOND


def test_the_pinned_version_and_our_key_go_along_and_nothing_about_this_machine(sandbox):
    seen = []
    inner = sandbox.wire.app

    def note(environ, start_response):
        seen.append(environ)
        return inner(environ, start_response)

    sandbox.wire.app = note
    a_refund_of(sandbox, key="key-7")()
    (environ,) = seen
    assert environ["HTTP_STRIPE_VERSION"] == client.API_VERSION == stripe.api_version
    assert environ["HTTP_IDEMPOTENCY_KEY"] == "key-7"
    assert "HTTP_X_STRIPE_CLIENT_TELEMETRY" not in environ
    assert "telemetry_id" not in environ["HTTP_X_STRIPE_CLIENT_USER_AGENT"]


def test_a_netrc_does_not_replace_our_key(sandbox, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login thief password thief\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert sandbox.api().get("account", "account")["id"] == "acct_sandbox"


def test_a_forked_process_has_connections_of_its_own(sandbox):
    api = sandbox.api()
    ours = api._sdk()
    assert api._sdk() is ours
    api._client = (os.getpid() + 1, ours)  # as a child finds it
    assert api._sdk() is not ours


def test_nothing_secret_reaches_a_log_or_an_error(sandbox, caplog):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("stripe").setLevel(logging.WARNING)
    charge = sandbox.world.pay(10_000, receipt_email="ann@example.com").charge
    sandbox.faults.add("answer", status=500, method="POST")
    with pytest.raises(OutcomeUnknown) as accident:
        a_refund_of(sandbox, charge=charge)()
    with pytest.raises(RailRefused) as refusal:
        a_refund_of(sandbox, 99_999, "key-2", charge)()
    told = caplog.text + "".join(map(repr, (accident.value, refusal.value)))
    assert "sk_test" not in told
    assert "ann@example.com" not in told
    assert accident.value.__suppress_context__


def test_the_sdk_stays_out_until_it_is_needed():
    code = (
        "import sys; from reconciler.rails.registry import rails_from; "
        "from reconciler.settings import Settings, Secret; "
        "rails_from(Settings(stripe_secret_key=Secret('sk_test_1')), lambda: None); "
        "sys.exit('stripe' in sys.modules or 'requests' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603
