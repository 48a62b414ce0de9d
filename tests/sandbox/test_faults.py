"""Accidents between a program and its rail, seen from outside over real HTTP."""

import time
from typing import Any

import pytest
import requests
import stripe

from reconciler.sandbox.faults import KINDS, Fault, Faults
from tests.sandbox.wires import Wire


@pytest.fixture
def charge(wire: Wire) -> str:
    return wire.world.pay(10_000).charge


def refunds(wire: Wire) -> int:
    return len(wire.world.table("refund"))


def refund(wire: Wire, charge: str, key: str = "k") -> requests.Response:
    return wire.post("/v1/refunds", key=key, charge=charge, amount=100)


@pytest.mark.parametrize(("kind", "made"), [("drop_before", 0), ("drop_after", 1)])
def test_the_connection_closes_before_or_after_the_refund_is_made(
    wire: Wire, charge: str, kind: str, made: int
) -> None:
    wire.faults.add(kind, method="POST", path="/v1/refunds")

    with pytest.raises(requests.ConnectionError):
        refund(wire, charge)

    assert refunds(wire) == made
    assert refund(wire, charge).status_code == 200
    assert refunds(wire) == 1


def test_a_dropped_answer_was_kept_under_its_key(wire: Wire, charge: str) -> None:
    wire.faults.add("drop_after", method="POST")
    with pytest.raises(requests.ConnectionError):
        refund(wire, charge)

    assert refund(wire, charge).headers["Idempotent-Replayed"] == "true"


def test_a_late_request_is_carried_out_after_the_connection_is_gone(
    wire: Wire, charge: str
) -> None:
    wire.faults.add("late_effect", method="POST", seconds=0.2)
    with pytest.raises(requests.ConnectionError):
        refund(wire, charge)
    assert refunds(wire) == 0

    wire.faults.wait_for_late_effects()

    assert refunds(wire) == 1


def test_an_answer_breaks_off_in_the_middle(wire: Wire, charge: str) -> None:
    wire.faults.add("half_body", method="POST")

    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        refund(wire, charge)

    assert refunds(wire) == 1


def test_an_answer_waits(wire: Wire, charge: str) -> None:
    wire.faults.add("delay", seconds=0.3)
    started = time.monotonic()
    assert wire.get("/v1/balance").status_code == 200

    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize("status", [409, 429, 500, 503])
def test_an_answer_without_any_work(wire: Wire, charge: str, status: int) -> None:
    wire.faults.add("answer", method="POST", status=status, should_retry="true")

    answer = refund(wire, charge)

    assert answer.status_code == status
    assert answer.headers["Stripe-Should-Retry"] == "true"
    assert "error" in answer.json()
    assert refunds(wire) == 0


def test_a_redirect_turns_the_sdks_refund_into_a_list(wire: Wire, charge: str) -> None:
    wire.faults.add("redirect", method="POST")

    answer = wire.sdk().v1.refunds.create({"charge": charge, "amount": 100})

    assert answer.object == "list"
    assert refunds(wire) == 0


def test_the_sdk_repeats_a_dropped_call_under_one_key(wire: Wire, charge: str) -> None:
    wire.faults.add("drop_after", method="POST", count=2)

    made = wire.sdk(retries=2).v1.refunds.create({"charge": charge, "amount": 100})

    assert made.amount == 100
    assert refunds(wire) == 1


def test_the_sdk_calls_a_rate_limit_by_its_name(wire: Wire, charge: str) -> None:
    wire.faults.add("answer", method="POST", status=429)

    with pytest.raises(stripe.RateLimitError):
        wire.sdk().v1.refunds.create({"charge": charge, "amount": 100})


def test_a_rule_befalls_only_what_it_names(wire: Wire, charge: str) -> None:
    wire.faults.add("answer", method="POST", path="/v1/refunds", count=1, skip=1)
    statuses = [wire.get("/v1/refunds").status_code]
    statuses += [refund(wire, charge, key=str(number)).status_code for number in range(3)]

    assert statuses == [200, 200, 500, 200]


def test_chance_is_repeatable() -> None:
    def befallen(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add("answer", count=None, probability=0.3)
        return [faults.take("GET", "/v1/balance") is not None for _ in range(200)]

    assert befallen(1) == befallen(1)
    assert befallen(1) != befallen(2)
    assert 30 < sum(befallen(1)) < 90


def test_rules_come_and_go_over_http(wire: Wire, charge: str) -> None:
    posted = wire.control("faults", kind="answer", status=503, count=None)
    assert posted["status"] == 503
    assert [wire.get("/v1/balance").status_code for _ in range(2)] == [503, 503]

    gone = wire.session.delete(f"{wire.url}/_sandbox/faults", timeout=10)

    assert gone.status_code == 200
    assert wire.get("/v1/balance").status_code == 200


@pytest.mark.parametrize("rule", [{"kind": "fire"}, {"kind": "delay", "colour": "red"}, {}])
def test_a_rule_that_is_none_is_refused(wire: Wire, rule: dict[str, Any]) -> None:
    answer = wire.session.post(f"{wire.url}/_sandbox/faults", json=rule, timeout=10)

    assert answer.status_code == 400
    with pytest.raises((TypeError, ValueError)):
        Faults().add(**rule)


def test_every_kind_can_be_made() -> None:
    assert [Fault(kind).kind for kind in KINDS] == list(KINDS)
