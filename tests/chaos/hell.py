"""Refunds over a rail from hell: most calls go wrong, clocks leap by a day, each leaves once.

Two workers send, and nobody tells them anything: no event, no comparison. What became of a refund
they can find out only by looking. Groups of refunds follow each other, so that each meets a leap
at most once: a clock that is suddenly wrong by more than a day, or a day at which nobody worked.
"""

import heapq
import random
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path

from sqlmodel import select
from typing_extensions import override

from reconciler.books.consent import RefundPolicy
from reconciler.flows.apply_inbox import apply_inbox
from reconciler.rails.stripe.client import StripeApi
from reconciler.sandbox.faults import Fault, Faults
from reconciler.sandbox.world import World
from reconciler.services import refunds
from reconciler.services.refunds import RefundAsk
from reconciler.store.payments import Payment
from reconciler.work import Cause
from tests.chaos import proof, refunding
from tests.chaos.leaping import Ahead
from tests.chaos.rail import rail
from tests.chaos.refunding import MANUAL_MAX, Refunds, Wish
from tests.chaos.report import Report
from tests.chaos.rig import KEY, Rig, Stores, rig
from tests.chaos.traffic import Story, tell
from tests.chaos.truth import drift

SIZE = 500  # refunds
GROUP = 50  # refunds that are asked for at once
GROUPS_MIN = 4
LEAPS = 0.3  # of all groups
LEAPS_MIN = 2  # one of each kind
LEAP_HOURS = (24.5, 40.0)
QUIET_SECONDS_MAX = 300.0
TOGETHER = 1.1  # what falls due a tenth later is done along with what is due first
STEPS_MAX = 400  # of a group: a look each hour for two days, and some
PROGRAM = Cause("api_key", "key_till")

# What befalls a POST of a refund: its share of all, the fault, and more about it.
BEFALLS: tuple[tuple[float, str, dict], ...] = (
    (0.20, "drop_after", {}),
    (0.10, "drop_before", {}),
    *((0.01, "late_effect", {"seconds": seconds}) for seconds in (30, 120, 240, 420, 600)),
    (0.05, "answer", {"status": 500}),
    (0.03, "saved_500", {"effect": True}),
    (0.02, "saved_500", {"effect": False}),
    (0.10, "answer", {"status": 429}),
    (0.05, "answer", {"status": 409}),
)

# To be done now, or in somebody's hands.
_BUSY = """select count(*) from refund_leg
  where due_at <= %s or lease_token is not null and lease_until >= %s"""
_NEXT = "select min(due_at) from refund_leg"
_SENDS = "select coalesce(sum(sends), 0) from refund_attempt"
_SENT = "select count(*) from refund_attempt where first_sent_at is not null"


class Hell(Faults):
    """The faults of a rail from hell; what it does late is late by the rail's own clock."""

    def __init__(self, world: World, seed: int) -> None:
        super().__init__(seed)
        self.befell: Counter[str] = Counter()
        self._world = world
        self._pending: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        left = 1.0
        for share, kind, more in BEFALLS:
            rule = {"method": "POST", "path": "/v1/refunds", "count": None}
            self.add(kind, probability=share / left, **rule, **more)
            left -= share

    @override
    def take(self, method: str, path: str) -> Fault | None:
        fault = super().take(method, path)
        if fault is not None:
            self.befell[
                f"{fault.kind} {fault.status}" if fault.kind == "answer" else fault.kind
            ] += 1
        return fault

    @override
    def later(self, seconds: float, work: Callable[[], None]) -> None:
        heapq.heappush(self._pending, (self._world.now() + seconds, next(self._numbers), work))

    def pass_time(self, seconds: float) -> None:
        """The rail's clock goes on, and what is late happens at its second."""
        until = self._world.now() + round(seconds)
        while self._pending and self._pending[0][0] <= until:
            due, _, work = heapq.heappop(self._pending)
            self._world.advance(max(0, round(due) - self._world.now()))
            work()
        self._world.advance(max(0, until - self._world.now()))


