"""Traps 96 and 97: one fact in several shapes."""

from collections.abc import Iterator

import pytest

from tests.runtime import Office
from tests.stories.telling import Telling
from tests.stories.traps import Trap, Traps, check_trap

traps = Traps()
pytestmark = pytest.mark.usefixtures("unmeasured")
OLD = "2022-08-01"
LINKS = ("payment_intent", "charge", "latest_charge", "balance_transaction", "customer", "invoice")


@pytest.mark.parametrize("trap", traps, ids=str)
def test_trap(office: Office, trap: Trap) -> None:
    check_trap(office, trap)


REFUNDED_IN_PART = """
    books    clearing 3767  processing_fees 233  accounts_receivable 3000
    books    credits 3000  revenue -10000
    INV-1    paid 4000  credited 3000  owed 3000
    payment  captured 7000  refunded 3000
    asks     external_refund 3000
"""


def _lived(t: Telling, **more) -> None:
    t.invoice("INV-1", 10_000)
    held = t.authorize(10_000, "INV-1")
    t.world.capture(held, 7_000, **more)
    t.world.refund(held, 3_000)


@traps.add("96-the-shape-of-2022-with-a-legacy-capture", REFUNDED_IN_PART, api_version=OLD)
def _(t: Telling) -> None:
    _lived(t)


@traps.add("96-the-shape-of-2022-with-a-capture-of-today", REFUNDED_IN_PART, api_version=OLD)
def _(t: Telling) -> None:
    _lived(t, legacy=False)


@traps.add("96-the-shape-of-today-with-a-legacy-capture", REFUNDED_IN_PART)
def _(t: Telling) -> None:
    _lived(t, legacy=True)


@traps.add("96-each-event-in-one-of-two-shapes", REFUNDED_IN_PART)
def _(t: Telling) -> None:
    t.world.endpoint_versions.add(OLD)
    _lived(t, legacy=True)
    for place, event in enumerate(t.news()):
        t.also(t.world.event_for(event["id"], OLD if place % 2 else None))


@traps.add("97-links-that-are-whole-objects", REFUNDED_IN_PART)
def _(t: Telling) -> None:
    _lived(t)
    for event in t.news():
        t.also(_expanded(t, event))


@traps.add(
    "97-a-dispute-with-whole-objects",
    """
    books    clearing -1820  processing_fees 1820  accounts_receivable 10000  revenue -10000
    INV-1    owed 10000
    payment  captured 10000  lost 10000
    asks     dispute 10000
    """,
)
def _(t: Telling) -> Iterator[None]:
    t.invoice("INV-1", 10_000)
    charge = t.pay(10_000, "INV-1").charge
    t.world.close_dispute(t.world.dispute(charge), "lost")
    for event in t.news():
        t.also(_expanded(t, event))
    yield


TAKEN_AFTER_A_REFUND = """
    books    clearing -4820  processing_fees 1820  credits 3000  disputed_funds 10000
    books    revenue -10000
    INV-1    paid 7000  credited 3000
    payment  captured 10000  refunded 3000  disputed
    asks     dispute 10000  external_refund 3000
"""


@traps.add("96-parts-that-name-their-charge-alone", TAKEN_AFTER_A_REFUND)
def _(t: Telling) -> None:
    _with_nameless_parts(t)


@traps.add("96-parts-that-name-their-charge-alone-where-it-has-no-intent", TAKEN_AFTER_A_REFUND)
def _(t: Telling) -> None:
    _with_nameless_parts(t, no_intent=True)


def _with_nameless_parts(t: Telling, **more) -> None:
    """Refund and dispute as once told, when they had no link to an intent."""
    t.invoice("INV-1", 10_000)
    charge = str(t.pay(10_000, "INV-1", **more).charge)
    t.world.refund(charge, 3_000)
    t.world.dispute(charge)
    for event in t.news():
        shown = dict(event["data"]["object"])
        if shown["object"] in ("refund", "dispute"):
            del shown["payment_intent"]
        t.also(event | {"data": event["data"] | {"object": shown}})


def _expanded(t: Telling, event: dict) -> dict:
    """The event with every link in its object replaced by what it leads to."""
    shown = dict(event["data"]["object"])
    for name in LINKS:
        if isinstance(shown.get(name), str):
            shown[name] = t.world.show(shown[name])
    return event | {"data": event["data"] | {"object": shown}}
