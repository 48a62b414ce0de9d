"""What people decide about losses, and what becomes of it when the bank changes its mind."""

from collections.abc import Iterator

import pytest

from tests.runtime import Office
from tests.stories.telling import Telling
from tests.stories.traps import Trap, Traps, check_trap

traps = Traps()


@pytest.mark.parametrize("trap", traps, ids=str)
def test_trap(office: Office, trap: Trap) -> None:
    check_trap(office, trap)


LOST = """
    books    clearing -1820  processing_fees 1820  accounts_receivable 10000  revenue -10000
    INV-1    owed 10000
    payment  captured 10000  lost 10000  disputed
    asks     dispute 10000
"""
WRITTEN_OFF = """
    books    clearing -1820  processing_fees 1820  chargeback_losses 10000  revenue -10000
    INV-1    credited 10000  written_off 10000
    payment  captured 10000  lost 10000  disputed
"""
CREDITED = """
    books    clearing -1820  processing_fees 1820  credits 10000  revenue -10000
    INV-1    credited 10000
    payment  captured 10000  lost 10000  disputed
"""
APPEALED = """
    books    clearing -1820  processing_fees 1820  disputed_funds 10000  revenue -10000
    INV-1    paid 10000
    payment  captured 10000  disputed
    asks     dispute 10000
"""
WON = """
    books    clearing 8180  processing_fees 1820  revenue -10000
    INV-1    paid 10000
    payment  captured 10000  captured
    asks     dispute 10000
"""


def _asked(t: Telling) -> list[str]:
    """Where the disputes stand that somebody is asked about."""
    found = t.office.rows(
        """select details ->> 'stage' as stage from review_item
        where kind = 'dispute' and state = 'open' and payment_id = :id""",
        id=t.payment_id(),
    )
    return [row.stage for row in found]


def _lost(t: Telling, amount: int = 10_000) -> str:
    t.invoice("INV-1", amount)
    taken = t.world.dispute(str(t.pay(amount, "INV-1").charge))
    t.world.close_dispute(taken, "lost")
    return taken


@traps.add("67-a-late-win-after-a-write-off", WON)
def _(t: Telling) -> Iterator[str]:
    taken = _lost(t)
    yield LOST
    t.decide(taken, "write_off")
    yield WRITTEN_OFF
    t.world.late_win(taken)


# A week passes before a bank hears an appeal: of one second both words could be the later one.


def _appealed(t: Telling) -> str:
    taken = _lost(t)
    t.office.clock.advance(days=7)
    t.world.appeal(taken)
    return taken


@traps.add("69-an-appeal-against-a-loss", APPEALED.replace("    asks     dispute 10000\n", ""))
def _(t: Telling) -> Iterator[str]:
    taken = _lost(t)
    yield LOST
    t.office.clock.advance(days=7)
    t.world.appeal(taken)
    t.world.respond(taken)


@traps.add("69-an-appeal-is-told-together-with-the-loss", APPEALED)
def _(t: Telling) -> None:
    _appealed(t)


@traps.add("69-of-a-loss-only-the-appeal-is-told", APPEALED)
def _(t: Telling) -> None:
    _appealed(t)
    t.lose("charge.dispute.closed")


@traps.add("69-an-appeal-after-a-write-off-is-lost-again", WRITTEN_OFF)
def _(t: Telling) -> Iterator[str]:
    taken = _lost(t)
    yield LOST
    t.decide(taken, "write_off")
    t.office.clock.advance(days=7)
    t.world.appeal(taken)
    yield APPEALED
    t.office.clock.advance(days=7)
    t.world.close_dispute(taken, "lost")


@traps.add("69-an-appeal-is-lost-and-all-of-it-told-together", LOST)
def _(t: Telling) -> None:
    taken = _appealed(t)
    t.office.clock.advance(days=7)
    t.world.close_dispute(taken, "lost")


@traps.add("69-an-appeal-after-a-credit-is-won", WON)
def _(t: Telling) -> Iterator[str]:
    taken = _lost(t)
    yield LOST
    t.decide(taken, "credit")
    t.office.clock.advance(days=7)
    t.world.appeal(taken)
    t.office.clock.advance(days=7)
    t.world.close_dispute(taken, "won")


@traps.add("69-a-word-that-nobody-knows-after-a-loss", APPEALED)
def _(t: Telling) -> Iterator[str]:
    taken = _lost(t)
    yield LOST
    t.office.clock.advance(days=7)
    t.world.set_dispute_status(taken, "in_the_hands_of_fate")


