"""The API over real HTTP: what it answers, to whom, in which shape."""

import base64
import re

import pytest
import requests
import stripe

from reconciler.sandbox.world import World
from tests.sandbox.wires import Wire

NONE = "none_00000000000000000000"


def stock(world: World) -> dict[str, str]:
    """A world with something of everything."""
    customer = world.create_customer("Ann", "ann@example.com")
    session = world.open_session(2_000, customer=customer)
    paid = world.complete_session(session)
    invoice = world.create_invoice(700)
    world.pay(700, invoices={invoice: 700})
    world.advance(2 * 86_400)
    payout = world.payout()
    world.pay_payout(payout)
    refund = world.refund(paid.charge, 100)
    dispute = world.dispute(world.pay(900).charge)
    return {
        "balance_transactions": world.show(paid.charge)["balance_transaction"],
        "charges": paid.charge,
        "checkout/sessions": session,
        "customers": customer,
        "disputes": dispute,
        "events": world.events()[-1]["id"],
        "invoices": invoice,
        "payment_intents": paid.intent,
        "payouts": payout,
        "refunds": refund,
    }


def test_every_object_is_answered_by_its_id(wire: Wire) -> None:
    for collection, object_id in stock(wire.world).items():
        answer = wire.get(f"/v1/{collection}/{object_id}")
        assert answer.status_code == 200
        assert answer.json()["id"] == object_id
        assert answer.headers["Request-Id"].startswith("req_")
        missing = wire.get(f"/v1/{collection}/{NONE}")
        assert missing.status_code == 404
        assert missing.json()["error"]["code"] == "resource_missing"


def test_account_and_balance(wire: Wire) -> None:
    wire.world.pay(1_000)

    assert wire.get("/v1/account").json()["id"] == "acct_sandbox"
    assert wire.get("/v1/balance").json()["pending"][0]["amount"] == 941


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/transfers"),
        ("GET", "/v1/charges/ch_1/refunds"),
        ("POST", "/v1/charges"),
        ("POST", "/v1/payment_intents"),
        ("POST", "/v1/payouts"),
        ("POST", "/v1/refunds/re_1"),
        ("DELETE", "/v1/customers/cus_1"),
    ],
)
def test_other_calls_do_not_exist(wire: Wire, method: str, path: str) -> None:
    answer = wire.session.request(method, f"{wire.url}{path}", timeout=10)

    assert answer.status_code == 404
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert "Unrecognized request URL" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/account", "/_sandbox/truth", "/v1/nowhere"])
def test_nobody_gets_in_without_the_key(wire: Wire, path: str) -> None:
    wrong = base64.b64encode(b"sk_test_wrong:").decode()
    right = base64.b64encode(b"sk_test_sandbox:").decode()
    for header in ({}, {"Authorization": "Bearer sk_test_wrong"}, {"Authorization": "Digest x"}):
        assert requests.get(wire.url + path, headers=header, timeout=10).status_code == 401
    for basic, admitted in ((wrong, False), ("%%%", False), (right, True)):
        header = {"Authorization": f"Basic {basic}"}
        answer = requests.get(wire.url + path, headers=header, timeout=10)
        assert (answer.status_code != 401) is admitted


def test_stripes_own_sdk_reads_refunds_and_lists(wire: Wire) -> None:
    paid = wire.world.pay(10_000)
    sdk = wire.sdk()

    refund = sdk.v1.refunds.create(
        {
            "payment_intent": paid.intent,
            "amount": 2_500,
            "reason": "duplicate",
            "metadata": {"reconciler_refund_id": "rfd_1"},
            "expand": ["balance_transaction", "charge"],
        },
        {"idempotency_key": "key-1"},
    )

    assert (refund.object, refund.amount, refund.status) == ("refund", 2_500, "succeeded")
    assert refund.metadata["reconciler_refund_id"] == "rfd_1"
    assert refund.balance_transaction.amount == -2_500
    assert refund.charge.amount_refunded == 2_500
    created = next(e for e in wire.world.events() if e["type"] == "refund.created")
    assert created["request"]["idempotency_key"] == "key-1"
    assert [one.id for one in sdk.v1.refunds.list({"charge": paid.charge}).data] == [refund.id]
    assert len(list(sdk.v1.events.list({"limit": 2}).auto_paging_iter())) == 6


def test_the_sdk_raises_what_it_would_with_stripe(wire: Wire) -> None:
    paid = wire.world.pay(1_000)
    sdk = wire.sdk()
    wire.world.refund(paid.charge)

    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.v1.refunds.create({"charge": paid.charge})
    assert caught.value.code == "charge_already_refunded"
    with pytest.raises(stripe.AuthenticationError):
        stripe.StripeClient("sk_test_x", base_addresses={"api": wire.url}).v1.charges.list()


