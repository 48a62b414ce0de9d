"""What happens at the rail, and a rail's way of telling it: again until it hears a 2xx."""

import random
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

from reconciler.sandbox.player import body_of, sign
from reconciler.sandbox.state import keep
from reconciler.sandbox.world import Payment, World
from reconciler.services import customers, invoices
from reconciler.services.invoices import NewInvoice
from reconciler.work import Work
from tests.chaos.rig import WEBHOOK_SECRET, Rig, say

SENDERS = 8
REPEATED = 0.3  # of all events
PLAIN = 0.4  # of the payments, as long as more of those are wanted to which nothing else happens
EVENTS_A_SECOND = 3
A_DAY = timedelta(days=1)
AGAIN_SECONDS = 0.1  # a rail waits for hours; here only long enough not to be a load of its own
REQUEST_SECONDS = 10.0


def seeded() -> random.Random:
    """The chance of one test, with its seed in what a failure shows."""
    seed = random.randrange(10**6)
    say(f"seed={seed}")
    return random.Random(seed)


@dataclass
class Story:
    """Some days at the rail: what was told, and the invoices that it was about."""

    world: World
    events: list[dict] = field(default_factory=list)
    invoices: list[tuple[str, int]] = field(default_factory=list)
    paid: list[Payment] = field(default_factory=list)  # once, and nothing else befell them

    def write_invoices(self, work: Work) -> None:
        """Send every invoice."""
        customer = customers.create(work, name="Ann")
        for number, total in self.invoices:
            new = NewInvoice(customer_id=customer, currency="USD", total=total, number=number)
            invoices.send(work, invoices.create(work, new))

    def targets(self) -> dict[str, list[tuple[str, int | None]]]:
        """What each payment was for, as the oracle is told it."""
        intents = self.world.table("payment_intent").values()
        named = {intent["id"]: intent["metadata"].get("invoice") for intent in intents}
        return {intent: [(number, None)] for intent, number in named.items() if number}


def tell(
    count: int,
    chance: random.Random,
    state: Path | None = None,
    *,
    paid: int = 0,
    began: timedelta = A_DAY,
    lasted: timedelta | None = None,
) -> Story:
    """At least so many events of payments, captures, refunds and disputes.

    `paid` of the payments see nothing else. It `began` so long ago and `lasted` so long; if that is
    not said, several things happen in one second. Kept in `state` for a sandbox, if given.
    """
    world = World(lambda: datetime.fromtimestamp(time.time(), UTC), seed=chance.randrange(10**9))
    story = Story(world)
    first = world.now() - int(began.total_seconds())
    length = int(lasted.total_seconds()) if lasted else count // EVENTS_A_SECOND
    happen(story, count, chance, paid=paid, within=(first, length))
    if state is not None:
        keep(world, state)
        world.advance(0)  # a change: the file is written
    return story


