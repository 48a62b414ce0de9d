"""Traps 1 to 24: money taken at once, held and taken, taken in part, let go."""

from collections.abc import Iterator

import pytest

from tests.runtime import Office
from tests.stories.telling import Telling
from tests.stories.traps import Trap, Traps, check_trap

traps = Traps()
pytestmark = pytest.mark.usefixtures("unmeasured")
OLD = "2022-08-01"  # before basil, with charges and refunds embedded


@pytest.mark.parametrize("trap", traps, ids=str)
def test_trap(office: Office, trap: Trap) -> None:
    check_trap(office, trap)


PAID_ONCE = """
    books    clearing 9680  processing_fees 320  revenue -10000
    INV-1    paid 10000
    payment  captured 10000  captured
"""
NOTHING_CAME = """
    books    accounts_receivable 10000  revenue -10000
    INV-1    owed 10000
"""
HELD_ON_A_CARD = """
    books    accounts_receivable 10000  revenue -10000
    INV-1    owed 10000  on_its_way 10000
    payment  authorized 10000  authorized
"""
SEVEN_OF_TEN = """
    books    clearing 6767  processing_fees 233  accounts_receivable 3000  revenue -10000
    INV-1    paid 7000  owed 3000
    payment  captured 7000  partially_captured
"""


@traps.add("01-plain-card-payment", PAID_ONCE)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.pay(10_000, "INV-1")


@traps.add("01-plain-card-payment-in-the-shape-of-2022", PAID_ONCE, api_version=OLD)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.pay(10_000, "INV-1")


@traps.add("02-two-event-ids-for-one-charge", PAID_ONCE)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.pay(10_000, "INV-1")
    t.only("charge.succeeded", "payment_intent.succeeded")
    for event in t.news():
        t.also(event)
        t.also(event | {"id": f"{event['id']}again"})


@traps.add("03-only-the-intent-is-told", PAID_ONCE)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.pay(10_000, "INV-1")
    t.only("payment_intent.succeeded")


@traps.add("04-only-the-late-row-is-told", PAID_ONCE)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.pay(10_000, "INV-1")
    t.only("charge.updated")


@traps.add("05-a-hold-is-no-money", HELD_ON_A_CARD)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.authorize(10_000, "INV-1")


@traps.add("06-a-hold-is-captured", PAID_ONCE)
def _(t: Telling) -> Iterator[str]:
    t.invoice("INV-1", 10_000)
    held = t.authorize(10_000, "INV-1")
    yield HELD_ON_A_CARD
    t.world.capture(held)
    yield PAID_ONCE


@traps.add("07-the-capture-is-told-before-the-hold", PAID_ONCE)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.world.capture(t.authorize(10_000, "INV-1"))
    t.only("charge.captured", "charge.succeeded")


@traps.add("08-partial-capture-basil", SEVEN_OF_TEN)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.world.capture(t.authorize(10_000, "INV-1"), 7_000)


@traps.add("09-partial-capture-legacy", SEVEN_OF_TEN)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.world.capture(t.authorize(10_000, "INV-1"), 7_000, legacy=True)


@traps.add("09-partial-capture-legacy-in-the-shape-of-2022", SEVEN_OF_TEN, api_version=OLD)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.world.capture(t.authorize(10_000, "INV-1"), 7_000)


@traps.add("09-partial-capture-legacy-of-which-only-the-charge-is-told", SEVEN_OF_TEN)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.world.capture(t.authorize(10_000, "INV-1"), 7_000, legacy=True)
    t.only("charge.captured", "charge.refunded")


@traps.add(
    "10-a-real-refund-after-a-legacy-remainder",
    """
    books    clearing 5767  processing_fees 233  accounts_receivable 3000
    books    credits 1000  revenue -10000
    INV-1    paid 6000  credited 1000  owed 3000
    payment  captured 7000  refunded 1000  partially_refunded
    asks     external_refund 1000
    """,
)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    held = t.authorize(10_000, "INV-1")
    t.world.capture(held, 7_000, legacy=True)
    t.world.refund(held, 1_000)


REFUND_OF_THREE = """
    books    clearing 3767  processing_fees 233  accounts_receivable 3000
    books    credits 3000  revenue -10000
    INV-1    paid 4000  credited 3000  owed 3000
    payment  captured 7000  refunded 3000  partially_refunded
    asks     external_refund 3000
"""


@traps.add("11-a-real-refund-as-large-as-the-remainder", REFUND_OF_THREE)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    held = t.authorize(10_000, "INV-1")
    t.world.capture(held, 7_000)
    t.world.refund(held, 3_000)


@traps.add("11-the-same-of-which-only-the-charge-is-told", REFUND_OF_THREE)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    held = t.authorize(10_000, "INV-1")
    t.world.capture(held, 7_000)
    t.world.refund(held, 3_000)
    t.only("charge.refunded")


@traps.add("12-legacy-void", f"{NOTHING_CAME}\n payment canceled")
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.world.cancel(t.authorize(10_000, "INV-1"), legacy=True)


@traps.add(
    "12-legacy-void-in-the-shape-of-2022", f"{NOTHING_CAME}\n payment canceled", api_version=OLD
)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.world.cancel(t.authorize(10_000, "INV-1"))


