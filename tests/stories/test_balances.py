"""Traps 78 and 79: movements that nobody has classified, and currencies with odd decimals."""

import pytest

from reconciler.sandbox.rows import Movement, Rate
from tests.runtime import Office
from tests.stories.telling import Telling
from tests.stories.traps import Trap, Traps, check_trap

traps = Traps()


@pytest.mark.parametrize("trap", traps, ids=str)
def test_trap(office: Office, trap: Trap) -> None:
    check_trap(office, trap)


@traps.add(
    "78-a-movement-of-an-unknown-kind",
    """
    books    clearing 9655  processing_fees 320  suspense 25  revenue -10000
    INV-1    paid 10000
    payment  captured 10000  captured
    asks     unclassified_movement -25
    """,
)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    paid = t.pay(10_000, "INV-1")
    with t.world.together():
        t.world.book(Movement("hocus_pocus", "hocus", paid.charge, -25, Rate("usd")))


@traps.add(
    "78-a-fee-that-comes-as-a-row-of-its-own",
    """
    books    clearing 9668  processing_fees 332  revenue -10000
    INV-1    paid 10000
    payment  captured 10000
    """,
)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000)
    paid = t.pay(10_000, "INV-1")
    with t.world.together():
        t.world.book(Movement("stripe_fee", "network_cost", paid.charge, -12, Rate("usd")))


@traps.add(
    "79-yen-have-no-decimals",
    """
    books JPY  clearing 4825  processing_fees 175  revenue -5000
    INV-1      paid 5000
    payment    captured 5000
    """,
)
def _(t: Telling) -> None:
    t.invoice("INV-1", 5_000, "JPY")
    t.pay(5_000, "INV-1", currency="jpy")


@traps.add(
    "79-dinars-have-three",
    """
    books KWD  clearing 4942  processing_fees 178  revenue -5120
    INV-1      paid 5120
    payment    captured 5120
    """,
)
def _(t: Telling) -> None:
    t.invoice("INV-1", 5_120, "KWD")
    t.pay(5_120, "INV-1", currency="kwd")


@traps.add(
    "79-kronur-have-two-that-are-always-zero",
    """
    books ISK  clearing 455  processing_fees 45  revenue -500
    INV-1      paid 500
    payment    captured 500
    """,
)
def _(t: Telling) -> None:
    t.invoice("INV-1", 500, "ISK")
    t.pay(500, "INV-1", currency="isk")


@traps.add(
    "79-shillings-too",
    """
    books UGX  clearing 48520  processing_fees 1480  revenue -50000
    INV-1      paid 50000
    payment    captured 50000
    """,
)
def _(t: Telling) -> None:
    t.invoice("INV-1", 50_000, "UGX")
    t.pay(50_000, "INV-1", currency="ugx")
