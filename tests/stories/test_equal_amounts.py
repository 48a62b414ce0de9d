"""Invariant 10 for money that names nothing: the payer is known, and one thing waits for as much.

Payments of the same customer and amount compete for one document, and news of them come in any
order. Whatever is refunded, and whatever a surer payment takes, the same sums have to come out.
"""

import random
from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from reconciler.sandbox.problems import StripeProblem
from tests.runtime import Office, open_office
from tests.stories.pages import ASKS, TOGETHER, Page, Shown, page_of
from tests.stories.telling import Telling
from tests.stories.traps import Trap, Traps, check_trap
from tests.tiers import size

TELLINGS = size(quick=2, full=3)
WANTED: Page = {TOGETHER: {}, ASKS: {}}
SUMS = st.sampled_from([3_000, 5_000, 8_000])
PLACES = st.integers(0, 3)
NAMELESS, NAMED, EXPLAIN, REFUND, PART = "nameless", "named", "explain", "refund", "part"
deeds = st.lists(
    st.tuples(st.sampled_from([NAMELESS, NAMELESS, NAMED, EXPLAIN, REFUND, PART]), PLACES, SUMS),
    min_size=1,
    max_size=6,
)
NO_MATTER = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
TWICE_AND_ONE_BACK = [(NAMELESS, 0, 5_000), (NAMELESS, 0, 5_000), (REFUND, 0, 5_000)]
SEEN_TWICE = """
    books     clearing 9360  processing_fees 640  revenue -10000
    INV-1     paid 10000
    payments  captured 20000  refunded 10000
    asks      external_refund 10000
"""
EXPLAINED = [(NAMELESS, 0, 5_000), (NAMELESS, 0, 5_000), (EXPLAIN, 0, 5_000), (REFUND, 0, 5_000)]
traps = Traps()
pytestmark = pytest.mark.usefixtures("unmeasured")
_numbers = count(1)


@pytest.mark.parametrize("trap", traps, ids=str)
def test_trap(office: Office, trap: Trap) -> None:
    check_trap(office, trap)


def _ann_owes(t: Telling, *names: str) -> str:
    ann = t.world.create_customer("Ann")
    t.customer = t.another_customer(ann)
    for name in names:
        t.invoice(name, 10_000)
    return str(ann)


@traps.add("103-two-equal-payments-and-the-first-goes-back", SEEN_TWICE)
def _(t: Telling) -> None:
    ann = _ann_owes(t, "INV-1")
    first = t.noted(t.world.pay(10_000, customer=ann), "INV-1")
    t.noted(t.world.pay(10_000, customer=ann), "INV-1")
    t.world.refund(first.charge)


@traps.add(
    "103-two-equal-payments-are-an-overpayment",
    """
    books     clearing 19360  processing_fees 640  unapplied_cash -10000  revenue -10000
    INV-1     paid 10000
    payments  captured 20000  unapplied 10000
    asks      overpayment 10000
    """,
)
def _(t: Telling) -> None:
    ann = _ann_owes(t, "INV-1")
    t.noted(t.world.pay(10_000, customer=ann), "INV-1")
    t.noted(t.world.pay(10_000, customer=ann), "INV-1")


@traps.add(
    "103-a-surer-payment-takes-what-was-guessed",
    """
    books      clearing 19360  processing_fees 640  unapplied_cash -10000  revenue -10000
    INV-1      paid 10000
    payment 1  captured 10000  unapplied 10000
    payment 2  captured 10000
    asks       unmatched_payment 10000
    """,
)
def _(t: Telling) -> None:
    ann = _ann_owes(t, "INV-1")
    t.noted(t.world.pay(10_000, customer=ann))
    t.pay(10_000, "INV-1", customer=ann)


@traps.add(
    "103-last-months-payment-is-no-rival-of-this-months-invoice",
    """
    books     clearing 19360  processing_fees 640  revenue -20000
    INV-1     paid 10000
    INV-2     paid 10000
    payments  captured 20000
    """,
)
def _(t: Telling) -> Iterator[None]:
    ann = _ann_owes(t, "INV-1")
    t.noted(t.world.pay(10_000, customer=ann), "INV-1")
    yield
    t.office.clock.advance(days=30)
    t.invoice("INV-2", 10_000)
    t.noted(t.world.pay(10_000, customer=ann), "INV-2")


@pytest.fixture(scope="module")
def shared(module_database_url: str, line, stripe_api) -> Office:
    """One office for all examples: each has a world, a customer and documents of its own."""
    office = open_office(module_database_url, line, stripe_api)
    yield office
    office.runtime.engine.dispose()


@settings(suppress_health_check=NO_MATTER, max_examples=size(quick=5, full=12))
@given(st.lists(SUMS, min_size=1, max_size=2), deeds, st.integers(0, 1 << 32))
@example([5_000], TWICE_AND_ONE_BACK, 1)
@example([5_000], EXPLAINED, 2)
def test_any_order_gives_the_same_sums(shared: Office, totals, told, seed) -> None:
    number = next(_numbers)
    shared.enter_world(seed=number, salt=f"equal-{number}")
    chance = random.Random(seed)
    tellings = [_lived(shared, f"{number}.{place}", totals, told) for place in range(TELLINGS)]
    for telling in tellings:
        _tell(shared, telling, chance)
    shown = Shown.by(shared)
    pages = [_page(shown, telling) for telling in tellings]
    assert pages == pages[:1] * TELLINGS, [telling.order for telling in tellings]
    assert shared.violations() == []


def _lived(office: Office, tag: str, totals: list[int], told: list) -> Telling:
    telling = Telling(office, tag)
    ann = telling.world.create_customer("Ann")
    telling.customer = telling.another_customer(ann)
    for place, total in enumerate(totals):
        telling.invoice(f"INV-{place}", total)
    telling.begin()
    for what, place, amount in told:
        if what == NAMELESS:
            telling.noted(telling.world.pay(amount, customer=ann))
        elif what == NAMED:
            telling.pay(amount, f"INV-{place % len(totals)}", customer=ann)
        elif telling.payments:
            charge = telling.payments[place % len(telling.payments)].charge
            if what == EXPLAIN:
                named = {"invoice": telling.number(f"INV-{place % len(totals)}")}
                telling.world.edit_metadata(charge, named)
                continue
            try:
                telling.world.refund(charge, amount // 2 if what == PART else None)
            except StripeProblem:
                continue  # it is refunded already
    return telling


def _tell(office: Office, telling: Telling, chance: random.Random) -> None:
    news = _news_of(telling)
    chance.shuffle(news)
    telling.order.append([event["type"] for event in news])
    while news:
        some = [news.pop() for _ in range(min(len(news), chance.randint(1, 3)))]
        assert set(office.deliver(*some)) <= {200}
        office.apply()
    office.drain()


def _news_of(telling: Telling) -> list[dict]:
    ours = {name for paid in telling.payments for name in (paid.charge, paid.intent)}
    events = telling.world.events()
    return [event for event in events if ours & _ids(event["data"]["object"])]


def _ids(shown: dict) -> set:
    return {shown.get(name) for name in ("id", "charge", "payment_intent")} - {None}


def _page(shown: Shown, telling: Telling) -> Page:
    page = page_of(shown, telling, WANTED)
    page[ASKS] = {"in all": sum(int(amount) for amount in page[ASKS].values())}
    return page
