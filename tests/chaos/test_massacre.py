"""Processes are killed while the rail speaks, and the books come out as on a quiet day."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos import proof
from tests.chaos.rig import Rig, Stores, rig, stores
from tests.chaos.traffic import Traffic, tell

EVENTS = 1_500
KILLS = 26
KILL_EVERY_SECONDS = 0.45
CATCH_UP_SECONDS_MAX = 40.0

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    with stores(tmp_path_factory.mktemp("massacre")) as made:
        yield made


def test_kill_9_at_random_loses_nothing_and_applies_nothing_twice(servers: Stores) -> None:
    chance = random.Random(seed := random.randrange(10**6))
    print(f"seed={seed}")
    with rig(servers) as there:
        story = tell(EVENTS, chance, there.settings.data_dir / "sandbox.json")
        proof.write_invoices(there, story)
        there.start("sandbox", "web", "money", "books-1", "books-2", "clock", "clock-2")
        there.wait_for_web()
        traffic = Traffic(
            there.webhook_url,
            there.settings.stripe_webhook_secrets[0].reveal(),
            story.events,
            chance,
            a_second=EVENTS * 1.3 / (KILLS * KILL_EVERY_SECONDS),
        )
        began = time.monotonic()
        with traffic.flowing() as answers:
            done = massacre(there, chance)
            struck = time.monotonic()
            there.until(lambda: traffic.is_over)
        sent = time.monotonic()
        there.until_drained(CATCH_UP_SECONDS_MAX)
        drained = time.monotonic()
        print(f"kills={done} deaths={there.deaths} answers={dict(answers.statuses)}")
        print(f"storm={struck - began:.1f}s all_acknowledged=+{sent - struck:.1f}s "
              f"drained=+{drained - struck:.1f}s after the last kill")
        assert set(answers.statuses) <= {0, 200, 503}
        proof.nothing_lost_nothing_twice(there, story, answers)
        print(f"compared={time.monotonic() - drained:.1f}s")


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