@pytest.mark.parametrize(
    ("params", "param", "code"),
    [
        ({}, None, "parameter_missing"),
        ({"charge": "CH", "payment_intent": "PI"}, None, None),
        ({"charge": "CH", "amount": "10.5"}, "amount", "parameter_invalid_integer"),
        ({"charge": "CH", "amount": "0"}, "amount", "parameter_invalid_integer"),
        ({"charge": "CH", "amount": "-5"}, "amount", "parameter_invalid_integer"),
        ({"charge": "CH", "reason": "goodwill"}, "reason", None),
        ({"charge": "CH", "note": "x"}, "note", "parameter_unknown"),
        ({"charge": "CH", "metadata": "x"}, "metadata", None),
        ({"charge": "CH", "metadata[k]": "v" * 501}, "metadata", None),
        ({"charge": "CH", f"metadata[{'k' * 41}]": "v"}, "metadata", None),
        ({"charge": "CH"} | {f"metadata[{n}]": "v" for n in range(51)}, "metadata", None),
        ({"charge[x]": "CH"}, "charge", None),
        ({"charge": "CH", "charge[x]": "y"}, "charge[x]", None),
        ({"[": "CH"}, "[", None),
    ],
)
def test_wrong_parameters_of_a_refund_change_nothing(
    wire: Wire, params: dict[str, str], param: str | None, code: str | None
) -> None:
    paid = wire.world.pay(1_000)
    known = {"CH": paid.charge, "PI": paid.intent}

    answer = wire.post("/v1/refunds", **{k: known.get(v, v) for k, v in params.items()})

    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error.get("param"), error.get("code")) == (param, code)
    assert wire.world.table("refund") == {}


@pytest.mark.parametrize("param", ["charge", "payment_intent"])
def test_a_refund_of_nothing_known_is_not_found(wire: Wire, param: str) -> None:
    unknown = {"charge": "ch_none", "payment_intent": "pi_none"}[param]

    answer = wire.post("/v1/refunds", **{param: unknown})

    assert answer.status_code == 404
    assert answer.json()["error"]["param"] == param


def test_a_disputed_charge_is_refused_with_its_code(wire: Wire) -> None:
    paid = wire.world.pay(1_000)
    wire.world.dispute(paid.charge)

    answer = wire.post("/v1/refunds", charge=paid.charge, amount=100)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "charge_disputed"


def test_how_a_refund_goes_can_be_planned(wire: Wire) -> None:
    paid = wire.world.pay(1_000)
    wire.control("do", op="plan_refund", args={"status": "requires_action"})

    refused = wire.post("/v1/refunds", charge=paid.charge, amount=1_001)
    planned = wire.post("/v1/refunds", charge=paid.charge, amount=100).json()
    ordinary = wire.post("/v1/refunds", charge=paid.charge, amount=100).json()

    assert refused.status_code == 400
    assert [planned["status"], ordinary["status"]] == ["requires_action", "succeeded"]
    cancelled = wire.post(f"/v1/refunds/{planned['id']}/cancel")
    assert cancelled.json()["status"] == "canceled"
    assert wire.post(f"/v1/refunds/{ordinary['id']}/cancel").status_code == 400
    assert wire.post(f"/v1/refunds/{NONE}/cancel").status_code == 404


def test_links_are_expanded_where_that_is_asked(wire: Wire) -> None:
    paid = wire.world.pay(1_000)
    wire.world.refund(paid.charge, 100)

    charge = wire.get(
        f"/v1/charges/{paid.charge}",
        **{"expand[]": ["refunds.data.balance_transaction", "balance_transaction", "customer"]},
    ).json()
    intent = wire.get(
        f"/v1/payment_intents/{paid.intent}", **{"expand[0]": "latest_charge.balance_transaction"}
    ).json()
    listed = wire.get("/v1/refunds", **{"expand[]": "data.charge.payment_intent"}).json()

    assert charge["balance_transaction"]["source"] == paid.charge
    assert charge["refunds"]["data"][0]["balance_transaction"]["amount"] == -100
    assert charge["customer"] is None
    assert intent["latest_charge"]["balance_transaction"]["net"] == 941
    assert listed["data"][0]["charge"]["payment_intent"]["id"] == paid.intent


@pytest.mark.parametrize("path", ["amount", "nothing", "customer.x.y.z.w", "id.x", "created"])
def test_what_is_no_link_cannot_be_expanded(wire: Wire, path: str) -> None:
    paid = wire.world.pay(1_000)

    answer = wire.get(f"/v1/charges/{paid.charge}", **{"expand[]": path})

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "expand"


