"""Webhooks as Stripe sends them, judged by Stripe's own verifier."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import stripe
from typing_extensions import override

from reconciler.sandbox.app import create_sandbox, sandbox_of
from reconciler.sandbox.deliverer import Target
from reconciler.sandbox.player import Player, Report, body_of, sign
from reconciler.sandbox.world import World

SECRET = "whsec_test"


class Endpoint:
    """A webhook endpoint that keeps what it gets and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.answers: list[int] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((self.headers["Stripe-Signature"], body))
                self.send_response(outer.answers.pop(0) if outer.answers else 200)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            @override
            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhooks/stripe"
        self.thread = threading.Thread(target=self.server.serve_forever, args=[0.05])
        self.thread.start()

    def ids(self) -> list[str]:
        return [json.loads(body)["id"] for _, body in self.got]

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()
    yield made
    made.close()


@pytest.fixture
def player(world: World, endpoint: Endpoint) -> Player:
    return Player(world, endpoint.url, SECRET, seed=7)


def verify(body: bytes, header: str, secret: str = SECRET, tolerance: int | None = None) -> bool:
    return bool(stripe.WebhookSignature.verify_header(body.decode(), header, secret, tolerance))


def test_the_signature_is_stripes() -> None:
    body = body_of({"id": "evt_1", "name": "Zoë"})

    assert verify(body, sign(SECRET, body, 1_700_000_000))
    for wrong in (sign("whsec_other", body, 1_700_000_000), sign(SECRET, b"{}", 1_700_000_000)):
        with pytest.raises(stripe.SignatureVerificationError):
            verify(body, wrong)
    with pytest.raises(stripe.SignatureVerificationError, match="tolerance"):
        verify(body, sign(SECRET, body, 1_700_000_000), tolerance=300)


def test_a_secret_that_is_being_rolled_signs_beside_the_new_one() -> None:
    body = b"{}"
    header = sign(["whsec_new", "whsec_old"], body, 1)

    assert header.count("v1=") == 2
    assert verify(body, header, "whsec_old")
    assert verify(body, header, "whsec_new")


def test_an_event_travels_as_indented_json_with_a_fresh_signature(
    world: World, player: Player, endpoint: Endpoint
) -> None:
    world.pay(1_000)
    event = world.events()[1]
    real = world.now()
    world.advance(7 * 86_400)

    assert player.deliver(event) == 200
    header, body = endpoint.got[0]
    assert verify(body, header)
    assert f"t={real}," in header
    assert body.startswith(b'{\n  "id": "evt_')
    assert json.loads(body) == event
    assert world.truth.delivered[event["id"]] is True


@pytest.mark.parametrize("answer", [302, 400, 500])
def test_only_2xx_counts_as_delivered(
    world: World, player: Player, endpoint: Endpoint, answer: int
) -> None:
    world.pay(1_000)
    endpoint.answers = [answer]

    assert player.deliver(world.events()[0]) == answer
    assert not any(world.truth.delivered.values())
    assert len(endpoint.got) == 1


def test_nobody_at_home_is_no_answer(world: World, endpoint: Endpoint) -> None:
    world.pay(1_000)
    player = Player(world, "http://127.0.0.1:9/none", SECRET)

    report = player.play(world.events())

    assert report.statuses == Counter({0: 4})
    assert (report.sent, report.accepted) == (4, 0)


def test_an_endpoint_gets_its_own_version(world: World, endpoint: Endpoint) -> None:
    player = Player(world, endpoint.url, SECRET, api_version="2024-06-20")
    world.pay(1_000)
    player.play(world.events())

    assert {json.loads(body)["api_version"] for _, body in endpoint.got} == {"2024-06-20"}


def test_a_forged_event_travels_as_it_was_forged(
    world: World, player: Player, endpoint: Endpoint
) -> None:
    world.pay(1_000)
    forged = world.events()[0] | {"type": "foo.bar", "livemode": True}

    player.deliver(forged)

    assert json.loads(endpoint.got[0][1]) == forged
    assert not any(world.truth.delivered.values())


def test_any_bytes_can_be_posted_signed_for_any_second(player: Player, endpoint: Endpoint) -> None:
    player.post(b"\xff", at=5)

    assert endpoint.got[0][0].startswith("t=5,v1=")
    assert endpoint.got[0][1] == b"\xff"


def test_a_bad_play_drops_repeats_and_shuffles_and_is_repeatable(
    world: World, endpoint: Endpoint
) -> None:
    for _ in range(30):
        world.pay(1_000)
    events = world.events()

    def play() -> tuple[Report, list[str]]:
        endpoint.got.clear()
        player = Player(world, endpoint.url, SECRET, seed=3)
        report = player.play(events, duplicates=0.3, drop=0.1, shuffle=True)
        return report, endpoint.ids()

    report, ids = play()
    times = Counter(ids)
    order = {event["id"]: place for place, event in enumerate(events)}

    assert play()[1] == ids
    assert set(times) | set(report.dropped) == set(order)
    assert not set(times) & set(report.dropped)
    assert set(times.values()) == {1, 2}
    assert ids != sorted(ids, key=order.__getitem__)
    assert report.sent == report.accepted == len(ids)


def test_copies_of_an_event_differ_in_pending_webhooks_alone(
    world: World, player: Player, endpoint: Endpoint
) -> None:
    world.pay(1_000)
    player.play(world.events()[:1], duplicates=1.0)

    one, two = (json.loads(body) for _, body in endpoint.got)
    assert one.pop("pending_webhooks") != two.pop("pending_webhooks")
    assert one == two


def test_a_window_lets_events_slip_a_little(
    world: World, player: Player, endpoint: Endpoint
) -> None:
    for _ in range(10):
        world.pay(1_000)
    order = [event["id"] for event in world.events()]
    player.play(world.events(), window=3)

    places = [order.index(event_id) for event_id in endpoint.ids()]
    assert places != sorted(places)
    assert max(abs(place - now) for now, place in enumerate(places)) <= 6


def test_deliveries_may_overlap_and_wait(world: World, player: Player, endpoint: Endpoint) -> None:
    for _ in range(5):
        world.pay(1_000)

    report = player.play(world.events(), concurrency=8, delay=0.01)

    assert report.accepted == 20
    assert sorted(endpoint.ids()) == sorted(event["id"] for event in world.events())


def test_a_target_gets_what_happens_by_itself_and_again_after_a_failure(
    world: World, endpoint: Endpoint
) -> None:
    endpoint.answers = [503]
    app = create_sandbox(world, webhook_targets=[Target(endpoint.url, SECRET)])
    world.pay(1_000)
    arrived = threading.Event()
    for _ in range(3000):
        if all(world.truth.delivered.values()):
            break
        arrived.wait(0.01)
    sandbox_of(app).close()
    world.pay(1_000)

    ids = endpoint.ids()
    assert Counter(ids) == Counter(e["id"] for e in world.events()[:4]) + Counter(ids[:1])
    assert list(world.truth.delivered.values()) == [True] * 4 + [False] * 4