def happen(
    story: Story, count: int, chance: random.Random, *, within: tuple[int, int], paid: int = 0
) -> None:
    """At least so many events in the story's world, from a second on and for so many of them."""
    world, (first, length) = story.world, within
    while world.events_made() < count or len(story.paid) < paid:
        number, total = f"INV-{len(story.invoices) + 1:05}", chance.randrange(500, 90_000)
        story.invoices.append((number, total))
        with world.at(first + length * world.events_made() // max(count, 1)):
            if len(story.paid) < paid and (not count or chance.random() < PLAIN):
                story.paid.append(world.pay(total, "usd", metadata={"invoice": number}))
            else:
                chance.choice(_BEFALLINGS)(world, chance, number, total)
    story.events = world.events()


def _paid(world: World, chance: random.Random, number: str, total: int) -> str:
    known = {"metadata": {"invoice": number}} if chance.random() < 0.9 else {}
    return world.pay(total, "usd", **known).charge


def _paid_and_refunded(world: World, chance: random.Random, number: str, total: int) -> None:
    charge = _paid(world, chance, number, total)
    world.refund(charge, chance.randrange(1, total))
    if chance.random() < 0.5:
        world.refund(charge)


def _refund_failed(world: World, chance: random.Random, number: str, total: int) -> None:
    refund = world.refund(_paid(world, chance, number, total), status="pending")
    world.advance_refund(refund, "succeeded")
    world.advance_refund(refund, "failed", "lost_or_stolen_card")


def _captured_in_part(world: World, chance: random.Random, number: str, total: int) -> None:
    held = world.authorize(total, "usd", metadata={"invoice": number})
    part = chance.randrange(1, total)
    world.capture(held.intent, part, legacy=chance.random() < 0.5)
    if chance.random() < 0.5:
        world.refund(held.charge, chance.randrange(1, part + 1))


def _captured_in_parts(world: World, chance: random.Random, number: str, total: int) -> None:
    held = world.authorize(total, "usd", metadata={"invoice": number}, multicapture=True)
    first = total // 3
    world.capture(held.intent, first, final=False)
    world.capture(held.intent, total // 4, final=True)


def _disputed(world: World, chance: random.Random, number: str, total: int) -> None:
    dispute = world.dispute(_paid(world, chance, number, total))
    world.respond(dispute)
    world.close_dispute(dispute, chance.choice(("won", "lost")))


def _debited_later(world: World, chance: random.Random, number: str, total: int) -> None:
    made = world.pay(total, "usd", method="delayed", metadata={"invoice": number})
    (world.settle_delayed if chance.random() < 0.7 else world.fail_delayed)(made.charge)


def _refused_and_paid(world: World, chance: random.Random, number: str, total: int) -> None:
    refused = world.decline(total, "usd", metadata={"invoice": number})
    world.pay(total, "usd", intent=refused.intent)


_BEFALLINGS = (
    _paid, _paid, _paid_and_refunded, _paid_and_refunded, _refund_failed, _captured_in_part,
    _captured_in_part, _captured_in_parts, _disputed, _debited_later, _refused_and_paid,
)  # fmt: skip


@dataclass
class Answers:
    """What senders heard."""

    acknowledged: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    retry_after: Counter[str | None] = field(default_factory=Counter)  # of each 503
    slowest: dict[int, float] = field(default_factory=dict)
    deliveries: int = 0


class Traffic:
    """Posts every event, a part of them twice, in any order, each until a 2xx. Runs in threads.

    With `more_to_come` its senders wait for what is told `also`, until they hear `no_more`.
    """

    def __init__(
        self,
        there: Rig,
        events: list[dict],
        chance: random.Random,
        *,
        a_second: float = 200.0,
        senders: int = SENDERS,
        more_to_come: bool = False,
    ) -> None:
        self.answers = Answers()
        self._url = there.webhook_url
        self._chance = chance
        queue = events + chance.sample(events, round(len(events) * REPEATED))
        chance.shuffle(queue)
        self.answers.deliveries = len(queue)
        self._queue = deque(queue)
        self._pause = senders / a_second
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._is_all = threading.Event()
        if not more_to_come:
            self._is_all.set()
        self._threads = [threading.Thread(target=self._send) for _ in range(senders)]

    def also(self, event: dict) -> None:
        """One more event, which comes at any time among the others, perhaps twice."""
        with self._lock:
            for _ in range(1 + (self._chance.random() < REPEATED)):
                self._queue.insert(self._chance.randint(0, len(self._queue)), event)
                self.answers.deliveries += 1

    def no_more(self) -> None:
        """What is told by now is all."""
        self._is_all.set()

    @property
    def is_over(self) -> bool:
        """Whether every delivery was acknowledged."""
        return not any(thread.is_alive() for thread in self._threads)

    @contextmanager
    def flowing(self) -> Iterator[Answers]:
        """Senders send while the block lasts; it must not end before they are through."""
        for thread in self._threads:
            thread.start()
        try:
            yield self.answers
            assert self.is_over, "the rail still had something to say"
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()

    def _send(self) -> None:
        with requests.Session() as session:
            while not self._stop.is_set():
                is_all = self._is_all.is_set()  # asked first: what came before it is in the queue
                event = self._next()
                if event is None:
                    if is_all:
                        return
                    self._stop.wait(AGAIN_SECONDS)
                    continue
                while not self._deliver(session, event) and not self._stop.wait(AGAIN_SECONDS):
                    continue
                self._stop.wait(self._pause)

    def _next(self) -> dict | None:
        with self._lock:
            return self._queue.popleft() if self._queue else None

    def _deliver(self, session: requests.Session, event: dict) -> bool:
        status, retry_after, seconds = post(session, self._url, body_of(event))
        said = self.answers
        with self._lock:
            said.statuses[status] += 1
            said.slowest[status] = max(said.slowest.get(status, 0.0), seconds)
            if status == 503:
                said.retry_after[retry_after] += 1
            if status // 100 == 2:
                said.acknowledged[event["id"]] += 1
        return status // 100 == 2


def post(session: requests.Session, url: str, body: bytes) -> tuple[int, str | None, float]:
    """Post signed bytes; gives the status (0: no answer), Retry-After and how long it took."""
    began = time.monotonic()
    header = sign(WEBHOOK_SECRET, body, int(time.time()))
    try:
        answer = session.post(
            url, data=body, headers={"Stripe-Signature": header}, timeout=REQUEST_SECONDS
        )
    except requests.RequestException:
        return 0, None, time.monotonic() - began
    return answer.status_code, answer.headers.get("Retry-After"), time.monotonic() - began
