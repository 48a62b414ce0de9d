"""What must be so after whatever happened: nothing lost, nothing twice, the same books."""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from typing_extensions import override

from reconciler.embedded.postgres import APP
from reconciler.flows.apply_inbox import apply_inbox
from reconciler.flows.ask_rail import ask_rail
from reconciler.flows.find_payments import find_payments
from reconciler.rails.manual import ManualRail
from reconciler.rails.stripe.client import StripeApi
from reconciler.rails.stripe.rail import StripeRail
from reconciler.reads import ledger
from reconciler.runtime import Runtime
from reconciler.services import verification
from reconciler.settings import Settings
from reconciler.work import Cause, Work
from tests.chaos.rig import KEY, NOWHERE, Rig
from tests.chaos.traffic import Answers, Story

TEST = Cause("command", "chaos")
IN_ORDER = 100  # events applied at a time
LATER = timedelta(days=1)  # all that was put off is due by then
ROUNDS_MAX = 10

T = TypeVar("T")

_PAYMENTS = """select
    p.rail_payment_id, p.status, p.currency, p.captured, p.refunded, p.lost, p.fee,
    (select coalesce(sum(a.amount), 0) from allocation a where a.payment_id = p.id)::bigint
  from payment p order by 1"""
_INVOICES = """select number, state, paid, credit_notes, refund_credits
  from invoice order by 1"""
_TWICE = "select rail_event_id from inbox_event group by rail, account, 1 having count(*) > 1"
_STORED = "select rail_event_id, coalesce(o.status, 'new') from inbox_event e"
_STORED += " left join inbox_outcome o on o.seq = e.seq"


@dataclass
class Clock:
    """The time, ahead of the real one by as much as a test says: nothing put off stays so."""

    ahead: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        """This instant."""
        return datetime.now(UTC) + self.ahead


class RemembersAnswers(StripeApi):
    """Asks the same thing once: nothing happens at the rail any more."""

    def __init__(self, api_base: str) -> None:
        super().__init__(KEY, api_base, pause=lambda _: None)
        self._answers: dict[str, object] = {}

    @override
    def _send(self, method: str, path: str, params: Mapping[str, Any]) -> object:
        question = repr((method, path, sorted(params.items())))
        if question not in self._answers:
            self._answers[question] = super()._send(method, path, params)
        return copy.deepcopy(self._answers[question])


@contextmanager
def office(settings: Settings, clock: Clock, api: StripeApi) -> Iterator[Runtime]:
    """A runtime in this process that does not wait between its calls of the rail."""
    settings = replace(settings, redis_url=NOWHERE)
    made = Runtime.from_settings(settings)
    rails = {"stripe": StripeRail(settings, clock, api), "manual": ManualRail()}
    yield replace(made, rails=rails, clock=clock)
    made.engine.dispose()


def write_invoices(rig: Rig, story: Story) -> None:
    """Send the story's invoices, before anything is paid."""
    do(rig, story.write_invoices)


def do(rig: Rig, step: Callable[[Work], T]) -> T:
    """One unit of work on the rig's books."""
    with open_office(rig) as runtime:
        return runtime.do(TEST, step)


@contextmanager
def open_office(rig: Rig) -> Iterator[Runtime]:
    """A runtime in this process on the rig's books, now."""
    with office(rig.settings, Clock(), RemembersAnswers(rig.settings.stripe_api_base)) as runtime:
        yield runtime


def stored(rig: Rig) -> dict[str, str]:
    """Every event that is kept, and what became of it."""
    return dict(rig.stores.query(_STORED, rig.database))


def stored_twice(rig: Rig) -> list[str]:
    """Events that are kept more than once."""
    return [name for (name,) in rig.stores.query(_TWICE, rig.database)]


def nothing_lost_nothing_twice(rig: Rig, story: Story, answers: Answers) -> None:
    """Every acknowledged event is stored once and done; the books are those of a quiet day.

    Ends the rig's workers first: what they put off is done here.
    """
    rig.stop(*(name for name in rig.running if name != "sandbox"))
    kept = stored(rig)
    assert set(answers.acknowledged) - set(kept) == set(), "acknowledged, and lost"
    assert set(kept) == {event["id"] for event in story.events}
    assert stored_twice(rig) == []
    assert set(kept.values()) == {"applied"}
    assert answers.acknowledged.total() == answers.deliveries
    api = RemembersAnswers(rig.settings.stripe_api_base)
    found = books_of(rig, rig.database, api)
    wrong = differences(found, _books_of_a_quiet_day(rig, story, api))
    assert not wrong, "\n".join(map(str, wrong))


def differences(found: set, expected: set) -> list[tuple[str, object]]:
    """Lines that only one of two books has."""
    wrong = [("unexpected", line) for line in found - expected]
    wrong += [("missing", line) for line in expected - found]
    return sorted(wrong, key=str)


def books_of(rig: Rig, database: str, api: StripeApi) -> set:
    """All that the books say, once the rail was asked for what no event told."""
    settings = replace(rig.settings, database_url=rig.stores.url(APP, database))
    clock = Clock()
    with office(settings, clock, api) as runtime:
        come_to_rest(runtime, clock)
        with runtime.read() as session:
            assert verification.violations(session) == []
            balance = ledger.trial_balance(session)
    return {
        *(
            ("account", currency, line.role, line.rail, line.balance)
            for currency, found in balance.items()
            for line in found.accounts
            if line.balance  # an account that came back to nothing is as good as none
        ),
        *(("invoice", *row) for row in rig.stores.query(_INVOICES, database)),
        *(("payment", *row) for row in rig.stores.query(_PAYMENTS, database)),
    }


def come_to_rest(runtime: Runtime, clock: Clock) -> None:
    """Do all that was put off, as the days go by."""
    for _ in range(ROUNDS_MAX):
        clock.ahead += LATER
        if not apply_inbox(runtime) + ask_rail(runtime) + find_payments(runtime):
            break


def _books_of_a_quiet_day(rig: Rig, story: Story, api: StripeApi) -> set:
    """The same story told once, in order, to a reconciler that nobody disturbs."""
    database = rig.stores.new_database()
    settings = replace(rig.settings, database_url=rig.stores.url(APP, database))
    with office(settings, Clock(), api) as runtime:
        runtime.do(TEST, story.write_invoices)
        for events in _batches(story.events):
            keep(runtime, events)
            apply_inbox(runtime)
    return books_of(rig, database, api)


def keep(runtime: Runtime, events: Iterable[dict]) -> None:
    """Put events into the inbox, as the web does once it has proved who speaks."""
    for event in events:
        heard = runtime.rails["stripe"].event_of(event)
        runtime.ingest.keep(heard, "{}", runtime.now())


def _batches(events: list[dict]) -> Iterable[list[dict]]:
    return (events[at : at + IN_ORDER] for at in range(0, len(events), IN_ORDER))
