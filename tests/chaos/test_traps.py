"""What befalls money after it came, told to real processes: refunds, disputes and bank debits.

The same stories and tables as in tests/stories, all of them at once in one world: shuffled, each
event once to three times, through several connections to the web process, while two workers apply,
one asks the rail and sends refunds, and the clock sweeps. `./test` takes every third story.
"""

import random
import time
from dataclasses import dataclass, field

import pytest

from tests import oracle
from tests.chaos.office import BusyOffice, busy_office
from tests.chaos.rig import Stores, rig, say
from tests.chaos.traffic import seeded
from tests.stories import (
    test_delays,
    test_disputes,
    test_losses,
    test_refunds_ours,
    test_refunds_seen,
)
from tests.stories.pages import Page, Shown, documents_match, page_of, read_table
from tests.stories.telling import Telling
from tests.stories.traps import REPEATS_MAX, THE_END, Trap, script
from tests.tiers import size

LISTS = (
    test_delays.traps,
    test_refunds_seen.traps,
    test_refunds_ours.traps,
    test_refunds_ours.alone,
    test_disputes.traps,
    test_losses.traps,
)
# It takes more than a day until the rail forgets a key, and the clock of real processes is real.
TAKES_DAYS = {"49-the-rail-has-forgotten-the-key"}
STARTED = ("web", "money", "books-1", "books-2", "clock")
PARTS_MAX = 12

pytestmark = pytest.mark.slow


@dataclass
class _Told:
    """One story under way, and the page that it should have come to."""

    trap: Trap
    telling: Telling
    news: list[dict] = field(default_factory=list)
    wanted: Page | None = None
    is_over: bool = False

    def __post_init__(self) -> None:
        self._script = script(self.trap.story, self.telling)

    def go_on(self) -> None:
        """The next part, with the news of it."""
        self.telling.begin()
        said = next(self._script, THE_END)
        self.is_over = said == THE_END
        table = self.trap.table if self.is_over else said
        self.wanted = read_table(table) if table else None
        self.news = [] if self.is_over else self._in_its_shape(self.telling.news())

    def differs(self, shown: Shown) -> tuple[Page, Page] | None:
        """What is shown and what should be, where they differ."""
        if self.wanted is None:
            return None
        found = page_of(shown, self.telling, self.wanted)
        return None if found == self.wanted else (found, self.wanted)

    def _in_its_shape(self, news: list[dict]) -> list[dict]:
        version = self.trap.world.get("api_version")
        if version is None:
            return news
        world = self.telling.world
        return [world.event_for(event["id"], version) for event in news]


@pytest.mark.thorough  # tests/stories tells each of them in one process
def test_refunds_disputes_and_debits_come_out_right_in_real_processes(breakable: Stores) -> None:
    chance = seeded()
    traps = [trap for some in LISTS for trap in some if trap.name not in TAKES_DAYS]
    traps = traps[:: size(quick=3, full=1)]
    began = time.monotonic()
    with rig(breakable) as there, busy_office(there, *STARTED) as office:
        office.world.endpoint_versions.update(_versions(traps))
        told = [_Told(trap, Telling(office, str(n))) for n, trap in enumerate(traps)]
        say(f"stories={len(told)} started={time.monotonic() - began:.1f}s")
        for _ in range(PARTS_MAX):
            for one in told:
                if not one.is_over:
                    one.go_on()
            if all(one.is_over for one in told):
                break
            deliveries = _deal([event for one in told for event in one.news], chance)
            assert set(office.deliver(*deliveries)) <= {200}
            _come_to(office, told)
            say(f"deliveries={len(deliveries)} at={time.monotonic() - began:.1f}s")
        _check(office, told)
        office.replay()
        _come_to(office, told)
        _check(office, told)
        assert there.deaths == 0
    say(f"all={time.monotonic() - began:.1f}s")


def _versions(traps: list[Trap]) -> set[str]:
    return {str(trap.world["api_version"]) for trap in traps if "api_version" in trap.world}


def _deal(news: list[dict], chance: random.Random) -> list[dict]:
    """Each event once to three times, in any order."""
    dealt = [event for event in news for _ in range(chance.randint(1, REPEATS_MAX))]
    chance.shuffle(dealt)
    return dealt


def _come_to(office: BusyOffice, told: list[_Told]) -> None:
    """Wait until every page says what its table says, and nobody is at it any more."""
    office.drain()
    try:
        office.wait_for(lambda: not _differing(office, told))
    except AssertionError:
        assert _differing(office, told) == {}
    office.drain()


def _differing(office: BusyOffice, told: list[_Told]) -> dict[str, tuple[Page, Page]]:
    shown = Shown.by(office)
    found = {one.trap.name: one.differs(shown) for one in told}
    return {name: pages for name, pages in found.items() if pages}


def _check(office: BusyOffice, told: list[_Told]) -> None:
    """Every table, the oracle's books of the whole world, and the laws."""
    assert _differing(office, told) == {}
    assert office.unfinished() == []
    assert office.violations() == []
    tellings = [one.telling for one in told]
    books = oracle.expected(
        office.world.truth.tables,
        [document for telling in tellings for document in telling.known],
        {payment: what for telling in tellings for payment, what in telling.targets.items()},
        {payment for telling in tellings for payment in telling.reopening},
        decided={dispute: how for t in tellings for dispute, how in t.decided.items()},
    )
    documents_match(Shown.by(office), books)
