"""Traps 25 to 30: bank debits, which take days and may come back."""

from collections.abc import Iterator

import pytest

from reconciler.sandbox.world import Payment
from tests.runtime import Office
from tests.stories.telling import Telling
from tests.stories.traps import Trap, Traps, check_trap

traps = Traps()


@pytest.mark.parametrize("trap", traps, ids=str)
def test_trap(office: Office, trap: Trap) -> None:
    check_trap(office, trap)


UNDER_WAY = """
    books    accounts_receivable 10000  revenue -10000
    INV-1    owed 10000  on_its_way 10000
    payment  processing
"""
REFUSED = """
    books    accounts_receivable 10000  revenue -10000
    INV-1    owed 10000
    payment  failed
"""
CAME_THROUGH = """
    books    clearing 9680  processing_fees 320  revenue -10000
    INV-1    paid 10000
    payment  captured 10000  captured
"""


def _debit(t: Telling, **more) -> Payment:
    """A bank debit begun on a Checkout page."""
    t.invoice("INV-1", 10_000)
    named = {"invoice": t.number("INV-1")}
    page = t.world.open_session(10_000, metadata=named)
    return t.noted(t.world.complete_session(page, method="delayed", **more), "INV-1")


@traps.add("25-a-debit-is-under-way", UNDER_WAY)
def _(t: Telling) -> None:
    _debit(t)


@traps.add("26-a-debit-is-refused", REFUSED)
def _(t: Telling) -> Iterator[str]:
    debit = _debit(t)
    yield UNDER_WAY
    t.world.fail_delayed(debit.charge)


@traps.add("26-a-debit-is-refused-and-told-all-together", REFUSED)
def _(t: Telling) -> None:
    t.world.fail_delayed(_debit(t).charge)


@traps.add("27-a-debit-comes-through", CAME_THROUGH)
def _(t: Telling) -> Iterator[str]:
    debit = _debit(t)
    yield UNDER_WAY
    t.world.settle_delayed(debit.charge)


@traps.add("28-pending-is-told-after-succeeded", CAME_THROUGH)
def _(t: Telling) -> None:
    t.world.settle_delayed(_debit(t).charge)
    t.only("charge.pending", "charge.succeeded", "checkout.session.completed")


@traps.add("29-a-row-was-there-and-is-taken-back", REFUSED)
def _(t: Telling) -> Iterator[str]:
    debit = _debit(t, early_row=True)
    yield UNDER_WAY
    t.world.fail_delayed(debit.charge)


@traps.add("29-a-row-was-there-and-the-debit-comes-through", CAME_THROUGH)
def _(t: Telling) -> Iterator[str]:
    debit = _debit(t, early_row=True)
    yield UNDER_WAY
    t.world.settle_delayed(debit.charge)


@traps.add(
    "30-a-debit-is-taken-back-by-the-bank-for-good",
    """
    books    clearing -1820  processing_fees 1820  accounts_receivable 10000  revenue -10000
    INV-1    owed 10000
    payment  captured 10000  lost 10000  disputed
    asks     dispute 10000
    """,
)
def _(t: Telling) -> Iterator[str]:
    debit = _debit(t)
    t.world.settle_delayed(debit.charge)
    yield CAME_THROUGH
    t.world.dispute(debit.charge, already_lost=True)