@dataclass
class Scene:
    """Workers whose clock is ours, and a rail whose clock may be another."""

    there: Rig
    story: Story
    ours: Ahead
    hell: Hell
    granted: dict[str, str] = field(default_factory=dict)
    steps: int = 0
    _sent_before: int = 0

    def ask(self, wanted: list[Wish]) -> None:
        """A program asks for these refunds, and they are let go at once."""
        self._sent_before = self._count(_SENT)
        clock = proof.Clock(timedelta(seconds=self.ours.seconds))
        with proof.office(self.there.settings, clock, _api(self.there)) as runtime:
            with runtime.read() as session:
                known = {row.rail_payment_id: row.id for row in session.exec(select(Payment))}
            for wish in wanted:
                ask = RefundAsk(
                    reason="goodwill", payment_id=known[wish.intent], amount=wish.amount
                )
                step = partial(refunds.request, ask=ask, policy=RefundPolicy())
                self.granted[wish.intent] = runtime.do(PROGRAM, step)

    def until_sent(self, count: int) -> None:
        """Wait until so many of the last ones that were asked for have begun to leave."""
        wanted = self._sent_before + count
        self.there.until(lambda: self._count(_SENT) >= wanted, QUIET_SECONDS_MAX)

    def until_quiet(self) -> None:
        """Wait until nothing is to be done now and nobody has anything in hand."""
        self.there.until(
            lambda: not self._count(_BUSY, self.ours.now(), self.ours.now()), QUIET_SECONDS_MAX
        )

    def come_to_rest(self) -> None:
        """Let time pass from one thing due to the next, until nothing is due any more."""
        for _ in range(STEPS_MAX):
            self.until_quiet()
            ((due,),) = self.there.stores.query(_NEXT, self.there.database)
            if due is None:
                return
            self.steps += 1
            wait = (due - self.ours.now()).total_seconds()
            self.pass_time(1 + wait * TOGETHER)
        raise AssertionError("there is always something due: it never comes to rest")

    def pass_time(self, seconds: float) -> None:
        """Time passes, for us and for the rail."""
        self.hell.pass_time(seconds)
        self.ours.leap(seconds)

    def sends(self) -> int:
        """How many calls were made for all of them together."""
        return self._count(_SENDS)

    def _count(self, statement: str, *values: object) -> int:
        ((count,),) = self.there.stores.query(statement, self.there.database, *values)
        return int(count)


def run(
    stores: Stores, report: Report, chance: random.Random, manual_max: float = MANUAL_MAX
) -> None:
    """Ask for refunds, group by group; then compare with what the rail really did.

    `manual_max`: which share of them may end with a person. Who meets a leap and then an error that
    the rail saves under the key does, for two days are over before the rail forgets that key.
    """
    story = tell(0, chance, paid=report.size)
    hell = Hell(story.world, report.seed)
    with rig(stores) as there, rail(there, story.world, hell):
        ours = Ahead(there.settings.data_dir / "ahead")
        _make_leaping(there, there.settings.data_dir / "ahead")
        proof.write_invoices(there, story)
        _hear_of_payments(there, story)
        there.start("money", "money-2", "clock")
        scene = Scene(there, story, ours, hell)
        groups = max(GROUPS_MIN, report.size // GROUP)
        leaps = _leaps(groups, chance)
        wanted = refunding.wishes(story, chance)
        for number in range(groups):
            _one_group(scene, wanted[number::groups], leaps.get(number), chance)
        there.stop()
        hell.clear()
        report.figures["befell"] = dict(hell.befell)
        report.figures["leaps"] = len(leaps)
        report.figures["steps of time"] = scene.steps
        report.figures["hours passed"] = ours.seconds / 3_600
        report.figures["sent"] = scene.sends()
        Refunds.of(there, story).check(report, scene.granted, manual_max)
        report.none("drift", drift(there, story, ahead=timedelta(seconds=ours.seconds)))


def _one_group(
    scene: Scene, wanted: list[Wish], leap: "Leap | None", chance: random.Random
) -> None:
    scene.ask(wanted)
    if leap is not None:
        scene.until_sent(chance.randrange(1 + len(wanted)))
        leap(scene, chance.uniform(*LEAP_HOURS) * 3_600)
    scene.come_to_rest()


Leap = Callable[[Scene, float], None]


def _wrong_clock(scene: Scene, seconds: float) -> None:
    """Our clock alone leaps ahead: what is on its way to the rail is as young as before."""
    scene.ours.leap(seconds)


def _nobody_at_work(scene: Scene, seconds: float) -> None:
    """A day and more goes by without us, and the rail forgets its keys."""
    scene.pass_time(seconds)


def _leaps(groups: int, chance: random.Random) -> dict[int, Leap]:
    """Which groups meet which leap; both kinds come."""
    struck = chance.sample(range(groups), max(LEAPS_MIN, round(LEAPS * groups)))
    return {group: (_wrong_clock, _nobody_at_work)[n % 2] for n, group in enumerate(struck)}


def _make_leaping(there: Rig, ahead: Path) -> None:
    names = {"money": "money", "money-2": "money", "clock": "clock"}
    for name, what in names.items():
        arguments = [sys.executable, "-m", "tests.chaos.leaping", str(ahead), what]
        known = there.commands[what]
        # Most of a group is unknown at some time, and nobody is there to let refunds go on.
        environ = {**known.environ, "REFUND_UNKNOWN_MAX": str(GROUP)}
        there.commands[name] = replace(known, arguments=arguments, environ=environ)


def _hear_of_payments(there: Rig, story: Story) -> None:
    with proof.office(there.settings, proof.Clock(), _api(there)) as runtime:
        proof.keep(runtime, story.events)
        apply_inbox(runtime)


def _api(there: Rig) -> StripeApi:
    return StripeApi(KEY, there.settings.stripe_api_base, pause=lambda _: None)
