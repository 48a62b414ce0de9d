"""A trap is a story with its number, told in many orders at once, and a table of what comes of it.

A story is a function of a `Telling`, or a generator: what happens before each `yield` is told to
the books before the story goes on. The news of each telling come in another order, each of them
once to three times, and are worked off one by one, or all at once through several doors and by
several workers, or with a question to the rail in between. At the end everything is done over. Each
time the books must say what the table says, what the oracle makes of the world's truth, and break
no law. A `yield` may give a table of its own.

`./test` tells a story in one way: the other way round, or mixed and all at once, which goes by its
name, so that about half of all traps are told in each; of several about one trap it leaves out
every second. `./test --all` tells all, and tries every order of three news, and more mixtures of
more; whoever has the time (HYPOTHESIS_PROFILE=thorough) every order of four.
"""

import math
import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations, zip_longest

from hypothesis import settings

from reconciler.flows.ask_rail import ask_rail
from tests import oracle
from tests.runtime import DOORS, Office
from tests.stories.pages import Shown, documents_match, page_of, read_table
from tests.stories.telling import Telling
from tests.tiers import IS_QUICK, size

# Up to how many news every order is tried, and how many tellings there are at least: in order, the
# other way round, asked in the middle, all at once, and the more mixed the longer.
FEW_EVENTS, TELLINGS_MIN = {"dev": (3, 6)}.get(settings.get_current_profile_name(), (4, 8))
ALONE = (0, 1, 2, 3)  # in order, reversed, mixed, mixed and all at once
ONE_OF = (1, 3)  # of these `./test` tells one
ASKED = size(quick=1, full=2)  # of five tellings, the one in whose middle the rail is asked
REPEATS_MAX = 3
SEED = 20_261_122

Story = Callable[[Telling], Iterator[str | None] | None]
Event = dict
Before = Callable[[Office, Event], object]
THE_END = "the end"


@dataclass(frozen=True)
class Trap:
    """A story, and what an accountant expects of it."""

    name: str
    table: str
    story: Story
    world: dict
    before: Before | None = None
    is_every_second: bool = False  # of those with its number, which are variants of one

    def __str__(self) -> str:
        return self.name

    @property
    def number(self) -> str | None:
        """What the name begins with, if that is a number."""
        return _number(self.name)


class Traps(list[Trap]):
    """The traps of one file."""

    def add(
        self, name: str, table: str, before: Before | None = None, **world
    ) -> Callable[[Story], Story]:
        """Register the story below under its number. `world`: what the world is like.

        `before`: what happens on the way of each message, each time that it is posted.
        """

        def keep(story: Story) -> Story:
            alike = [one for one in self if one.number and one.number == _number(name)]
            self.append(Trap(name, table, story, world, before, bool(len(alike) % 2)))
            return story

        return keep


def _number(name: str) -> str | None:
    begins = name.partition("-")[0]
    return begins if begins.isdigit() else None


def check_trap(office: Office, trap: Trap) -> None:
    """Tell it in every way; after each way, and after doing all of it over, the same books."""
    office.enter_world(**trap.world)
    tellings = tell(office, trap)
    check_books(office, trap, tellings)
    office.replay()
    check_books(office, trap, tellings)


def check_alone(office: Office, trap: Trap) -> None:
    """The same for a story that disturbs others, as with faults: told after each other."""
    office.enter_world(**trap.world)
    tellings = []
    for place in (_quick_way(trap),) if IS_QUICK else ALONE:
        told = _Told.begin(office, trap, place)
        _follow(office, trap, [told])
        tellings.append(told.telling)
    check_books(office, trap, tellings)
    office.replay()
    check_books(office, trap, tellings)


def tell(office: Office, trap: Trap) -> list[Telling]:
    """Tell a story several times at once, each time with its news in another order."""
    told = [_Told.begin(office, trap, _quick_way(trap) if IS_QUICK else 0)]
    if not IS_QUICK:
        count = max(TELLINGS_MIN, math.factorial(min(len(told[0].news), FEW_EVENTS)))
        told += [_Told.begin(office, trap, place) for place in range(1, count)]
    _follow(office, trap, told)
    return [one.telling for one in told]


def _quick_way(trap: Trap) -> int:
    """One that changes from trap to trap and not from run to run."""
    return ONE_OF[zlib.crc32(trap.name.encode()) % len(ONE_OF)]


