"""Moving the world from another process, the demo's story, and the file that keeps it all."""

import json
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from reconciler.sandbox.app import create_sandbox, sandbox_of
from reconciler.sandbox.control import OPERATIONS
from reconciler.sandbox.deliverer import Target
from reconciler.sandbox.demo import tell
from reconciler.sandbox.server import serve
from reconciler.sandbox.state import keep
from reconciler.sandbox.world import World
from reconciler.settings import inherited_environment
from tests.sandbox.wires import NOON, Wire


def test_an_operation_gives_its_result_and_its_events(wire: Wire) -> None:
    paid = wire.control("do", op="pay", args={"amount": 1_000, "metadata": {"invoice": "INV-1"}})
    charge = paid["result"]["charge"]
    refund = wire.control("do", op="refund", args={"target": charge, "amount": 400})

    assert [event["type"] for event in paid["events"]][-1] == "charge.updated"
    assert [event["type"] for event in refund["events"]] == ["refund.created", "charge.refunded"]
    assert wire.world.show(refund["result"])["amount"] == 400
    assert wire.world.show(charge)["metadata"] == {"invoice": "INV-1"}


def test_automatic_operations_name_no_request_over_http_either(wire: Wire) -> None:
    charge = wire.world.pay(1_000).charge

    done = wire.control("do", op="dispute", args={"target": charge})

    assert {event["request"]["id"] for event in done["events"]} == {None}


@pytest.mark.parametrize(
    "given",
    [
        {"op": "restore"},
        {"op": "pay", "args": {"amount": 1, "colour": []}},
        {"op": "pay", "args": {}},
        {"op": "refund", "args": {"target": "ch_none"}},
        {"op": "refund", "args": {"target": []}},
        [],
    ],
)
def test_what_is_no_operation_is_refused(wire: Wire, given: dict[str, Any] | list[Any]) -> None:
    answer = wire.session.post(f"{wire.url}/_sandbox/do", json=given, timeout=10)

    ignored = isinstance(given, dict) and "colour" in given.get("args", {})
    assert answer.status_code == (200 if ignored else 404 if "ch_none" in str(given) else 400)


def test_every_operation_exists() -> None:
    assert [name for name in OPERATIONS if not callable(getattr(World, name, None))] == []


def test_events_are_read_on_from_a_mark(wire: Wire) -> None:
    wire.world.pay(1_000)
    first = wire.get("/_sandbox/events").json()
    wire.world.pay(2_000)
    second = wire.get("/_sandbox/events", since=first["next"]).json()

    assert (len(first["events"]), first["next"]) == (4, 4)
    assert first["events"] + second["events"] == wire.world.events()


def test_time_passes_when_it_is_told_to(wire: Wire) -> None:
    before = wire.world.now()

    assert wire.control("clock", advance_seconds=3_600)["now"] == before + 3_600


def test_the_truth_can_be_read_whole(wire: Wire) -> None:
    wire.world.pay(1_000)

    truth = wire.get("/_sandbox/truth").json()

    assert truth == json.loads(wire.world.dump())


def test_the_demo_is_told_once_and_played_badly(world: World) -> None:
    got = []
    lock = threading.Lock()

    def receive(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        with lock:
            got.append(json.loads(body)["id"])
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]

    endpoint = serve(receive)
    app = create_sandbox(world, webhook_targets=[Target(endpoint.url, "whsec_x")])
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = "Bearer sk_test_sandbox"

    story = client.post("/_sandbox/demo").get_json()
    assert client.post("/_sandbox/demo").get_json() == story
    assert got == []
    wrong = client.post("/_sandbox/play", json={"colour": "red"})
    played = client.post(
        "/_sandbox/play",
        json={
            "since": story["first_event"],
            "count": story["event_count"],
            "duplicates": 0.3,
            "shuffle": True,
            "concurrency": 4,
        },
    ).get_json()
    endpoint.close()
    sandbox_of(app).close()

    assert wrong.status_code == 400
    assert played["reports"][0]["accepted"] == played["reports"][0]["sent"] == len(got)
    assert set(got) == {event["id"] for event in world.events()}
    assert max(Counter(got).values()) == 2


def test_the_demo_fits_the_books_it_is_told_with(world: World) -> None:
    story = tell(world)
    invoices = {invoice.number: invoice for invoice in story.invoices}
    deposits = {deposit.code: deposit for deposit in story.deposits}
    customers = {customer.key: customer for customer in story.customers}

    assert len(invoices) == len(story.invoices) == 54
    assert len(story.payments) == len({one.intent for one in story.payments}) == 55
    assert len({customer.rail_id for customer in story.customers}) == len(customers)
    assert {invoice.currency for invoice in story.invoices} == {"USD", "EUR", "JPY", "KWD"}
    for payment in story.payments:
        charge = world.show(payment.charge)
        if payment.target is None:
            continue
        target = invoices.get(payment.target) or deposits[payment.target]
        assert charge["currency"].upper() == target.currency
        assert charge["customer"] in (customers[target.customer].rail_id, None)
    for project in story.projects:
        mine = [invoice.total for invoice in story.invoices if invoice.project == project.key]
        assert project.price == sum(mine)
    applied = sum(application.amount for application in story.applications)
    assert applied == deposits["DEP-2001"].amount == 300_000


