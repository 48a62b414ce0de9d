"""Traps 57 to 69: what customers' banks take, and sometimes give back."""

from collections.abc import Iterator

import pytest

from tests.runtime import Office
from tests.stories.telling import Telling
from tests.stories.traps import Trap, Traps, check_trap

traps = Traps()


@pytest.mark.parametrize("trap", traps, ids=str)
def test_trap(office: Office, trap: Trap) -> None:
    check_trap(office, trap)


PAID = """
    books    clearing 9680  processing_fees 320  revenue -10000
    INV-1    paid 10000
    payment  captured 10000
"""
TAKEN = """
    books    clearing -1820  processing_fees 1820  disputed_funds 10000  revenue -10000
    INV-1    paid 10000
    payment  captured 10000  disputed
    asks     dispute 10000
"""
LOST = """
    books    clearing -1820  processing_fees 1820  accounts_receivable 10000  revenue -10000
    INV-1    owed 10000
    payment  captured 10000  lost 10000  disputed
    asks     dispute 10000
"""
WON = """
    books    clearing 8180  processing_fees 1820  revenue -10000
    INV-1    paid 10000
    payment  captured 10000  captured
"""


def _paid(t: Telling, amount: int = 10_000) -> str:
    t.invoice("INV-1", amount)
    return str(t.pay(amount, "INV-1").charge)


@traps.add("57-an-inquiry-lapses", PAID)
def _(t: Telling) -> Iterator[str]:
    asked = t.world.dispute(_paid(t), inquiry=True)
    yield f"{PAID} asks dispute 10000"
    t.world.close_dispute(asked, "warning_closed")


@traps.add("58-an-inquiry-becomes-a-chargeback", TAKEN)
def _(t: Telling) -> None:
    t.world.escalate(t.world.dispute(_paid(t), inquiry=True))


@traps.add("59-a-dispute-is-lost", LOST)
def _(t: Telling) -> Iterator[str]:
    taken = t.world.dispute(_paid(t))
    yield TAKEN
    t.world.close_dispute(taken, "lost")


@traps.add("60-lost-is-told-before-all-else", LOST)
def _(t: Telling) -> None:
    t.world.close_dispute(t.world.dispute(_paid(t)), "lost")


@traps.add("60-only-the-end-is-told", LOST)
def _(t: Telling) -> None:
    t.world.close_dispute(t.world.dispute(_paid(t)), "lost")
    t.only("charge.succeeded", "charge.dispute.closed")


@traps.add("60-the-withdrawal-is-never-told", TAKEN)
def _(t: Telling) -> Iterator[str]:
    charge = _paid(t)
    yield PAID
    t.world.dispute(charge)
    t.only("charge.dispute.created")


@traps.add("60-nothing-but-the-dispute-is-told", TAKEN)
def _(t: Telling) -> None:
    t.world.dispute(_paid(t))
    t.only("charge.dispute.created", "charge.dispute.funds_withdrawn")


@traps.add("61-a-dispute-is-won", WON)
def _(t: Telling) -> Iterator[str]:
    taken = t.world.dispute(_paid(t))
    yield TAKEN
    t.world.close_dispute(taken, "won")


@traps.add("61-a-dispute-is-won-and-told-all-together", WON)
def _(t: Telling) -> None:
    t.world.close_dispute(t.world.dispute(_paid(t)), "won")


@traps.add("61-the-reinstatement-is-never-told", WON)
def _(t: Telling) -> Iterator[str]:
    taken = t.world.dispute(_paid(t))
    yield TAKEN
    t.world.close_dispute(taken, "won")
    t.only("charge.dispute.closed")


@traps.add("62-the-fee-comes-back-too", PAID)
def _(t: Telling) -> None:
    t.world.close_dispute(t.world.dispute(_paid(t)), "won", fee_back=1_500)


@traps.add(
    "63-refunded-in-part-then-disputed-and-won-in-part",
    """
    books    clearing 2180  processing_fees 1820  credits 3000  accounts_receivable 3000
    books    revenue -10000
    INV-1    paid 4000  credited 3000  owed 3000
    payment  captured 10000  refunded 3000  lost 3000
    asks     dispute 3000  external_refund 3000
    """,
)
def _(t: Telling) -> None:
    charge = _paid(t)
    t.world.refund(charge, 3_000)
    t.world.close_dispute(t.world.dispute(charge), "won", reinstate=7_000)