def test_an_invoice_payment_expands_its_intent(wire: Wire) -> None:
    invoice = wire.world.create_invoice(700)
    paid = wire.world.pay(700, invoices={invoice: 700})

    found = wire.get(
        "/v1/invoice_payments",
        **{
            "payment[type]": "payment_intent",
            "payment[payment_intent]": paid.intent,
            "expand[]": ["data.payment.payment_intent", "data.invoice"],
        },
    ).json()["data"]

    assert found[0]["payment"]["payment_intent"]["id"] == paid.intent
    assert found[0]["invoice"]["id"] == invoice


def test_the_version_asked_for_chooses_the_shape(wire: Wire) -> None:
    paid = wire.world.pay(1_000)
    path = f"{wire.url}/v1/payment_intents/{paid.intent}"

    old = wire.session.get(path, headers={"Stripe-Version": "2022-08-01"}, timeout=10)
    event = wire.world.events()[0]["id"]
    as_it_was = wire.session.get(
        f"{wire.url}/v1/events/{event}", headers={"Stripe-Version": "2022-08-01"}, timeout=10
    )

    assert "charges" in old.json()
    assert old.headers["Stripe-Version"] == "2022-08-01"
    assert as_it_was.json()["api_version"] == "2026-10-28.endive"


def test_the_api_forgets_events_after_thirty_days(wire: Wire) -> None:
    wire.world.pay(1_000)
    event = wire.world.events()[0]["id"]
    assert len(wire.get("/v1/events").json()["data"]) == 4

    wire.world.advance(31 * 86_400)

    assert wire.get("/v1/events").json()["data"] == []
    assert wire.get(f"/v1/events/{event}").status_code == 404


def create_session(wire: Wire, **more: str) -> requests.Response:
    given = {
        "mode": "payment",
        "success_url": "https://shop.example/done?s={CHECKOUT_SESSION_ID}",
        "client_reference_id": "INV-1",
        "payment_intent_data[metadata][invoice]": "INV-1",
        "line_items[0][price_data][currency]": "usd",
        "line_items[0][price_data][unit_amount]": "1500",
        "line_items[0][price_data][product_data][name]": "Work",
        "line_items[0][quantity]": "2",
    }
    return wire.post("/v1/checkout/sessions", **(given | more))


def test_a_checkout_page_is_made_opened_and_paid(wire: Wire) -> None:
    made = create_session(wire).json()
    assert (made["amount_total"], made["payment_intent"]) == (3_000, None)
    page = requests.get(made["url"], timeout=10)
    assert page.status_code == 200
    assert "3000 USD" in page.text

    paid = requests.post(made["url"], data={"method": "card"}, allow_redirects=False, timeout=10)

    assert paid.status_code == 303
    assert paid.headers["Location"] == f"https://shop.example/done?s={made['id']}"
    done = wire.get(f"/v1/checkout/sessions/{made['id']}").json()
    assert (done["payment_status"], done["url"]) == ("paid", None)
    found = wire.get("/v1/checkout/sessions", payment_intent=done["payment_intent"]).json()
    assert [one["id"] for one in found["data"]] == [made["id"]]
    intent = wire.world.show(done["payment_intent"])
    assert intent["metadata"] == {"invoice": "INV-1"}
    assert "payment: paid" in requests.get(made["url"], timeout=10).text
    again = requests.post(made["url"], timeout=10)
    assert again.status_code == 400


def test_a_page_can_be_paid_by_bank_debit_and_says_where_to_go_back(wire: Wire) -> None:
    made = create_session(wire, cancel_url="https://shop.example/back").json()
    assert "https://shop.example/back" in requests.get(made["url"], timeout=10).text

    requests.post(made["url"], data={"method": "delayed"}, allow_redirects=False, timeout=10)

    assert wire.get(f"/v1/checkout/sessions/{made['id']}").json()["payment_status"] == "unpaid"


def test_a_page_escapes_what_it_shows(wire: Wire) -> None:
    made = create_session(wire, cancel_url='"><script>alert(1)</script>').json()

    page = requests.get(made["url"], timeout=10).text

    assert not re.search(r"<script", page)


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "subscription"},
        {"line_items[0][price_data][unit_amount]": "-1"},
        {"line_items[0][price_data][currency]": ""},
        {"line_items[0][quantity]": "0"},
        {"line_items[1][price]": "price_1"},
        {"line_items[1]": "x"},
        {"line_items[1][price_data][currency]": "eur"},
        {"surprise": "x"},
    ],
)
def test_a_checkout_page_needs_sound_parameters(wire: Wire, wrong: dict[str, str]) -> None:
    answer = create_session(wire, **wrong)

    assert answer.status_code == 400
    assert wire.world.table("checkout.session") == {}


def test_a_checkout_page_for_an_unknown_customer_is_refused(wire: Wire) -> None:
    assert create_session(wire, customer="cus_none").status_code == 404
    assert wire.post("/v1/checkout/sessions", mode="payment").status_code == 400
