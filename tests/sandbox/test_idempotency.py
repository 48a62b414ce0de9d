"""What an idempotency key keeps, for how long, and what it does not keep."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
import requests
import stripe

from tests.sandbox.wires import DAY, Wire


@pytest.fixture
def charge(wire: Wire) -> str:
    return wire.world.pay(10_000).charge


def eventually(check: Callable[[], bool]) -> None:
    """Wait, half a minute at most, until something is so."""
    for _ in range(3000):
        if check():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came to be so")


def refunds(wire: Wire) -> list[str]:
    return list(wire.world.table("refund"))


def test_the_same_key_gives_the_same_answer_and_one_refund(wire: Wire, charge: str) -> None:
    first = wire.post("/v1/refunds", key="k", charge=charge, amount=2_500)
    second = wire.post("/v1/refunds", key="k", charge=charge, amount=2_500)

    assert first.json() == second.json()
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["Original-Request"] == first.headers["Request-Id"]
    assert len(refunds(wire)) == 1


def test_the_answer_is_as_it_was_even_when_the_refund_has_moved_on(wire: Wire, charge: str) -> None:
    first = wire.post("/v1/refunds", key="k", charge=charge, amount=2_500).json()
    wire.world.advance_refund(first["id"], "failed")

    assert wire.post("/v1/refunds", key="k", charge=charge, amount=2_500).json() == first


def test_without_a_key_each_call_is_its_own(wire: Wire, charge: str) -> None:
    for _ in range(2):
        wire.post("/v1/refunds", charge=charge, amount=2_500)

    assert len(refunds(wire)) == 2


@pytest.mark.parametrize("other", [{"amount": 2_400}, {"amount": 2_500, "reason": "duplicate"}])
def test_the_same_key_for_something_else_is_refused(
    wire: Wire, charge: str, other: dict[str, Any]
) -> None:
    wire.post("/v1/refunds", key="k", charge=charge, amount=2_500)

    answer = wire.post("/v1/refunds", key="k", charge=charge, **other)

    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "idempotency_error"
    assert len(refunds(wire)) == 1
    with pytest.raises(stripe.IdempotencyError):
        wire.sdk().v1.refunds.create({"charge": charge}, {"idempotency_key": "k"})


def test_the_same_key_on_another_path_is_refused(wire: Wire, charge: str) -> None:
    refund = wire.post("/v1/refunds", key="k", charge=charge, amount=2_500).json()["id"]

    assert wire.post(f"/v1/refunds/{refund}/cancel", key="k").status_code == 400


def test_a_refusal_by_the_books_is_kept(wire: Wire, charge: str) -> None:
    wire.world.dispute(charge)
    dispute = next(iter(wire.world.table("dispute")))
    first = wire.post("/v1/refunds", key="k", charge=charge, amount=100)
    wire.world.close_dispute(dispute, "won")
    second = wire.post("/v1/refunds", key="k", charge=charge, amount=100)

    assert (first.status_code, second.status_code) == (400, 400)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.json() == first.json()


def test_a_failed_validation_is_not_kept(wire: Wire, charge: str) -> None:
    first = wire.post("/v1/refunds", key="k", charge=charge, amount="x")
    second = wire.post("/v1/refunds", key="k", charge=charge, amount=100)

    assert (first.status_code, second.status_code) == (400, 200)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_answer_from_before_the_work_is_not_kept(wire: Wire, charge: str, status: int) -> None:
    wire.faults.add("answer", method="POST", status=status)
    first = wire.post("/v1/refunds", key="k", charge=charge, amount=100)
    second = wire.post("/v1/refunds", key="k", charge=charge, amount=100)

    assert (first.status_code, second.status_code) == (status, 200)


@pytest.mark.parametrize("effect", [False, True])
def test_a_500_of_the_work_itself_is_kept(wire: Wire, charge: str, effect: bool) -> None:
    wire.faults.add("saved_500", method="POST", effect=effect)
    first = wire.post("/v1/refunds", key="k", charge=charge, amount=100)
    second = wire.post("/v1/refunds", key="k", charge=charge, amount=100)

    assert (first.status_code, second.status_code) == (500, 500)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(refunds(wire)) == int(effect)


def test_a_key_is_in_use_until_its_first_request_is_answered(wire: Wire, charge: str) -> None:
    wire.faults.add("slow", method="POST", seconds=0.5)
    answers: list[requests.Response] = []

    def first() -> None:
        answers.append(wire.post("/v1/refunds", key="k", charge=charge, amount=100))

    thread = threading.Thread(target=first)
    thread.start()
    eventually(lambda: wire.sandbox.keys.is_in_use("k"))
    other = wire.post("/v1/refunds", key="k", charge=charge, amount=100)
    thread.join()

    assert other.status_code == 409
    assert other.json()["error"]["code"] == "idempotency_key_in_use"
    assert answers[0].status_code == 200
    assert len(refunds(wire)) == 1


def test_a_key_is_forgotten_after_a_day_and_then_a_second_refund_is_made(
    wire: Wire, charge: str
) -> None:
    wire.post("/v1/refunds", key="k", charge=charge, amount=2_500)
    wire.world.advance(DAY - 1)
    wire.post("/v1/refunds", key="k", charge=charge, amount=2_500)
    assert len(refunds(wire)) == 1

    wire.world.advance(1)
    late = wire.post("/v1/refunds", key="k", charge=charge, amount=2_500)

    assert "Idempotent-Replayed" not in late.headers
    assert len(refunds(wire)) == 2


def test_a_key_has_at_most_255_characters(wire: Wire, charge: str) -> None:
    assert wire.post("/v1/refunds", key="k" * 255, charge=charge, amount=1).status_code == 200
    assert wire.post("/v1/refunds", key="k" * 256, charge=charge, amount=1).status_code == 400


def test_many_at_once_under_one_key_make_one_refund(wire: Wire, charge: str) -> None:
    statuses: list[int] = []

    def send() -> None:
        statuses.append(wire.post("/v1/refunds", key="k", charge=charge, amount=100).status_code)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(statuses) <= {200, 409}
    assert len(refunds(wire)) == 1


def test_many_at_once_never_refund_more_than_there_is(wire: Wire, charge: str) -> None:
    statuses: list[int] = []

    def send(number: int) -> None:
        answer = wire.post("/v1/refunds", key=f"k{number}", charge=charge, amount=6_000)
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=send, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200, *[400] * 7]
