"""Whatever deliveries are lost, one run gives the books of full delivery; a second does nothing.

Small lives with any subset of their news, each in books of its own; and one long life, over HTTP,
with thousands of objects on many pages of the rail's lists.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from reconciler.books.reconciliation import Difference
from reconciler.embedded import postgres
from reconciler.rails.stripe.client import StripeApi
from tests.chaos.traffic import Story, happen
from tests.databases import Databases, Servers
from tests.flows.test_reconcile import left, run
from tests.runtime import Line, Office, make_runtime, open_office
from tests.stories.lives import deeds
from tests.stories.test_any_life import SEEDS, TOTALS, begin, check
from webhooks.app import create_webhook_app

pytestmark = pytest.mark.usefixtures("unmeasured")
LONG_AGO = timedelta(days=60)
# What only time or the bank can settle is left for a person, however complete the books are.
NOT_OURS = {Difference.IN_TRANSIT, Difference.PAYOUT}
LIVES = settings().max_examples // 5  # each has books of its own
EVENTS = 2_500
FIVE_DAYS = timedelta(days=5)

# All that the books hold, under the rail's names: ours are made by chance.
BOOKS = (
    """select rail_payment_id, currency, status, authorized, captured, refunded, lost, fee
    from payment""",
    """select p.rail_payment_id, a.role, a.currency, sum(l.amount)::bigint
    from journal_entry e join posting l on l.entry_id = e.id
    join ledger_account a on a.id = l.account_id join payment p on p.id = e.payment_id
    group by 1, 2, 3 having sum(l.amount) <> 0""",
    """select o.rail_payout_id, a.role, a.currency, sum(l.amount)::bigint
    from journal_entry e join posting l on l.entry_id = e.id
    join ledger_account a on a.id = l.account_id join payout o on o.id = e.payout_id
    group by 1, 2, 3 having sum(l.amount) <> 0""",
    """select a.role, a.rail, a.currency, sum(l.amount)::bigint
    from posting l join ledger_account a on a.id = l.account_id group by 1, 2, 3
    having sum(l.amount) <> 0""",
    "select number, state, total, paid, refund_credits, credit_notes from invoice",
    "select code, received, applied, refunded from deposit",
    "select rail_payout_id, status, amount, line_count, lines_net from payout",
    "select rail_movement_id, amount, fee, currency, category from balance_movement",
    """select o.kind, o.object_id, p.rail_payment_id, o.amount, o.currency, o.state
    from rail_object o left join payment p on p.id = o.payment_id""",
    """select kind, amount, currency, count(*) from review_item where state = 'open'
    and kind <> 'drift' group by 1, 2, 3""",
)


def books(office: Office) -> list[list[tuple]]:
    """Everything that full delivery and healing have to agree on."""
    return [sorted((tuple(row) for row in office.rows(part)), key=repr) for part in BOOKS]


@dataclass(frozen=True, repr=False)
class Houses:
    """Makes offices, each with a database of its own."""

    databases: Databases
    servers: Servers
    line: tuple[Line, str]
    api: StripeApi

    @contextmanager
    def empty(self) -> Iterator[Office]:
        """Empty books and an empty world."""
        with self._database() as url:
            office = open_office(url, self.line, self.api)
            yield office
            office.runtime.engine.dispose()

    @contextmanager
    def beside(self, office: Office) -> Iterator[Office]:
        """Empty books of the same world."""
        with self._database() as url:
            base = office.runtime.settings.stripe_api_base
            runtime = make_runtime(url, base, office.clock, self.api)
            door = create_webhook_app(runtime).test_client()
            yield Office(office.world, office.faults, office.clock, runtime, door, office.line)
            runtime.engine.dispose()

    @contextmanager
    def _database(self) -> Iterator[str]:
        name = self.databases.take()
        yield self.servers.url(postgres.APP, name)
        self.databases.give_back(name)


@pytest.fixture(scope="module")
def houses(databases: Databases, servers: Servers, line, stripe_api) -> Houses:
    return Houses(databases, servers, line, stripe_api)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=LIVES)
@given(TOTALS, deeds, SEEDS, st.sampled_from([0.0, 0.3, 0.7, 1.0]))
def test_any_subset_of_deliveries_and_one_run_are_full_delivery(
    houses: Houses, totals, told, seed, lost
) -> None:
    chance = random.Random(seed)
    with houses.empty() as office:
        life = begin(office, totals)
        life.live(told)
        news = office.world.events()
        kept = [event for event in news if chance.random() >= lost]
        chance.shuffle(kept)
        assert set(office.deliver(*kept, *kept[::3])) <= {200}
        office.apply()
        if chance.randrange(2):
            office.drain()
        first = run(office, back=LONG_AGO)
        assert (first.status, first.drift) == ("done", {})
        assert {kind for kind, _, _ in left(first)} <= NOT_OURS
        office.drain()  # what is asked for some seconds after it was told, as a payout's lines
        check(office, life)
        again = run(office, back=LONG_AGO)
        assert (again.healed, again.matched) == (0, again.checked)
        healed = books(office)
        chance.shuffle(news)
        office.deliver(*news)
        office.drain()
        assert books(office) == healed, "full delivery has nothing to add"


@pytest.mark.slow
@pytest.mark.thorough
def test_thousands_of_objects_on_many_pages_are_healed_by_one_run(houses: Houses) -> None:
    chance, lost = random.Random(4), 0.4
    with houses.empty() as office:
        story = Story(office.world)
        first = int((office.clock() - FIVE_DAYS).timestamp())
        happen(story, EVENTS, chance, within=(first, int(FIVE_DAYS.total_seconds())))
        office.do(story.write_invoices)
        chance.shuffle(story.events)
        heard = [event for event in story.events if chance.random() >= lost]
        assert set(office.deliver(*heard)) <= {200}
        office.apply()
        office.line.calls.clear()
        told = run(office, back=LONG_AGO)
        assert (told.status, told.drift, left(told)) == ("done", {}, [])
        assert told.checked > EVENTS + 1_000
        assert told.healed > lost * EVENTS / 2
        for path in ("charges", "balance_transactions", "events"):
            pages = office.line.calls.count(f"GET /v1/{path}")
            assert pages > 5, path
        again = run(office, back=LONG_AGO)
        assert (again.healed, again.matched, again.discrepancies) == (0, again.checked, [])
        assert (office.unfinished(), office.violations()) == ([], [])
        with houses.beside(office) as whole:
            whole.do(story.write_invoices)
            assert set(whole.deliver(*story.events)) <= {200}
            whole.drain()
            assert books(whole) == books(office)
