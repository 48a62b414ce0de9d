"""Workers come back to a full inbox: oldest first, in constant memory, and news need not wait.

While the backlog is worked off, payments that were at rest see something new every few seconds.
"""

import random
import time
from dataclasses import dataclass

import requests

from reconciler.flows.apply_inbox import apply_inbox
from reconciler.sandbox.player import body_of
from tests.chaos import proof
from tests.chaos.memory import watched
from tests.chaos.rail import rail
from tests.chaos.report import Report
from tests.chaos.rig import Rig, Stores, rig
from tests.chaos.traffic import Story, post, tell
from tests.chaos.truth import wrong_now

SIZE = 50_000  # events
AT_REST = 100  # payments
NEWS_EVERY_SECONDS = 3.0
NEWS_SECONDS_MAX = 60.0
EVENTS_A_SECOND_MIN = 100.0
GROWTH_MEGABYTES_MAX = 50.0
CATCH_UP_SECONDS_MAX = 1_800.0
WORKER = "books-1"  # one, as shipped: several may hold events of one payment at the same time

# A payment of which something was applied before what had come in earlier.
_OUT_OF_ORDER = """select distinct payment_id from (
    select payment_id, applied_at, max(applied_at) over (
      partition by payment_id order by seq rows between unbounded preceding and 1 preceding) as last
    from inbox_outcome where payment_id is not null) as told
  where applied_at < last"""
_APPLIED = """select e.rail_event_id from inbox_event e join inbox_outcome o on o.seq = e.seq
  where o.status = 'applied' and e.rail_event_id = any(%s)"""


def run(
    stores: Stores,
    report: Report,
    chance: random.Random,
    events_a_second_min: float = EVENTS_A_SECOND_MIN,
) -> None:
    """Fill the inbox, let the workers come, and watch them."""
    story = tell(report.size, chance, paid=AT_REST)
    with rig(stores, workers=1) as there, rail(there, story.world):
        proof.write_invoices(there, story)
        waiting = _fill(there, story, chance)
        report.figures["events waiting"] = waiting
        there.start("web")
        there.wait_for_web()
        with watched(there) as memory:
            took, news = _work_off(there, story)
        there.stop()
        report.at_least("events a second", waiting / took, events_a_second_min)
        report.figures["news"] = len(news.waited)
        report.at_most("slowest news, seconds", max(news.waited), NEWS_SECONDS_MAX)
        report.figures["largest process, MB"] = memory.megabytes
        grown = round(memory.growth(WORKER), 1)
        report.at_most("growth of the worker, MB", grown, GROWTH_MEGABYTES_MAX)
        out_of_order = there.stores.query(_OUT_OF_ORDER, there.database)
        report.none("payments out of order", [name for (name,) in out_of_order])
        report.none("drift", wrong_now(there, story, was_asked=False))


def _fill(there: Rig, story: Story, chance: random.Random) -> int:
    """Some payments are done with; all else waits in the inbox. Gives how many events wait."""
    at_rest = {name for payment in story.paid for name in (payment.intent, payment.charge)}
    done = [event for event in story.events if _is_about(event, at_rest)]
    waiting = [event for event in story.events if not _is_about(event, at_rest)]
    chance.shuffle(waiting)
    with proof.open_office(there) as runtime:
        proof.keep(runtime, done)
        apply_inbox(runtime)
        proof.keep(runtime, waiting)
    return len(waiting)


def _is_about(event: dict, names: set[str]) -> bool:
    about = event["data"]["object"]
    return about["id"] in names or about.get("payment_intent") in names


@dataclass
class News:
    """Something new about payments at rest, and how long each took to be in the books."""

    there: Rig
    story: Story
    session: requests.Session
    under_way: dict[str, float]
    waited: list[float]
    told: int = 0

    def tell(self) -> None:
        """The next payment is refunded in part, and its events arrive."""
        world = self.story.world
        since = world.events_made()
        world.refund(self.story.paid[self.told].charge, 1)
        self.told += 1
        for event in world.events(since):
            status, *_ = post(self.session, self.there.webhook_url, body_of(event))
            assert status == 200, f"nothing was killed, and the web answers {status}"
            self.under_way[event["id"]] = time.monotonic()

    def look(self) -> None:
        """See which of them are in the books by now."""
        names = list(self.under_way)
        for (name,) in self.there.stores.query(_APPLIED, self.there.database, names):
            self.waited.append(time.monotonic() - self.under_way.pop(name))


def _work_off(there: Rig, story: Story) -> tuple[float, News]:
    """Start the workers; gives how long they took, and what came of the news meanwhile."""
    began = next_at = time.monotonic()
    there.start(WORKER, "money", "clock")
    with requests.Session() as session:
        news = News(there, story, session, {}, [])

        def is_done() -> bool:
            nonlocal next_at
            waiting = there.unfinished()
            is_over = not any(waiting.values())
            if time.monotonic() >= next_at and news.told < AT_REST and not is_over:
                next_at += NEWS_EVERY_SECONDS
                news.tell()
                return False
            news.look()
            return is_over and not news.under_way

        there.until(is_done, CATCH_UP_SECONDS_MAX)
    return time.monotonic() - began, news
