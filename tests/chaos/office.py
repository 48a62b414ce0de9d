"""An office whose work is done by real processes, for stories that were told to one in a process.

The world is here and answers over HTTP; webhooks go to the real web process; workers and the clock
do the rest at their own pace. Nothing waits for a time: all waits are for a state.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import requests
from typing_extensions import override

from reconciler.errors import Unavailable
from reconciler.runtime import Runtime
from reconciler.sandbox.app import create_sandbox
from reconciler.sandbox.faults import Faults
from reconciler.sandbox.player import body_of
from reconciler.sandbox.server import serve
from reconciler.sandbox.world import World
from tests.chaos.rig import KEY, PATIENCE_SECONDS, Rig
from tests.chaos.traffic import post
from tests.runtime import A_WEEK, Line, Office

SENDERS = 6
A_SECOND = 1.01  # times at the rail have no finer grain
LOOK_SECONDS = 0.05

# Nothing is new, nobody has a refund in hand, each payment was asked about since its last news.
_AT_REST = """select not exists (select from inbox_event e
      left join inbox_outcome o on o.seq = e.seq
      where e.quarantine is null and coalesce(o.status, 'pending') in ('pending', 'parked'))
  and not exists (select from payment where fetch_due_at is not null and fetch_attempts = 0)
  and not exists (select from refund_leg where status in ('approved', 'submitted'))"""
_APPLIED = """select not exists (select from inbox_event e
      left join inbox_outcome o on o.seq = e.seq where e.quarantine is null and o.seq is null)"""
_SENT = "select not exists (select from refund_leg where status in ('approved', 'submitted'))"


class RealClock:
    """The time that it is, here and in the world."""

    def __call__(self) -> datetime:
        """This instant."""
        return datetime.now(UTC)

    def advance(self, **_by: float) -> None:
        """What a story calls a week is a second: what comes after has a later time, no more."""
        time.sleep(A_SECOND)


@dataclass(repr=False)
class BusyOffice(Office):
    """An office whose workers are at work all the time."""

    rig: Rig | None = None

    @override
    def deliver(self, *events: dict, secret: str = "") -> list[int]:
        """Post events to the web process through several doors."""

        def at_a_door(some: Sequence[dict]) -> list[int]:
            with requests.Session() as session:
                return [post(session, self._url, body_of(event))[0] for event in some]

        with ThreadPoolExecutor(SENDERS) as doors:
            parts = doors.map(at_a_door, (events[n::SENDERS] for n in range(SENDERS)))
            return [status for part in parts for status in part]

    @override
    def apply(self) -> None:
        """Until all that came in was looked at."""
        self.wait_for(lambda: bool(self.scalar(_APPLIED)))

    @override
    def submit(self) -> None:
        """Until what refunds are due were sent."""
        self.wait_for(lambda: bool(self.scalar(_SENT)))

    @override
    def drain(self, within: timedelta = A_WEEK) -> None:
        """Until nobody has anything to do at once."""
        self.wait_for(lambda: bool(self.scalar(_AT_REST)))

    def wait_for(self, is_so: Callable[[], bool]) -> None:
        """Wait for a state. In the main thread, which starts again what died."""
        assert self.rig is not None, "made by `busy_office`"
        if threading.current_thread() is threading.main_thread():
            self.rig.until(is_so)
            return
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            assert time.monotonic() < deadline, "it did not become so"
            time.sleep(LOOK_SECONDS)

    @property
    def _url(self) -> str:
        assert self.rig is not None, "made by `busy_office`"
        return self.rig.webhook_url


@contextmanager
def busy_office(there: Rig, *started: str) -> Iterator[BusyOffice]:
    """The world at the other end of the rig's line, and its processes at work."""
    world, faults = World(lambda: datetime.now(UTC), salt="traps"), Faults()
    line = Line(create_sandbox(world, faults, KEY))
    port = urlsplit(there.settings.stripe_api_base).port
    assert port, "the rig chose one"
    server = serve(line, port)
    runtime = Runtime.from_settings(there.settings)
    made = BusyOffice(world, faults, RealClock(), runtime, None, line, rig=there)
    try:
        there.start(*started)
        there.wait_for_web()
        yield made
    finally:
        there.stop()
        with suppress(Unavailable):
            runtime.engine.dispose()
        server.close()
