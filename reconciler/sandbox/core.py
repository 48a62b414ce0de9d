"""What every part of the sandbox stands on: the truth, the lock, the clock, the events."""

import copy
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from reconciler.sandbox import objects, shapes
from reconciler.sandbox.ids import IdMaker
from reconciler.sandbox.json_types import Json
from reconciler.sandbox.problems import missing
from reconciler.sandbox.rows import Movement
from reconciler.sandbox.versions import NEWEST

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound="Core")

_RECENT_EVENTS_SECONDS = 30 * 86_400


@dataclass(slots=True)
class Truth:
    """All that the sandbox knows; plain enough to be written to a file as JSON."""

    tables: dict[str, dict[str, Json]] = field(
        default_factory=lambda: {kind: {} for kind in shapes.KINDS}
    )
    other_renderings: dict[str, Json] = field(default_factory=dict)
    delivered: dict[str, bool] = field(default_factory=dict)
    idempotency: dict[str, Json] = field(default_factory=dict)
    notes: dict[str, Json] = field(default_factory=dict)
    ids_made: int = 0
    clock_ahead: int = 0


@dataclass(frozen=True, slots=True)
class Cause:
    """The request behind an event; both null where Stripe acted by itself."""

    request_id: str | None = None
    idempotency_key: str | None = None


NOBODY = Cause()


