"""Trap 24: two payments for one invoice, and one of them goes back."""

from collections.abc import Iterator

import pytest

from tests.runtime import Office
from tests.stories.telling import Telling
from tests.stories.traps import Trap, Traps, check_trap

traps = Traps()
pytestmark = pytest.mark.usefixtures("unmeasured")


@pytest.mark.parametrize("trap", traps, ids=str)
def test_trap(office: Office, trap: Trap) -> None:
    check_trap(office, trap)


ONE_WENT_BACK = """
    books    clearing 9360  processing_fees 640  revenue -10000
    INV-1    paid 10000
    payments captured 20000  refunded 10000
    asks     external_refund 10000
"""


@traps.add(
    "24-paid-twice",
    """
    books      clearing 19360  processing_fees 640  unapplied_cash -10000  revenue -10000
    INV-1      paid 10000
    payments   captured 20000  unapplied 10000
    asks       overpayment 10000
    """,
)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    t.pay(10_000, "INV-1")
    t.pay(10_000, "INV-1")


@traps.add(
    "24-paid-twice-and-the-first-is-refunded",
    ONE_WENT_BACK,
)
def _(t: Telling) -> Iterator[None]:
    t.invoice("INV-1", 10_000)
    first = t.pay(10_000, "INV-1")
    t.pay(10_000, "INV-1")
    yield
    t.world.refund(first.charge)


@traps.add(
    "24-paid-twice-and-the-second-is-refunded",
    ONE_WENT_BACK,
)
def _(t: Telling) -> Iterator[None]:
    t.invoice("INV-1", 10_000)
    t.pay(10_000, "INV-1")
    second = t.pay(10_000, "INV-1")
    yield
    t.world.refund(second.charge)


@traps.add(
    "24-paid-twice-and-refunded-all-told-together",
    ONE_WENT_BACK,
)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    first = t.pay(10_000, "INV-1")
    t.pay(10_000, "INV-1")
    t.world.refund(first.charge)


@traps.add(
    "24-paid-twice-and-refunded-in-part",
    """
    books      clearing 15360  processing_fees 640  unapplied_cash -6000  revenue -10000
    INV-1      paid 10000
    payments   captured 20000  refunded 4000  unapplied 6000
    asks       overpayment 6000  external_refund 4000
    """,
)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    first = t.pay(10_000, "INV-1")
    t.pay(10_000, "INV-1")
    t.world.refund(first.charge, 4_000)