def _follow(office: Office, trap: Trap, told: list["_Told"]) -> None:
    """Deliver and work off what each has to tell, part by part, until all are over."""
    while not all(one.is_over for one in told):
        for step in zip_longest(*(one.deliveries() for one in told), fillvalue=()):
            for events in step:
                for event in events if trap.before else ():
                    trap.before(office, event)
                assert set(_post(office, events)) <= {200}
            if any(step):
                office.apply()
        office.drain()
        shown = Shown.by(office)
        for one in told:
            one.check_page(trap, shown)
        for one in told:
            one.go_on()


def _post(office: Office, events: Sequence[Event]) -> list[int]:
    return office.deliver(*events) if len(events) < DOORS else office.deliver_at_once(*events)


def check_books(office: Office, trap: Trap, tellings: list[Telling]) -> None:
    """Each telling's page against the table, all of them against the oracle and the laws."""
    wanted, shown = read_table(trap.table), Shown.by(office)
    for telling in tellings:
        found = page_of(shown, telling, wanted)
        assert found == wanted, f"{trap.name}, news in the order {telling.order}"
    assert office.unfinished() == []
    assert office.violations() == []
    books = oracle.expected(
        office.world.truth.tables,
        [document for telling in tellings for document in telling.known],
        {payment: what for telling in tellings for payment, what in telling.targets.items()},
        {payment for telling in tellings for payment in telling.reopening},
        decided={dispute: how for t in tellings for dispute, how in t.decided.items()},
    )
    documents_match(shown, books)


@dataclass
class _Told:
    """One telling under way."""

    telling: Telling
    script: Iterator[str | None]
    place: int
    news: list[Event]
    table: str | None = None
    is_over: bool = False

    @classmethod
    def begin(cls, office: Office, trap: Trap, place: int) -> "_Told":
        telling = Telling(office, str(place))
        made = cls(telling, script(trap.story, telling), place, [])
        made.go_on()
        return made

    def go_on(self) -> None:
        """The next part of the story, with the news of it."""
        self.telling.begin()
        said = next(self.script, THE_END)
        self.is_over = said == THE_END
        self.table = None if self.is_over else said
        self.news = self.telling.news()

    def check_page(self, trap: Trap, shown: Shown) -> None:
        """The table that was given along with the `yield`, if there was one."""
        if self.table:
            wanted = read_table(self.table)
            found = page_of(shown, self.telling, wanted)
            assert found == wanted, f"{trap.name}, news in the order {self.telling.order}"

    def deliveries(self) -> Iterator[list[Event]]:
        """What is posted at each step; between two steps the office works."""
        chance = random.Random(f"{SEED}/{len(self.news)}/{self.place}")
        queue = ordered(self.news, self.place, chance)
        self.telling.order.append([event["type"] for event in queue])
        if self.place:
            queue = repeated(queue, chance)
        if self.place % 4 == 3:  # all at once, after the others
            yield from ([] for _ in queue)
            yield queue
            return
        for step, event in enumerate(queue):
            if self.place % 5 == ASKED and step == len(queue) // 2:
                self._ask()
            yield [event]

    def _ask(self) -> None:
        """The rail happens to be asked in the middle of it."""
        office = self.telling.office
        office.ask_soon(payment.intent or payment.charge for payment in self.telling.payments)
        ask_rail(office.runtime)


def script(story: Story, telling: Telling) -> Iterator[str | None]:
    """The parts of a story, each with the table of what is so once its news are told."""
    parts = story(telling)
    if parts is not None:
        yield from parts
    yield None  # the last news are told, too


def mixed(news: list[Event], place: int) -> list[Event]:
    """These news as the telling with that number has them: 0 is in order, and each once."""
    chance = random.Random(f"{SEED}/{len(news)}/{place}")
    queue = ordered(news, place, chance)
    return repeated(queue, chance) if place else queue


def ordered(news: list[Event], place: int, chance: random.Random) -> list[Event]:
    """In order, the other way round, and then in every order, or mixed by chance."""
    if place == 0:
        return list(news)
    if place == 1:
        return list(reversed(news))
    if len(news) <= FEW_EVENTS:
        orders = list(permutations(news))
        return list(orders[place % len(orders)])
    return chance.sample(news, len(news))


def repeated(queue: list[Event], chance: random.Random) -> list[Event]:
    """Each event once to three times; a repetition comes anywhere after."""
    told = list(queue)
    for event in queue:
        for _ in range(chance.randrange(REPEATS_MAX)):
            after = told.index(event) + 1
            told.insert(chance.randint(after, len(told)), event)
    return told
