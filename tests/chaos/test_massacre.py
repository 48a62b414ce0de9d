"""Processes are killed while the rail speaks, and the books come out as on a quiet day."""

import random
import time

import pytest

from tests.chaos import proof
from tests.chaos.rig import ALL, Rig, Stores, rig, say
from tests.chaos.traffic import Traffic, seeded, tell

EVENTS = 900
KILLS = 18
KILL_EVERY_SECONDS = 0.4
A_SECOND = 250.0
CATCH_UP_SECONDS_MAX = 40.0

pytestmark = pytest.mark.slow


def test_kill_9_at_random_loses_nothing_and_applies_nothing_twice(breakable: Stores) -> None:
    chance = seeded()
    with rig(breakable) as there:
        story = tell(EVENTS, chance, there.settings.data_dir / "sandbox.json")
        proof.write_invoices(there, story)
        there.start(*ALL)
        there.wait_for_web()
        traffic = Traffic(there, story.events, chance, a_second=A_SECOND)
        began = time.monotonic()
        with traffic.flowing() as answers:
            done = massacre(there, chance)
            struck = time.monotonic()
            there.until(lambda: traffic.is_over)
        sent = time.monotonic()
        there.until_drained(CATCH_UP_SECONDS_MAX)
        drained = time.monotonic()
        say(f"kills={done} answers={dict(answers.statuses)}")
        say(
            f"storm={struck - began:.1f}s acknowledged=+{sent - struck:.1f}s"
            f" drained=+{drained - struck:.1f}s after the last kill"
        )
        assert set(answers.statuses) <= {0, 200, 503}
        proof.nothing_lost_nothing_twice(there, story, answers)
        say(f"compared={time.monotonic() - drained:.1f}s")


def massacre(there: Rig, chance: random.Random) -> dict[str, int]:
    """Kill now this one, now that one; gives how many of each died."""
    done: dict[str, int] = {}
    while sum(done.values()) < KILLS:
        name, whole = chance.choice(_VICTIMS)
        if whole:
            there.kill(name)
        elif not there.kill_child(name):
            there.pause(0.02)  # no job at this moment
            continue
        victim = name if whole else f"{name}'s child"
        done[victim] = done.get(victim, 0) + 1
        there.pause(KILL_EVERY_SECONDS * chance.uniform(0.5, 1.5))
    return done


# Who is killed: a whole process, or only a child of it (a job at work, a server of requests).
_VICTIMS = (
    ("books-1", True), ("books-2", True), ("money", True), ("clock", True), ("clock-2", True),
    ("books-1", False), ("books-2", False), ("books-1", False), ("books-2", False),
    ("money", False), ("web", False), ("web", False), ("web", True),
)  # fmt: skip