def test_the_demo_has_every_kind_of_trouble(world: World) -> None:
    story = tell(world)
    by_title = {payment.title: world.show(payment.charge) for payment in story.payments}

    assert by_title["800.00 taken of 2,000.00"]["amount_captured"] == 80_000
    assert by_title["an old plug-in takes 700.00"]["amount_refunded"] == 30_000
    assert by_title["a bank debit on its way"]["status"] == "pending"
    assert by_title["held and let go"]["captured"] is False
    assert by_title["an unknown payer"]["customer"] is None
    assert {refund["status"] for refund in world.table("refund").values()} == {
        "succeeded",
        "failed",
    }
    disputes = Counter(dispute["status"] for dispute in world.table("dispute").values())
    assert disputes == {"needs_response": 2, "lost": 2, "won": 1}


def test_the_demo_is_the_same_each_time_and_lies_within_thirty_days() -> None:
    worlds = [World(lambda: NOON), World(lambda: NOON)]
    stories = [tell(world) for world in worlds]
    created = [event["created"] for event in worlds[0].events()]

    assert stories[0] == stories[1]
    assert worlds[0].dump() == worlds[1].dump()
    assert created == sorted(created)
    assert all(worlds[0].recent(event) for event in worlds[0].events())
    assert stories[0].event_count == len(created)


def test_a_kept_world_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.json"
    first = World(lambda: NOON)
    keep(first, path)
    paid = first.pay(1_000)
    first.advance(60)

    second = World(lambda: NOON)
    keep(second, path)
    again = second.pay(1_000)

    assert second.show(paid.charge) == first.show(paid.charge)
    assert second.now() == first.now()
    assert again.charge != paid.charge
    assert json.loads(path.read_text())["tables"]["charge"].keys() == {paid.charge, again.charge}
    assert path.stat().st_mode & 0o777 == 0o600


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.thorough
def test_a_setting_that_cannot_be_right_is_one_line(tmp_path: Path) -> None:
    process = start(tmp_path, free_port(), "pk_test_not_a_secret_key")
    _, errors = process.communicate(timeout=60)

    assert process.returncode != 0
    assert b"Traceback" not in errors
    assert b"STRIPE_SECRET_KEY" in errors


def start(tmp_path: Path, port: int, key: str) -> subprocess.Popen[bytes]:
    environ = inherited_environment() | {
        "STRIPE_SECRET_KEY": key,
        "STRIPE_WEBHOOK_SECRET": "whsec_sandboxsandboxsandbox",
        "RECONCILER_DATA_DIR": str(tmp_path),
        "PORT": str(free_port()),
    }
    command = [sys.executable, "-m", "reconciler.sandbox", "--port", str(port)]
    return subprocess.Popen(command, env=environ, stderr=subprocess.PIPE)  # noqa: S603 - ours


@pytest.mark.thorough
def test_the_process_keeps_its_money_over_a_kill(tmp_path: Path) -> None:
    port, key = free_port(), "sk_test_sandbox_1234"
    header = {"Authorization": f"Bearer {key}"}
    url = f"http://127.0.0.1:{port}"

    def ask(method: str, path: str, body: object = None) -> Any:
        for _ in range(1200):
            try:
                answer = requests.request(method, url + path, json=body, headers=header, timeout=5)
            except requests.ConnectionError:
                threading.Event().wait(0.05)
                continue
            return answer.json()
        raise AssertionError("the sandbox never answered")

    first = start(tmp_path, port, key)
    made = ask("POST", "/_sandbox/do", {"op": "pay", "args": {"amount": 1_000}})
    gone = {"amount": 900, "automatic": False}
    ask("POST", "/_sandbox/do", {"op": "payout", "args": gone})
    back = {"target": made["result"]["charge"]}
    refund = ask("POST", "/_sandbox/do", {"op": "refund", "args": back})["result"]
    waits = ask("GET", f"/v1/refunds/{refund}")
    first.kill()
    first.communicate(timeout=60)
    second = start(tmp_path, port, key)
    found = ask("GET", "/v1/charges")
    second.send_signal(signal.SIGTERM)
    _, errors = second.communicate(timeout=60)

    assert (waits["status"], waits["pending_reason"]) == ("pending", "insufficient_funds")
    assert [one["id"] for one in found["data"]] == [made["result"]["charge"]]
    assert second.returncode == 0, errors


def test_the_storys_own_refunds_are_covered_and_a_larger_one_waits() -> None:
    world = World(lambda: NOON)
    world.enforce_balance = True
    tell(world)
    assert {one["status"] for one in world.table("refund").values()} == {"failed", "succeeded"}
    in_euro = [one for one in world.table("charge").values() if one["currency"] == "eur"]
    held = world.show(world.refund(in_euro[-1]["id"]))
    assert (held["status"], held["pending_reason"]) == ("pending", "insufficient_funds")


def test_a_live_key_never_meets_the_sandbox(tmp_path: Path) -> None:
    process = start(tmp_path, free_port(), "sk_live_" + "x" * 24)
    _, errors = process.communicate(timeout=60)

    assert process.returncode != 0
    assert errors.startswith(b"STRIPE_SECRET_KEY is a live key")
    assert len(errors.splitlines()) == 1
