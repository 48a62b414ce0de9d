"""Events that never come, events that were never made, two days of silence: comparing heals it all.

What did arrive is applied by workers. Then they stop, and `reconciler reconcile` alone is run, as
an operator would. It has to bring the books to the rail's truth at once, and to find nothing more
when it is run again.
"""

import json
import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reconciler.books.reconciliation import IN_WORDS, Difference
from reconciler.settings import inherited_environment
from tests.chaos import proof
from tests.chaos.rail import rail
from tests.chaos.report import Report
from tests.chaos.rig import ROOT, Rig, Stores, rig
from tests.chaos.traffic import Story, Traffic, tell
from tests.chaos.truth import wrong_now

SIZE = 5_000  # events
NEVER_SENT = 0.05
NEVER_MADE = 0.01
SILENCE = timedelta(hours=48)  # nothing at all arrives of the last two days
BEGAN, LASTED = timedelta(days=6), timedelta(days=5, hours=20)
CATCH_UP_SECONDS_MAX = 600.0
CYCLE_SECONDS_MAX = 1_800.0


def run(stores: Stores, report: Report, chance: random.Random) -> None:
    """Lose events, compare twice, and hold the books against the rail's truth."""
    story = tell(report.size, chance, began=BEGAN, lasted=LASTED)
    with rig(stores) as there, rail(there, story.world):
        proof.write_invoices(there, story)
        arrived = _what_arrives(story, chance, report)
        _deliver(there, arrived, chance)
        report.at_least("wrong before", len(wrong_now(there, story)), 1)
        first, second = _cycle(there), _cycle(there)
        for name, told in (("first", first), ("second", second)):
            report.figures[f"{name} cycle"] = (
                f"{told['seconds']:.0f} s, {told['checked']} checked, {told['matched']} matched,"
                f" {told['healed']} healed, {told['unhealed']} left"
            )
        report.same("first cycle's drift", first["drift"], {})
        report.same("first cycle's exit code", first["exit"], 0)
        report.none("not explained", [found for found in first["discrepancies"] if _is_odd(found)])
        report.same("second cycle healed", second["healed"], 0)
        report.none("second cycle found", second["discrepancies"])
        report.same("second cycle matched", second["matched"], second["checked"])
        report.none("drift", wrong_now(there, story))


def _what_arrives(story: Story, chance: random.Random, report: Report) -> list[dict]:
    """The events that are sent; some of the others the rail has never made."""
    events = story.events
    never_made = {e["id"] for e in chance.sample(events, round(NEVER_MADE * len(events)))}
    for event_id in never_made:
        del story.world.table("event")[event_id]
    silent_from = story.world.now() - SILENCE.total_seconds()
    heard = [e for e in events if e["created"] < silent_from]
    lost = {e["id"] for e in chance.sample(heard, round(NEVER_SENT * len(heard)))}
    report.figures["events"] = len(events)
    report.figures["never made"] = len(never_made)
    report.figures["never sent"] = len(lost)
    report.figures["in the silence"] = len(events) - len(heard)
    return [e for e in heard if e["id"] not in lost | never_made]


def _deliver(there: Rig, events: list[dict], chance: random.Random) -> None:
    """What arrives is applied as far as it goes; nobody asks the rail for anything."""
    there.start("web", "books-1", "clock")
    there.wait_for_web()
    traffic = Traffic(there, events, chance, a_second=500)
    with traffic.flowing():
        there.until(lambda: traffic.is_over, CATCH_UP_SECONDS_MAX)
    there.until(lambda: not _waiting(there), CATCH_UP_SECONDS_MAX)
    there.stop()


def _waiting(there: Rig) -> int:
    waiting = there.unfinished()
    return waiting["new"] + waiting["pending"]


def _cycle(there: Rig) -> dict:
    """One run of the command over the whole time; what it says, its exit code and its length."""
    since = datetime.now(UTC) - BEGAN - timedelta(hours=1)
    asked = ["reconcile", "--rail", "stripe", "--since", since.isoformat(), "--json"]
    began = time.monotonic()
    ended = subprocess.run(
        [str(Path(sys.executable).with_name("reconciler")), *asked],
        cwd=ROOT,
        env={**inherited_environment(), **there.settings.to_environ()},
        capture_output=True,
        text=True,
        timeout=CYCLE_SECONDS_MAX,
        check=False,
    )
    assert ended.returncode in (0, 1), ended.stderr
    return {
        **json.loads(ended.stdout),
        "exit": ended.returncode,
        "seconds": time.monotonic() - began,
    }


def _is_odd(found: dict) -> bool:
    """Whether a discrepancy is left, or is of a kind that nobody is told about in words."""
    return not found["healed"] or Difference(found["kind"]) not in IN_WORDS
