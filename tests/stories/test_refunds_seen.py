"""Traps 33 to 45, 52 and 56: refunds that somebody made on the rail."""

from collections.abc import Iterator

import pytest

from tests.runtime import Office
from tests.stories.telling import Telling
from tests.stories.traps import Trap, Traps, check_trap

traps = Traps()
OLD = "2022-08-01"


@pytest.mark.parametrize("trap", traps, ids=str)
def test_trap(office: Office, trap: Trap) -> None:
    check_trap(office, trap)


PAID = """
    books    clearing 9680  processing_fees 320  revenue -10000
    INV-1    paid 10000
    payment  captured 10000  captured
"""
FIVE_WENT_BACK = """
    books    clearing 4680  processing_fees 320  credits 5000  revenue -10000
    INV-1    paid 5000  credited 5000
    payment  captured 10000  refunded 5000  partially_refunded
    asks     external_refund 5000
"""


def _paid(t: Telling) -> str:
    t.invoice("INV-1", 10_000)
    return str(t.pay(10_000, "INV-1").charge)


def _entries(t: Telling) -> int:
    """How much was ever posted because of this telling's payment."""
    return int(
        t.office.scalar(
            "select count(*) from journal_entry where payment_id = :id", id=t.payment_id()
        )
    )


@traps.add(
    "33-full-refund",
    """
    books    clearing -320  processing_fees 320  credits 10000  revenue -10000
    INV-1    credited 10000
    payment  captured 10000  refunded 10000  refunded
    asks     external_refund 10000
    """,
)
def _(t: Telling) -> None:
    t.world.refund(_paid(t))


@traps.add("34-two-equal-refunds-in-one-second", FIVE_WENT_BACK)
def _(t: Telling) -> None:
    charge = _paid(t)
    t.world.refund(charge, 2_500)
    t.world.refund(charge, 2_500)


@traps.add("35-of-two-refunds-only-the-last-total-is-told", FIVE_WENT_BACK)
def _(t: Telling) -> None:
    charge = _paid(t)
    t.world.refund(charge, 2_500)
    t.world.refund(charge, 2_500)
    t.also(t.news()[-1])


@traps.add("36-two-events-of-one-type-for-one-charge", FIVE_WENT_BACK)
def _(t: Telling) -> None:
    charge = _paid(t)
    t.world.refund(charge, 2_500)
    t.world.refund(charge, 2_500)
    t.only("charge.succeeded", "charge.refunded")


@traps.add(
    "37-the-first-refund-is-told-again-after-the-third",
    """
    books    clearing 3680  processing_fees 320  credits 6000  revenue -10000
    INV-1    paid 4000  credited 6000
    payment  captured 10000  refunded 6000
    asks     external_refund 6000
    """,
)
def _(t: Telling) -> Iterator[None]:
    charge = _paid(t)
    yield
    t.world.refund(charge, 1_000)
    first = t.news()
    t.world.refund(charge, 2_000)
    t.world.refund(charge, 3_000)
    for event in first:
        t.also(event)
    yield
    for event in first:
        t.also(event)


TWELVE_REFUNDS = """
    books    clearing 8480  processing_fees 320  credits 1200  revenue -10000
    INV-1    paid 8800  credited 1200
    payment  captured 10000  refunded 1200
    asks     external_refund 1200
"""


@traps.add("38-more-than-ten-refunds", TWELVE_REFUNDS)
def _(t: Telling) -> None:
    charge = _paid(t)
    for _ in range(12):
        t.world.refund(charge, 100)
    t.also(t.news()[-1])


@traps.add("38-more-than-ten-refunds-of-which-ten-are-embedded", TWELVE_REFUNDS, api_version=OLD)
def _(t: Telling) -> None:
    charge = _paid(t)
    for _ in range(12):
        t.world.refund(charge, 100)
    t.also(t.news()[-1])


@traps.add("39-a-refund-fails-after-it-succeeded", f"{PAID} asks refund_failed 4000")
def _(t: Telling) -> Iterator[str]:
    charge = _paid(t)
    made = t.world.refund(charge, 4_000)
    yield """
    books    clearing 5680  processing_fees 320  credits 4000  revenue -10000
    INV-1    paid 6000  credited 4000
    payment  captured 10000  refunded 4000  partially_refunded
    asks     external_refund 4000
    """
    t.world.advance_refund(made, "failed", "lost_or_stolen_card")


@traps.add("40-the-failure-is-told-before-the-refund", f"{PAID} asks refund_failed 4000")
def _(t: Telling) -> None:
    made = t.world.refund(_paid(t), 4_000)
    t.world.advance_refund(made, "failed")
    t.only("charge.succeeded", "refund.created", "refund.updated", "refund.failed")


WAITS = """
    books    clearing 9680  processing_fees 320  credits 4000  refunds_payable -4000
    books    revenue -10000
    INV-1    paid 6000  credited 4000
    payment  captured 10000  refunded 4000  partially_refunded
    asks     external_refund 4000
"""