class Core:
    """The truth with its lock. Every public operation takes the lock for its whole length."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        seed: int = 0,
        account: str = "acct_sandbox",
        api_version: str = NEWEST,
        *,
        livemode: bool = False,
        salt: str = "",
    ) -> None:
        self.account = account
        self.api_version = api_version
        self.livemode = livemode
        self.base_url = "http://127.0.0.1"
        # Off, the balance may go below zero; on, a card refund waits and any other one fails.
        self.enforce_balance = False
        # How refunds made through the API will go, first come first served.
        self.refund_plans: list[Json] = []
        self.lock = threading.RLock()
        self.truth = Truth()
        self.endpoint_versions: set[str] = set()
        self.on_event: list[Callable[[Json], None]] = []
        self.on_change: list[Callable[[], None]] = []
        self._clock = clock
        self._frozen: int | None = None
        self._ids = IdMaker(seed, salt)
        # Apart, so that a look at the API never changes the ids of what comes next.
        self._request_ids = IdMaker(seed, f"{salt}/requests")
        self._cause: Cause | None = None
        self._depth = 0
        self._unannounced: list[Json] = []

    # Time

    def now(self) -> int:
        """The world's second."""
        if self._frozen is not None:
            return self._frozen
        return self.real_now() + self.truth.clock_ahead

    def real_now(self) -> int:
        """The second outside, where webhooks are signed: no time travel shows in it."""
        return int(self._clock().timestamp())

    def advance(self, seconds: int) -> int:
        """Let time pass; gives the new second. Money becomes available, keys are forgotten."""
        with self.acting(NOBODY):
            self.truth.clock_ahead += seconds
            return self.now()

    @contextmanager
    def at(self, second: int) -> Iterator[None]:
        """Do what follows at another second, for example last month. Holds the lock meanwhile."""
        with self.lock:
            before, self._frozen = self._frozen, second
            try:
                yield
            finally:
                self._frozen = before

    # Who acts

    @contextmanager
    def together(self) -> Iterator[None]:
        """Hold the lock; when the outermost hold ends, tell the listeners what happened."""
        with self.lock:
            self._depth += 1
            try:
                yield
                if self._depth == 1:
                    self.settle_what_waits()
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._announce()

    @contextmanager
    def acting(self, cause: Cause | None = None) -> Iterator[None]:
        """Do something for a cause: this one, the one already acting, or a new request."""
        with self.together():
            outer = self._cause
            self._cause = cause or outer or Cause(self.new_request_id())
            try:
                yield
            finally:
                self._cause = outer

    def settle_what_waits(self) -> None:
        """What Stripe does by itself after anything happened; nothing, as far as is known here."""

    def _announce(self) -> None:
        self.truth.ids_made = self._ids.made
        for changed in self.on_change:
            changed()
        events, self._unannounced = self._unannounced, []
        for event in events:
            for listen in self.on_event:
                listen(event)

    def restore(self, truth: Truth) -> None:
        """Take up a truth that was kept in a file; ids go on where they stopped."""
        with self.lock:
            for kind in shapes.KINDS:
                truth.tables.setdefault(kind, {})
            self.truth = truth
            self._ids.made = truth.ids_made

    def dump(self) -> str:
        """The whole truth as JSON text."""
        with self.lock:
            kept = {part.name: getattr(self.truth, part.name) for part in fields(self.truth)}
            return json.dumps(kept)

    # Objects

    def new_id(self, prefix: str) -> str:
        """An id of the world's own making."""
        return self._ids.next(prefix)

    def new_request_id(self) -> str:
        """`req_…`, as every answer carries one."""
        with self.lock:
            return self._request_ids.next("req")

    def stamp(self, prefix: str) -> objects.Stamp:
        """Id, second and mode for a new object."""
        return objects.Stamp(self.new_id(prefix), self.now(), self.livemode)

    def table(self, kind: str) -> dict[str, Json]:
        """All objects of a kind in the order in which they were made."""
        return self.truth.tables[kind]

    def add(self, made: Json) -> Json:
        """Keep a new object."""
        self.table(made["object"])[made["id"]] = made
        return made

    def get(self, kind: str, object_id: str, *, param: str = "id") -> Json:
        """The kept object itself. Raises StripeProblem (404) where there is none."""
        found = self.table(kind).get(object_id)
        if found is None:
            raise missing(kind, object_id, param=param)
        return found

    def book(self, movement: Movement) -> Json:
        """Add a row to the balance."""
        stamp = self.stamp("txn")
        row = objects.balance_transaction(stamp, movement.kind, movement.category)
        movement.fill(row)
        return self.add(row)

    def render(self, kept: Json, version: str | None = None) -> Json:
        """A copy as the API shows it in a version, the world's own by default."""
        with self.lock:
            return shapes.render(kept, version or self.api_version, self.truth.tables, self.now())

    def show(self, object_id: str, version: str | None = None) -> Json:
        """Any object by its id, rendered. Raises StripeProblem (404)."""
        with self.lock:
            for table in self.truth.tables.values():
                if object_id in table:
                    return self.render(table[object_id], version)
        raise missing("object", object_id)

    # Events

    def emit(self, kind: str, kept: Json, *, before: Json | None = None) -> Json:
        """Make an event: a snapshot of `kept` that will never change.

        `before`, a copy taken before the change, becomes `previous_attributes`.
        """
        version = self.api_version
        event = objects.event(self.stamp("evt"), kind, version)
        cause = self._cause or NOBODY
        event["request"] = {"id": cause.request_id, "idempotency_key": cause.idempotency_key}
        event["data"] = self._data(kept, before, version)
        self.add(event)
        self.truth.delivered[event["id"]] = False
        for other in self.endpoint_versions - {version}:
            rendering = event | {"api_version": other, "data": self._data(kept, before, other)}
            self.truth.other_renderings[f"{event['id']} {other}"] = rendering
        self._unannounced.append(copy.deepcopy(event))
        return event

    def _data(self, kept: Json, before: Json | None, version: str) -> Json:
        data = {"object": self.render(kept, version)}
        if before is not None:
            previous = shapes.difference(self.render(before, version), data["object"])
            data["previous_attributes"] = previous
        return data

    def events(self, since: int = 0) -> list[Json]:
        """Events in the order of their making, without the first `since`."""
        with self.lock:
            return [copy.deepcopy(e) for e in list(self.table("event").values())[since:]]

    def events_made(self) -> int:
        """How many events there have been; a mark for `events(since=…)`."""
        with self.lock:
            return len(self.table("event"))

    def event_for(self, event_id: str, version: str | None) -> Json:
        """An event as an endpoint of that version gets it; made when it happened, never anew."""
        with self.lock:
            event = self.get("event", event_id)
            return copy.deepcopy(self.truth.other_renderings.get(f"{event_id} {version}", event))

    def recent(self, event: Json) -> bool:
        """Whether the API still knows the event: it forgets after 30 days."""
        return bool(event["created"] > self.now() - _RECENT_EVENTS_SECONDS)


def requested(method: Callable[Concatenate[C, P], R]) -> Callable[Concatenate[C, P], R]:
    """An operation that somebody asked for: its events name a request."""

    @wraps(method)
    def locked(self: C, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.acting():
            return method(self, *args, **kwargs)

    return locked


def automatic(method: Callable[Concatenate[C, P], R]) -> Callable[Concatenate[C, P], R]:
    """An operation of Stripe, a bank or a network: its events name no request."""

    @wraps(method)
    def locked(self: C, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.acting(NOBODY):
            return method(self, *args, **kwargs)

    return locked
