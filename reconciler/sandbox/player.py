"""Delivers events as Stripe does: signed, more than once, in any order, or not at all."""

import hashlib
import hmac
import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from typing import TypedDict, Unpack

import requests

from reconciler.sandbox.json_types import Json
from reconciler.sandbox.world import World

_TIMEOUT_SECONDS = 30
_PERMILLE = 1_000


def body_of(event: Json) -> bytes:
    """The bytes that travel: JSON indented by two, as Stripe prints it."""
    return json.dumps(event, indent=2).encode()


def sign(secret: str | Sequence[str], body: bytes, at: int) -> str:
    """`Stripe-Signature` for a body at a second; several secrets while one is being rolled."""
    secrets = [secret] if isinstance(secret, str) else list(secret)
    signed = f"{at}.".encode() + body
    macs = (hmac.new(key.encode(), signed, hashlib.sha256).hexdigest() for key in secrets)
    return ",".join([f"t={at}", *(f"v1={mac}" for mac in macs)])


class Mischief(TypedDict, total=False):
    """How badly the deliveries go; rates are between 0 and 1."""

    duplicates: float
    drop: float
    shuffle: bool
    window: int
    delay: float
    concurrency: int


@dataclass(slots=True)
class Report:
    """What came of a play: answers by status (0: no answer at all), and what was left out."""

    statuses: Counter[int] = field(default_factory=Counter)
    dropped: list[str] = field(default_factory=list)

    @property
    def sent(self) -> int:
        """Deliveries tried, repetitions included."""
        return self.statuses.total()

    @property
    def accepted(self) -> int:
        """Deliveries answered with 2xx; Stripe takes nothing else, not even a redirect."""
        return sum(count for status, count in self.statuses.items() if status // 100 == 2)


class Player:
    """One webhook endpoint of the world, with its own secret and perhaps its own API version."""

    def __init__(
        self,
        world: World,
        url: str,
        secret: str | Sequence[str],
        seed: int = 0,
        *,
        api_version: str | None = None,
    ) -> None:
        self.world = world
        self.url = url
        self.secret = secret
        self.api_version = api_version
        self._chance = random.Random(seed)  # noqa: S311 - a repeatable order, not a secret
        self._wake = Event()
        if api_version is not None:
            world.endpoint_versions.add(api_version)

    def deliver(self, event: Json, *, pending_webhooks: int | None = None) -> int:
        """Post one event, freshly signed; gives the status, or 0 where no answer came."""
        shown = self.world.event_for(event["id"], self.api_version) if self._known(event) else event
        if pending_webhooks is not None:
            shown = shown | {"pending_webhooks": pending_webhooks}
        status = self.post(body_of(shown))
        if status // 100 == 2 and self._known(event):
            self.world.truth.delivered[event["id"]] = True
        return status

    def post(self, body: bytes, *, at: int | None = None) -> int:
        """Post any bytes, signed for the second `at` (the real one, unless said)."""
        second = self.world.real_now() if at is None else at
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": sign(self.secret, body, second),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        try:
            answer = requests.post(
                self.url,
                data=body,
                headers=headers,
                timeout=_TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException:
            return 0
        answer.close()
        return answer.status_code

    def play(self, events: Iterable[Json], **mischief: Unpack[Mischief]) -> Report:
        """Deliver many events, badly; the same seed and options give the same order.

        `duplicates` is the part that comes twice, `drop` the part that never comes; `window`
        lets each event slip by at most so many places, `shuffle` anywhere; `delay` waits up to
        so many seconds before each; `concurrency` posts at once.
        """
        report = Report()
        queue = self._order(list(events), mischief, report)
        pause = mischief.get("delay", 0.0)

        def post(planned: tuple[Json, int]) -> int:
            event, copies_left = planned
            if pause:
                self._wake.wait(pause * self._chance.random())
            return self.deliver(event, pending_webhooks=copies_left)

        with ThreadPoolExecutor(mischief.get("concurrency", 1)) as pool:
            report.statuses.update(pool.map(post, queue))
        return report

    def _order(
        self, events: list[Json], mischief: Mischief, report: Report
    ) -> list[tuple[Json, int]]:
        """What is posted in which order, with `pending_webhooks` as it varies between copies."""
        queue: list[tuple[Json, int]] = []
        for event in events:
            if self._happens(mischief.get("drop", 0.0)):
                report.dropped.append(str(event["id"]))
                continue
            queue.append((event, 1))
            if self._happens(mischief.get("duplicates", 0.0)):
                queue.append((event, 0))
        if mischief.get("shuffle", False):
            self._chance.shuffle(queue)
        elif window := mischief.get("window", 0):
            slipped = [
                (place + self._chance.randint(0, window), place) for place in range(len(queue))
            ]
            queue = [queue[place] for _, place in sorted(slipped)]
        return queue

    def _happens(self, rate: float) -> bool:
        return self._chance.randrange(_PERMILLE) < round(rate * _PERMILLE)

    def _known(self, event: Json) -> bool:
        """An event of this world unchanged, not one that a test has forged."""
        kept = self.world.table("event").get(str(event.get("id")))
        return (
            kept is not None and kept["data"] == event.get("data") and kept["type"] == event["type"]
        )
