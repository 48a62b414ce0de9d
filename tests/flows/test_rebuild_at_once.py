"""Many at work at once, each as slow as chance wants: done over, it makes the same books."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest
import sqlalchemy as sa

from reconciler.errors import ReconcilerError, Unavailable
from reconciler.flows.apply_inbox import apply_inbox
from reconciler.flows.find_payments import find_payments
from reconciler.flows.rebuild import rebuild
from reconciler.runtime import system_clock
from tests.builders import deposit, invoice
from tests.databases import Databases, Servers
from tests.flows.test_any_rebuild import PEOPLE, House, an_office
from tests.oracle import Document
from tests.runtime import Office

pytestmark = [pytest.mark.thorough, pytest.mark.usefixtures("unmeasured")]
LIVES = 4
STAFF, WORKERS = 6, 2
DEEDS = 30  # of each of the staff
DOCUMENTS, PAYMENTS = 8, 20
MOSTLY = ("pay", "pay", "pay", "pay", "refund", "hold", "capture")
# Not days: a closed one would refuse what all others do, and time is not one person's to move.
DEEDS_OF_STAFF = ["bill"] * 4 + [one for one in PEOPLE if one not in ("close", "reopen")]


class Colleague(House):
    """One of several in a house, who does as chance wants."""

    def __init__(self, house: House, chance: random.Random, to_write: list[Document]) -> None:
        self.office, self.chance, self.ann = house.office, chance, house.ann
        self.life, self.to_write = house.life, to_write

    def work(self) -> None:
        for _ in range(DEEDS):
            deed = getattr(self, self.chance.choice(DEEDS_OF_STAFF))
            with suppress(ReconcilerError):  # what is refused did not happen
                deed()
            self.office.runtime.pause(self.chance.random() / 50)

    def bill(self) -> None:
        """Write one of the documents that money is meant for, and may be on its way to."""
        with suppress(IndexError):
            one = self.to_write.pop()
            write = deposit if one.is_deposit else invoice
            write(self.office, one.number, one.total, customer_id=self.ann)

    expect = bill


@contextmanager
def hesitating(office: Office, chance: random.Random) -> Iterator[None]:
    """Now and then time passes before a statement, in which others go on."""
    engine, pause = office.runtime.engine, office.runtime.pause

    def wait(*_) -> None:
        if chance.random() < 0.1:
            pause(chance.random() / 50)

    sa.event.listen(engine, "before_cursor_execute", wait)
    yield
    sa.event.remove(engine, "before_cursor_execute", wait)


@contextmanager
def real_time(office: Office) -> Iterator[None]:
    """The clock goes by itself: those who work at once have an instant each."""
    still, begins_at, since = office.runtime, office.clock(), system_clock()
    office.runtime = replace(still, clock=lambda: begins_at + (system_clock() - since))
    yield
    office.clock.instant = office.runtime.now()
    office.runtime = still


def listen_and_apply(office: Office, news: list[dict], chance: random.Random) -> None:
    """A worker: hears some of the news at a time, books it and looks for what can be matched."""
    while news:
        office.deliver(*[news.pop() for _ in range(min(len(news), chance.randint(1, 6)))])
        for flow in (apply_inbox, find_payments):
            with suppress(Unavailable):  # in each other's way: the next who comes does it
                flow(office.runtime)
        office.runtime.pause(chance.random() / 20)


@pytest.mark.parametrize("seed", range(LIVES))
def test_many_at_once(databases: Databases, servers: Servers, line, stripe_api, seed: int) -> None:
    chance = random.Random(seed)
    to_write = [
        Document(f"NO-{n}", "USD", chance.randint(1, 9) * 1_500, is_deposit=bool(n % 2))
        for n in range(DOCUMENTS)
    ]
    with an_office(databases, servers, line, stripe_api) as office:
        house = House(office, chance)
        house.life.documents += to_write
        for _ in range(PAYMENTS):
            amount = chance.randint(1, 9) * 1_000
            place, how = chance.randint(0, 7), chance.randint(0, 5)
            house.life.live([(chance.choice(MOSTLY), place, how, amount)])
        news = office.world.events()
        chance.shuffle(news)
        with (
            real_time(office),
            hesitating(office, chance),
            ThreadPoolExecutor(STAFF + WORKERS) as at_once,
        ):
            staff = [Colleague(house, random.Random(f"{seed}/{n}"), to_write) for n in range(STAFF)]
            luck = [random.Random(f"{seed}/worker {n}") for n in range(WORKERS)]
            done = [at_once.submit(one.work) for one in staff]
            done += [at_once.submit(listen_and_apply, office, news, one) for one in luck]
            for one in done:
                one.result()
        office.drain()
        assert office.violations() == []
        found, told = rebuild(office.runtime)
        assert [one.detail for one in found] == []
        assert told.done["deeds"] > STAFF