@traps.add(
    "41-a-refund-waits-for-funds",
    """
    books    clearing 5680  processing_fees 320  credits 4000  revenue -10000
    INV-1    paid 6000  credited 4000
    payment  captured 10000  refunded 4000  partially_refunded
    asks     external_refund 4000
    """,
)
def _(t: Telling) -> Iterator[str]:
    charge = _paid(t)
    waits = {"status": "pending", "pending_reason": "insufficient_funds"}
    made = t.world.refund(charge, 4_000, **waits)
    yield WAITS
    t.world.advance_refund(made, "succeeded")


@traps.add(
    "42-a-dispute-overtakes-a-refund",
    """
    books    clearing -1820  processing_fees 1820  disputed_funds 10000  revenue -10000
    INV-1    paid 10000
    payment  captured 10000  disputed
    asks     dispute 10000  refund_failed 4000
    """,
)
def _(t: Telling) -> Iterator[str]:
    charge = _paid(t)
    t.world.refund(charge, 4_000, status="pending", pending_reason="charge_pending")
    yield WAITS
    t.world.dispute(charge)


@traps.add("43-a-refund-goes-to-and-fro", FIVE_WENT_BACK)
def _(t: Telling) -> None:
    made = t.world.refund(_paid(t), 5_000, status="requires_action")
    for status in ("pending", "succeeded", "requires_action", "succeeded"):
        t.world.advance_refund(made, status)


@traps.add("43-a-refund-asks-the-customer-again", FIVE_WENT_BACK)
def _(t: Telling) -> None:
    made = t.world.refund(_paid(t), 5_000)
    t.world.advance_refund(made, "requires_action")


@traps.add("44-a-refund-is-canceled", f"{PAID} asks refund_failed 4000")
def _(t: Telling) -> Iterator[str]:
    charge = _paid(t)
    made = t.world.refund(charge, 4_000, status="requires_action")
    yield WAITS
    t.world.cancel_refund(made)


@traps.add("45-words-around-a-refund-change", FIVE_WENT_BACK)
def _(t: Telling) -> Iterator[str]:
    made = t.world.refund(_paid(t), 5_000)
    yield FIVE_WENT_BACK
    before = _entries(t)
    t.world.reference_refund(made)
    t.world.edit_metadata(made, {"note": "rung the customer"})
    yield FIVE_WENT_BACK
    assert _entries(t) == before


@traps.add("52-a-refund-from-the-dashboard", FIVE_WENT_BACK)
def _(t: Telling) -> None:
    t.world.refund(_paid(t), 5_000, reason="requested_by_customer")


@traps.add(
    "52-a-person-decides-that-it-is-owed-again",
    """
    books    clearing 6680  processing_fees 320  accounts_receivable 3000  revenue -10000
    INV-1    paid 7000  owed 3000
    payment  captured 10000  refunded 3000  partially_refunded
    """,
)
def _(t: Telling) -> Iterator[str]:
    made = t.world.refund(_paid(t), 3_000)
    first = t.news()
    for event in first:
        t.also(event)
    yield """
    books    clearing 6680  processing_fees 320  credits 3000  revenue -10000
    INV-1    paid 7000  credited 3000
    payment  captured 10000  refunded 3000  partially_refunded
    asks     external_refund 3000
    """
    t.owed_again(made)
    t.world.reference_refund(made)
    for event in first:
        t.also(event)


@traps.add("56-a-credit-note-of-the-rail-made-a-refund", FIVE_WENT_BACK)
def _(t: Telling) -> None:
    made = t.world.refund(_paid(t), 5_000)
    note = {"id": "cn_1", "object": "credit_note", "amount": 5_000, "currency": "usd"}
    note |= {"refunds": [{"amount_refunded": 5_000, "refund": made}], "status": "issued"}
    news = t.news()
    for event in news:
        t.also(event)
    t.also(
        news[-1]
        | {"id": f"{news[-1]['id']}cn", "type": "credit_note.created", "data": {"object": note}}
    )


@traps.add(
    "55-a-refund-at-another-rate",
    """
    books USD  clearing -505  processing_fees 345  currency_conversion 160
    books EUR  credits 10000  revenue -10000
    INV-1      credited 10000
    payment    captured 10000  refunded 10000  refunded
    asks       external_refund 10000
    """,
)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000, "EUR")
    paid = t.pay(10_000, "INV-1", currency="eur", settle_in=("usd", 1_085, 1_000))
    t.world.refund(str(paid.charge), settle_in=("usd", 1_101, 1_000))


@traps.add(
    "55-converted-and-kept",
    """
    books USD  clearing 10505  processing_fees 345  currency_conversion -10850
    books EUR  currency_conversion 10000  revenue -10000
    INV-1      paid 10000
    payment    captured 10000  captured
    """,
)
def _(t: Telling) -> None:
    t.invoice("INV-1", 10_000, "EUR")
    t.pay(10_000, "INV-1", currency="eur", settle_in=("usd", 1_085, 1_000))