@traps.add("a-loss-is-chased", LOST.replace("asks     dispute 10000", ""))
def _(t: Telling) -> Iterator[str]:
    taken = _lost(t)
    yield LOST
    t.decide(taken, "chase")
    assert _asked(t) == []


@traps.add("a-loss-is-credited-and-won-late", WON)
def _(t: Telling) -> Iterator[str]:
    taken = _lost(t)
    yield LOST
    t.decide(taken, "credit")
    yield CREDITED
    assert _asked(t) == []
    t.world.late_win(taken)
    yield WON
    assert _asked(t) == ["won"]  # somebody may have told the customer


@traps.add("a-write-off-is-taken-back-and-decided-anew", CREDITED)
def _(t: Telling) -> Iterator[str]:
    taken = _lost(t)
    yield LOST
    t.decide(taken, "write_off")
    yield WRITTEN_OFF
    t.decide(taken, "undecided")
    assert _asked(t) == ["lost"]
    yield LOST
    t.decide(taken, "credit")
    assert _asked(t) == []


@traps.add(
    "101-a-customer-pays-again-after-the-write-off",
    """
    books      clearing 7860  processing_fees 2140  revenue -10000
    INV-1      paid 10000
    payment 1  captured 10000  lost 10000
    payment 2  captured 10000
    """,
)
def _(t: Telling) -> Iterator[str]:
    taken = _lost(t)
    yield LOST
    t.decide(taken, "write_off")
    t.pay(10_000, "INV-1")


@traps.add(
    "a-loss-of-a-deposit-in-use",
    """
    books    clearing -1675  processing_fees 1675  chargeback_losses 4000  revenue -6000
    books    accounts_receivable 2000
    INV-1    credited 4000  written_off 4000  owed 2000
    DEP-1    received 5000  refunded 5000
    payment  captured 5000  lost 5000
    """,
)
def _(t: Telling) -> Iterator[str | None]:
    t.deposit("DEP-1", 5_000)
    t.invoice("INV-1", 6_000)
    charge = str(t.pay(5_000, "DEP-1").charge)
    yield None
    t.apply("DEP-1", "INV-1", 4_000)
    taken = t.world.dispute(charge)
    t.world.close_dispute(taken, "lost")
    yield """
    books    clearing -1675  processing_fees 1675  accounts_receivable 6000  revenue -6000
    INV-1    owed 6000
    DEP-1    received 5000  refunded 5000
    payment  captured 5000  lost 5000
    asks     dispute 5000
    """
    t.decide(taken, "write_off")


TWO = """
    books    clearing -320  processing_fees 3320  chargeback_losses 4000  credits 3000
    books    revenue -10000
    INV-1    paid 3000  credited 7000  written_off 4000
    payment  captured 10000  lost 7000
"""


@traps.add("65-two-losses-decided-in-two-ways", TWO)
def _(t: Telling) -> Iterator[str | None]:
    t.invoice("INV-1", 10_000)
    charge = str(t.pay(10_000, "INV-1").charge)
    one, other = t.world.dispute(charge, 4_000), t.world.dispute(charge, 3_000)
    t.world.close_dispute(one, "lost")
    t.world.close_dispute(other, "lost")
    yield None
    t.decide(other, "credit")
    t.decide(one, "write_off")


@traps.add(
    "30-a-debit-is-returned-and-nobody-says-so",
    """
    books    clearing -320  processing_fees 320  chargeback_losses 10000  revenue -10000
    INV-1    credited 10000  written_off 10000
    payment  captured 10000  lost 10000
    """,
)
def _(t: Telling) -> Iterator[str]:
    t.invoice("INV-1", 10_000)
    debit = t.pay(10_000, "INV-1", method="delayed")
    t.world.settle_delayed(debit.charge)
    yield """
    books    clearing 9680  processing_fees 320  revenue -10000
    INV-1    paid 10000
    payment  captured 10000
    """
    t.world.return_debit(debit.charge)
    t.office.ask_soon([debit.intent])
    yield """
    books    clearing -320  processing_fees 320  accounts_receivable 10000  revenue -10000
    INV-1    owed 10000
    payment  captured 10000  lost 10000  disputed
    asks     dispute 10000
    """
    t.decide(str(debit.charge), "write_off")
