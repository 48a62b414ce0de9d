"""Processes are killed while the rail speaks and refunds go out: nothing is lost, nothing twice.

The rail tells of everything in any order, a part of it twice, and of our own refunds as they
happen. A program asks for refunds meanwhile. What is killed comes back after up to three seconds.
"""

import random
import time
from dataclasses import dataclass
from datetime import timedelta

from reconciler.flows.submit_refunds import submit_refunds
from reconciler.rails.stripe.client import StripeApi
from tests.chaos import proof, refunding
from tests.chaos.memory import watched
from tests.chaos.rail import rail
from tests.chaos.refunding import Asking, Refunds
from tests.chaos.report import Report
from tests.chaos.rig import ALL, KEY, Rig, Stores, rig
from tests.chaos.traffic import Answers, Story, Traffic, tell
from tests.chaos.truth import drift

SIZE = 10_000  # events
EVENTS_A_REFUND = 20
EVENTS_A_KILL = 50
SENDERS = 16
KILL_EVERY_SECONDS = 0.7
AWAY_SECONDS_MAX = 3.0
CATCH_UP_SECONDS_MAX = 600.0
RECOVER_SECONDS = (
    300.0  # by themselves: whoever died with a refund in hand holds it for two minutes
)
A_LEASE = timedelta(minutes=3)
ROUNDS_MAX = 20

# Who is killed: a whole process, or only a child of it (a job at work, a server of requests).
_VICTIMS = (
    ("books-1", True), ("books-2", True), ("money", True), ("clock", True), ("clock-2", True),
    ("books-1", False), ("books-2", False), ("money", False), ("money", False),
    ("web", False), ("web", False), ("web", True),
)  # fmt: skip


@dataclass(frozen=True)
class Storm:
    """How much happens, and how long the killed may take to come to rest afterwards."""

    events: int
    refunds: int
    kills: int
    recover_seconds: float

    @property
    def seconds(self) -> float:
        """About how long there is killing, so that all else goes on meanwhile."""
        return self.kills * KILL_EVERY_SECONDS


def run(
    stores: Stores, report: Report, chance: random.Random, recover_seconds: float = RECOVER_SECONDS
) -> None:
    """Kill, let them come to rest, and compare."""
    size = report.size
    refunds, kills = max(1, size // EVENTS_A_REFUND), max(1, size // EVENTS_A_KILL)
    storm = Storm(size, refunds, kills, recover_seconds)
    story = tell(storm.events, chance, paid=storm.refunds)
    with rig(stores) as there, rail(there, story.world):
        there.rest_seconds = lambda: chance.uniform(0, AWAY_SECONDS_MAX)
        proof.write_invoices(there, story)
        there.start(*(name for name in ALL if name != "sandbox"))
        there.wait_for_web()
        with watched(there) as memory:
            answers, asking = _endure(there, story, storm, chance, report)
        report.figures["largest process, MB"] = memory.megabytes
        there.stop()
        report.figures["refunds ended by a later look"] = _look_later(there)
        _compare(there, story, answers, asking, report)


def _endure(
    there: Rig, story: Story, storm: Storm, chance: random.Random, report: Report
) -> tuple[Answers, Asking]:
    traffic = Traffic(
        there,
        story.events,
        chance,
        a_second=storm.events / storm.seconds,
        senders=SENDERS,
        more_to_come=True,
    )
    story.world.on_event.append(traffic.also)
    asking = Asking(
        there,
        proof.do(there, refunding.a_key),
        refunding.wishes(story, chance),
        a_second=2 * storm.refunds / storm.seconds,
    )
    with traffic.flowing() as answers, asking.going_on():
        report.figures["kills"] = massacre(there, chance, storm.kills)
        struck = time.monotonic()
        there.until(lambda: asking.is_over, CATCH_UP_SECONDS_MAX)
        _recover(there, storm.recover_seconds)
        told = _stop_telling(story, traffic)
        there.until(lambda: traffic.is_over, CATCH_UP_SECONDS_MAX)
        there.until_drained(CATCH_UP_SECONDS_MAX)
        report.figures["events"] = len(told)
        report.none("told and not kept", told - set(proof.stored(there)))
        report.figures["at rest, seconds after the last kill"] = time.monotonic() - struck
    return answers, asking


def _stop_telling(story: Story, traffic: Traffic) -> set[str]:
    """What happens from now on is told by nobody; gives the events until now."""
    with story.world.lock:
        story.world.on_event.remove(traffic.also)
        told = set(story.world.table("event"))
    traffic.no_more()
    return told


def massacre(there: Rig, chance: random.Random, kills: int) -> dict[str, int]:
    """Kill now this one, now that one; gives how many of each died."""
    done: dict[str, int] = {}
    while sum(done.values()) < kills:
        name, is_whole = chance.choice(_VICTIMS)
        is_struck = there.kill(name) if is_whole else there.kill_child(name)
        if not is_struck:
            there.pause(0.02)  # it is dead already, or has no job at this moment
            continue
        victim = name if is_whole else f"{name}'s child"
        done[victim] = done.get(victim, 0) + 1
        there.pause(KILL_EVERY_SECONDS * chance.uniform(0.5, 1.5))
    return done


def _recover(there: Rig, seconds: float) -> None:
    """Give the processes time to end every refund by themselves."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and refunding.under_way(there):
        there.pause(0.5)


def _look_later(there: Rig) -> int:
    """Whatever was still held by the dead is looked for when they hold it no longer."""
    before = refunding.under_way(there)
    clock = proof.Clock()
    api = StripeApi(KEY, there.settings.stripe_api_base, pause=lambda _: None)
    with proof.office(there.settings, clock, api) as runtime:
        for _ in range(ROUNDS_MAX):
            if not refunding.under_way(there):
                break
            clock.ahead += A_LEASE
            submit_refunds(runtime)
    return before


def _compare(there: Rig, story: Story, answers: Answers, asking: Asking, report: Report) -> None:
    stored = proof.stored(there)
    report.figures["deliveries"] = answers.deliveries
    report.same("acknowledged", answers.acknowledged.total(), answers.deliveries)
    report.none("acknowledged and lost", set(answers.acknowledged) - set(stored))
    report.none("stored twice", proof.stored_twice(there))
    report.none("not applied", [name for name, status in stored.items() if status != "applied"])
    report.figures["answers to the rail"] = dict(sorted(answers.statuses.items()))
    report.none("answers that are none", set(answers.statuses) - {0, 200, 503})
    report.figures["answers to the till"] = dict(sorted(asking.statuses.items()))
    Refunds.of(there, story).check(report, asking.granted)
    report.none("drift", drift(there, story))
