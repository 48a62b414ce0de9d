"""Sends each event to a webhook endpoint as it happens, again and later if need be."""

import heapq
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from reconciler.sandbox.json_types import Json
from reconciler.sandbox.player import Player
from reconciler.sandbox.world import World

# Like Stripe's own sandboxes it gives up after a few tries; the API still knows the event.
RETRY_AFTER_SECONDS = (1, 3, 10, 30, 120)


@dataclass(frozen=True, slots=True)
class Target:
    """A webhook endpoint: where, with which secret, in which API version if not the account's."""

    url: str
    secret: str | Sequence[str]
    api_version: str | None = None


class Deliverer:
    """One thread for one endpoint. Order is what retries make of it."""

    def __init__(self, world: World, target: Target) -> None:
        self.player = Player(world, target.url, target.secret, api_version=target.api_version)
        self._world = world
        self._due: list[tuple[float, int, int, Json]] = []
        self._numbers = count()
        self._held = False
        self._stopped = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, daemon=True, name="sandbox-webhooks")
        world.on_event.append(self.notice)
        self._thread.start()

    def notice(self, event: Json) -> None:
        """An event has happened."""
        with self._changed:
            if not self._held:
                self._put(0, 0, event)

    def hold(self, *, on: bool) -> None:
        """While on, what happens is not sent: somebody else plays it."""
        with self._changed:
            self._held = on

    def close(self) -> None:
        """Stop sending; what is not sent stays undelivered."""
        self._world.on_event.remove(self.notice)
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._thread.join()

    def _put(self, after: float, tries: int, event: Json) -> None:
        due = time.monotonic() + after
        heapq.heappush(self._due, (due, next(self._numbers), tries, event))
        self._changed.notify_all()

    def _work(self) -> None:
        while not self._stopped:
            taken = self._take()
            if taken is None:
                continue
            tries, event = taken
            status = self.player.deliver(event)
            if status // 100 != 2 and tries < len(RETRY_AFTER_SECONDS):
                with self._changed:
                    self._put(RETRY_AFTER_SECONDS[tries], tries + 1, event)

    def _take(self) -> tuple[int, Json] | None:
        """The next event that is due; None when there was only something to wait for."""
        with self._changed:
            wait = self._due[0][0] - time.monotonic() if self._due else None
            if wait is None or wait > 0:
                self._changed.wait(wait)
                return None
            _, _, tries, event = heapq.heappop(self._due)
            return tries, event