@traps.add("13-expiry-basil", f"{NOTHING_CAME}\n payment canceled")
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.world.expire(t.authorize(10_000, "INV-1"))


@traps.add("13-expiry-legacy", f"{NOTHING_CAME}\n payment canceled", api_version=OLD)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.world.expire(t.authorize(10_000, "INV-1"))


@traps.add("13-void-basil", f"{NOTHING_CAME}\n payment canceled")
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.world.cancel(t.authorize(10_000, "INV-1"), "abandoned")


FIRST_STEP = """
    books    clearing 6767  processing_fees 233  accounts_receivable 3000  revenue -10000
    INV-1    paid 7000  owed 3000
    payment  captured 7000
"""
MORE_MAY_COME = FIRST_STEP.replace("owed 3000", "owed 3000  on_its_way 3000")
BOTH_STEPS = """
    books    clearing 8679  processing_fees 321  accounts_receivable 1000  revenue -10000
    INV-1    paid 9000  owed 1000
    payment  captured 9000
"""


@traps.add("14-multicapture", BOTH_STEPS)
def _(t: Telling) -> Iterator[str]:
    t.invoice("INV-1", 10_000)
    held = t.authorize(10_000, "INV-1", multicapture=True)
    t.world.capture(held, 7_000, final=False)
    yield MORE_MAY_COME
    t.world.capture(held, 2_000)


@traps.add("14-multicapture-of-which-the-steps-are-lost", BOTH_STEPS)
def _(t: Telling) -> Iterator[str]:
    t.invoice("INV-1", 10_000)
    held = t.authorize(10_000, "INV-1", multicapture=True)
    t.world.capture(held, 7_000, final=False)
    t.lose("charge.updated")
    yield MORE_MAY_COME
    t.world.capture(held, 2_000)
    t.lose("charge.updated", "payment_intent.amount_capturable_updated")


@traps.add("14-multicapture-told-all-together", BOTH_STEPS)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    held = t.authorize(10_000, "INV-1", multicapture=True)
    t.world.capture(held, 7_000, final=False)
    t.world.capture(held, 2_000)


@traps.add(
    "15-refund-between-two-captures",
    """
    books    clearing 5679  processing_fees 321  accounts_receivable 1000
    books    credits 3000  revenue -10000
    INV-1    paid 6000  credited 3000  owed 1000
    payment  captured 9000  refunded 3000
    asks     external_refund 3000
    """,
)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    held = t.authorize(10_000, "INV-1", multicapture=True)
    t.world.capture(held, 7_000, final=False)
    t.world.refund(held, 3_000)
    t.world.capture(held, 2_000)


@traps.add("16-the-rest-of-a-multicapture-is-let-go", FIRST_STEP)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    held = t.authorize(10_000, "INV-1", multicapture=True)
    t.world.capture(held, 7_000, final=False)
    t.world.capture(held, 0)


@traps.add(
    "17-over-capture",
    """
    books    clearing 11622  processing_fees 378  unapplied_cash -2000  revenue -10000
    INV-1    paid 10000
    payment  captured 12000  unapplied 2000  captured
    asks     overpayment 2000
    """,
)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.world.capture(t.authorize(10_000, "INV-1", overcapture=12_000), 12_000)


@traps.add("18-only-the-intent-tells-of-a-partial-capture", SEVEN_OF_TEN)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.world.capture(t.authorize(10_000, "INV-1"), 7_000)
    t.only("payment_intent.succeeded")


@traps.add("18-only-the-intent-tells-of-a-legacy-one", SEVEN_OF_TEN)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.world.capture(t.authorize(10_000, "INV-1"), 7_000, legacy=True)
    t.only("payment_intent.succeeded")


@traps.add(
    "19-incremental-authorization",
    """
    books    clearing 14535  processing_fees 465  revenue -15000
    INV-1    paid 15000
    payment  captured 15000  captured
    """,
)
def _(t: Telling) -> None:
    t.invoice("INV-1", 15_000)
    held = t.authorize(10_000, "INV-1")
    t.world.increment_authorization(held, 15_000)
    t.world.capture(held)


@traps.add("20-declined-first", PAID_ONCE)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    first = t.noted(t.world.decline(10_000, metadata={"invoice": t.number("INV-1")}), "INV-1")
    t.world.pay(10_000, intent=first.intent)


@traps.add("21-the-failure-is-told-after-the-success", PAID_ONCE)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    first = t.noted(t.world.decline(10_000, metadata={"invoice": t.number("INV-1")}), "INV-1")
    t.world.pay(10_000, intent=first.intent)
    t.only("payment_intent.payment_failed", "payment_intent.succeeded", "charge.updated")


@traps.add("22-nothing-to-pay", NOTHING_CAME)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.world.complete_session(t.world.open_session(0, metadata={"invoice": t.number("INV-1")}))


@traps.add("23-a-charge-without-an-intent", PAID_ONCE)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.pay(10_000, "INV-1", no_intent=True)


@traps.add("23-the-same-in-the-shape-of-2022", PAID_ONCE, api_version=OLD)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.pay(10_000, "INV-1", no_intent=True)
