"""Two clocks and two workers: each tick is fired once, each job's work is done once."""

import sys
from dataclasses import replace

import pytest

from tests.chaos import proof
from tests.chaos.rig import Rig, Stores, rig
from tests.chaos.traffic import Traffic, seeded, tell
from tests.tiers import size

EVENTS = size(quick=60, full=200)
TICKS_MIN = 12
CATCH_UP_SECONDS_MAX = 40.0

# One look after the other: tests/flows/test_turns.py and test_recover.py.
pytestmark = [pytest.mark.slow, pytest.mark.thorough]

_TICKS = "select job || ' ' || to_char(tick, 'HH24:MI:SS.MS') from job_tick"


def test_two_clocks_fire_each_tick_once_and_two_workers_do_each_event_once(
    breakable: Stores,
) -> None:
    chance = seeded()
    with rig(breakable) as there:
        for name in ("clock", "clock-2"):
            command = there.commands[name]
            quick = [sys.executable, "-m", "tests.chaos.quick_clock"]
            there.commands[name] = replace(command, arguments=quick)
        story = tell(EVENTS, chance, there.settings.data_dir / "sandbox.json")
        proof.write_invoices(there, story)
        there.start("sandbox", "web", "books-1", "books-2", "clock", "clock-2")
        there.wait_for_web()
        traffic = Traffic(there, story.events, chance, a_second=300)
        with traffic.flowing() as answers:
            there.until(lambda: traffic.is_over)
        there.until_drained(CATCH_UP_SECONDS_MAX)
        there.until(lambda: len(_taken(there)) >= TICKS_MIN)
        there.stop("clock", "clock-2")
        taken = _taken(there)
        assert len(taken) == len(set(taken)), "a tick was fired twice"
        assert len(taken) == len(breakable.query(_TICKS, there.database))
        assert {said.split()[1] for said in taken} == {"one", "two"}
        proof.nothing_lost_nothing_twice(there, story, answers)


def _taken(there: Rig) -> list[str]:
    logs = there.stores.folder.glob(f"{there.database}-clock*.log")
    return [
        line for log in logs for line in log.read_text().splitlines() if line.startswith("took ")
    ]
