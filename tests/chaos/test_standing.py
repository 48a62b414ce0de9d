"""The standing runs, small: each is there at full size as a command, see README.md."""

import random
from collections.abc import Callable

import pytest

from tests.chaos import backlog, gap, hell, massacre
from tests.chaos.report import Report
from tests.chaos.rig import Stores, say
from tests.tiers import size

EVENTS_KILLED, EVENTS_LOST = size(quick=160, full=800), 400
EVENTS_WAITING = 1_500
REFUNDS = 20
RECOVER_SECONDS = 10.0
MANUAL_MAX = 0.25  # one in a hundred of twenty is none, and two strokes of bad luck are enough
EVENTS_A_SECOND_MIN = 10.0  # the processes start meanwhile, and others use the machine

pytestmark = pytest.mark.slow


def test_kill_9_at_random_loses_nothing_and_does_nothing_twice(breakable: Stores) -> None:
    def run(stores: Stores, report: Report, chance: random.Random) -> None:
        massacre.run(stores, report, chance, RECOVER_SECONDS)

    report = _report(breakable, run, "massacre", EVENTS_KILLED)
    assert report.breaches == []
    assert sum(report.figures["kills"].values()) == EVENTS_KILLED // massacre.EVENTS_A_KILL
    assert report.figures["refunds granted"] == EVENTS_KILLED // massacre.EVENTS_A_REFUND


@pytest.mark.thorough  # each of its faults alone: tests/flows/test_refund_faults.py
def test_over_a_rail_from_hell_each_refund_leaves_once(breakable: Stores) -> None:
    def run(stores: Stores, report: Report, chance: random.Random) -> None:
        hell.run(stores, report, chance, MANUAL_MAX)

    report = _report(breakable, run, "hell", REFUNDS)
    assert report.breaches == []
    assert report.figures["sent"] > REFUNDS, "nothing went wrong"
    assert report.figures["hours passed"] > 48, "no clock has leapt"


@pytest.mark.thorough  # one silence after the other: tests/stories/test_gaps.py
def test_what_never_came_is_healed_by_one_comparison_and_the_next_finds_nothing(
    breakable: Stores,
) -> None:
    report = _report(breakable, gap.run, "gap", EVENTS_LOST)
    assert report.breaches == []
    assert report.figures["in the silence"] > report.figures["never sent"] > 0


@pytest.mark.thorough  # in one process: tests/flows/test_apply_inbox.py
def test_a_full_inbox_is_worked_off_in_order_and_news_need_not_wait(breakable: Stores) -> None:
    def run(stores: Stores, report: Report, chance: random.Random) -> None:
        backlog.run(stores, report, chance, EVENTS_A_SECOND_MIN)

    report = _report(breakable, run, "backlog", EVENTS_WAITING)
    assert report.breaches == []
    assert report.figures["news"] > 0


def _report(
    stores: Stores, run: Callable[[Stores, Report, random.Random], None], name: str, size: int
) -> Report:
    """What came of a run; shown beside a failure."""
    seed = random.randrange(10**6)
    report = Report(name, seed, size)
    run(stores, report, random.Random(seed))
    for line in report.lines():
        say(line)
    return report