@traps.add(
    "65-two-disputes-on-one-charge",
    """
    books    clearing 2680  processing_fees 3320  accounts_receivable 4000  revenue -10000
    INV-1    paid 6000  owed 4000
    payment  captured 10000  lost 4000
    asks     dispute 4000
    """,
)
def _(t: Telling) -> Iterator[str]:
    charge = _paid(t)
    one = t.world.dispute(charge, 4_000)
    other = t.world.dispute(charge, 3_000)
    yield """
    books    clearing -320  processing_fees 3320  disputed_funds 7000  revenue -10000
    INV-1    paid 10000
    payment  captured 10000  disputed
    asks     dispute 7000
    """
    t.world.close_dispute(one, "lost")
    t.world.close_dispute(other, "won")


BUNDLED = """
    books    clearing -11675  processing_fees 1675  chargeback_losses 10000
    books    accounts_receivable 5000  revenue -5000
    INV-1    owed 5000
    payment  captured 5000  lost 5000
    asks     dispute 5000
"""


@traps.add("66-a-dispute-larger-than-its-charge", BUNDLED)
def _(t: Telling) -> Iterator[str]:
    taken = t.world.dispute(_paid(t, 5_000), 15_000)
    yield """
    books    clearing -11675  processing_fees 1675  disputed_funds 15000  revenue -5000
    INV-1    paid 5000
    payment  captured 5000  disputed
    asks     dispute 15000
    """
    t.world.close_dispute(taken, "lost")


@traps.add("67-a-late-win", WON)
def _(t: Telling) -> Iterator[str]:
    taken = t.world.dispute(_paid(t))
    t.world.close_dispute(taken, "lost")
    yield LOST
    t.world.late_win(taken)


@traps.add("67-the-money-of-a-late-win-is-never-told", WON)
def _(t: Telling) -> Iterator[str]:
    taken = t.world.dispute(_paid(t))
    t.world.close_dispute(taken, "lost")
    yield LOST
    t.world.late_win(taken)
    t.only("charge.dispute.updated")


@traps.add("67-a-late-win-told-all-together", WON)
def _(t: Telling) -> None:
    taken = t.world.dispute(_paid(t))
    t.world.close_dispute(taken, "lost")
    t.world.late_win(taken)


@traps.add(
    "68-a-dispute-in-another-currency",
    """
    books EUR  clearing -1846  processing_fees 1843  disputed_funds 10786
    books EUR  currency_conversion -10783
    books USD  currency_conversion 11374  revenue -11374
    INV-1      paid 11374
    payment    captured 11374  disputed
    asks       dispute 11374
    """,
)
def _(t: Telling) -> None:
    t.invoice("INV-1", 11_374)
    paid = t.pay(11_374, "INV-1", settle_in=("eur", 948, 1_000))
    t.world.dispute(str(paid.charge), settle_in=("eur", 9_483, 10_000))


@traps.add(
    "68-a-dispute-in-another-currency-is-lost",
    """
    books EUR  clearing -1846  processing_fees 1843  currency_conversion 3
    books USD  accounts_receivable 11374  revenue -11374
    INV-1      owed 11374
    payment    captured 11374  lost 11374
    asks       dispute 11374
    """,
)
def _(t: Telling) -> None:
    t.invoice("INV-1", 11_374)
    paid = t.pay(11_374, "INV-1", settle_in=("eur", 948, 1_000))
    taken = t.world.dispute(str(paid.charge), settle_in=("eur", 9_483, 10_000))
    t.world.close_dispute(taken, "lost")


@traps.add("69-a-dispute-is-headed-off", f"{PAID} asks dispute 10000")
def _(t: Telling) -> None:
    t.world.prevented(_paid(t))


@traps.add("69-an-appeal", TAKEN.replace("    asks     dispute 10000\n", ""))
def _(t: Telling) -> None:
    taken = t.world.dispute(_paid(t))
    t.world.set_dispute_status(taken, "appeal_under_review")


@traps.add("58-an-inquiry-lapses-and-becomes-a-chargeback-after-all", TAKEN)
def _(t: Telling) -> Iterator[str]:
    asked = t.world.dispute(_paid(t), inquiry=True)
    t.world.close_dispute(asked, "warning_closed")
    yield PAID
    t.office.clock.advance(days=7)
    t.world.escalate(asked)


@traps.add("69-a-status-nobody-knows", TAKEN)
def _(t: Telling) -> None:
    taken = t.world.dispute(_paid(t))
    t.world.set_dispute_status(taken, "in_the_hands_of_fate")
