"""Traps 46 to 54 and 64: refunds that we asked for, each of them once on the rail."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from reconciler.errors import Refused, Unavailable
from tests.runtime import Office
from tests.stories.telling import Telling
from tests.stories.traps import Trap, Traps, check_alone, check_trap
from tests.tiers import IS_QUICK, size

traps, alone = Traps(), Traps()


@pytest.mark.parametrize("trap", traps, ids=str)
def test_trap(office: Office, trap: Trap) -> None:
    check_trap(office, trap)


@pytest.mark.parametrize("trap", alone, ids=str)
def test_trap_alone(office: Office, trap: Trap) -> None:
    check_alone(office, trap)


PAID = """
    books    clearing 9680  processing_fees 320  revenue -10000
    INV-1    paid 10000
    payment  captured 10000  captured
"""
FOUR_WENT_BACK = """
    books    clearing 5680  processing_fees 320  credits 4000  revenue -10000
    INV-1    paid 6000  credited 4000
    payment  captured 10000  refunded 4000  partially_refunded
"""


def _paid(t: Telling) -> str:
    t.invoice("INV-1", 10_000)
    return str(t.pay(10_000, "INV-1").charge)


def _refunds(t: Telling) -> list[dict]:
    ours = {paid.charge for paid in t.payments}
    return [made for made in t.world.table("refund").values() if made["charge"] in ours]


def _leg(t: Telling):
    """What became of the first refund of ours on this telling's payment."""
    return t.office.rows(
        "select * from refund_leg where payment_id = :id order by id", id=t.payment_id()
    )[0]


@traps.add("46-our-own-refund-and-its-news", FOUR_WENT_BACK)
def _(t: Telling) -> Iterator[str | None]:
    _paid(t)
    yield PAID
    t.ask_back("INV-1", 4_000)
    yield FOUR_WENT_BACK
    assert len(_refunds(t)) == 1
    t.hear_of_refunds()


@traps.add(
    "46-our-own-refund-that-opens-the-invoice-again",
    """
    books    clearing 5680  processing_fees 320  accounts_receivable 4000  revenue -10000
    INV-1    paid 6000  owed 4000
    payment  captured 10000  refunded 4000
    """,
)
def _(t: Telling) -> Iterator[None]:
    _paid(t)
    yield
    t.ask_back("INV-1", 4_000, treatment="reopen")
    t.reopening.add(str(t.payments[0].intent))
    yield
    t.hear_of_refunds()


@alone.add("46-the-news-come-before-the-answer", FOUR_WENT_BACK)
def _(t: Telling) -> Iterator[str | None]:
    _paid(t)
    yield PAID

    def hear() -> None:
        t.hear_of_refunds()
        t.office.deliver(*t.news())
        t.office.apply()

    t.while_sending(after=hear)
    t.ask_back("INV-1", 4_000)
    yield FOUR_WENT_BACK
    assert len(_refunds(t)) == 1


@alone.add("47-the-answer-is-lost", FOUR_WENT_BACK)
def _(t: Telling) -> Iterator[str | None]:
    _paid(t)
    yield PAID
    t.while_sending(before=lambda: t.office.faults.add("drop_after", method="POST"))
    t.ask_back("INV-1", 4_000)
    yield FOUR_WENT_BACK
    assert len(_refunds(t)) == 1
    t.hear_of_refunds()


@alone.add("48-a-500-and-the-refund-is-there-all-the-same", FOUR_WENT_BACK)
def _(t: Telling) -> Iterator[str | None]:
    _paid(t)
    yield PAID
    t.while_sending(before=lambda: t.office.faults.add("saved_500", method="POST", effect=True))
    t.ask_back("INV-1", 4_000)
    t.office.submit()
    assert _leg(t).status == "unknown"
    t.hear_of_refunds()
    told = t.news()
    t.office.deliver(*told)
    t.office.apply()
    assert _leg(t).status == "succeeded", "taken for ours by its reference, before anybody looked"
    for event in told:
        t.also(event)
    yield FOUR_WENT_BACK
    assert len(_refunds(t)) == 1


@alone.add("49-the-rail-has-forgotten-the-key", FOUR_WENT_BACK)
def _(t: Telling) -> Iterator[str | None]:
    _paid(t)
    yield PAID
    t.office.faults.add("drop_after", method="POST", path="/v1/refunds")
    looks = size(quick=40, full=116)  # of which each is tried more than once
    t.office.faults.add("answer", method="GET", path="/v1/refunds", status=503, skip=1, count=looks)
    t.ask_back("INV-1", 4_000)
    asked_at = t.office.clock()
    if IS_QUICK:  # nobody looks in the hours between
        t.office.drain(within=timedelta(hours=2))
        t.office.clock.advance(hours=20)
    yield FOUR_WENT_BACK
    assert t.office.clock() - asked_at > timedelta(hours=24)
    assert len(_refunds(t)) == 1
    assert t.sendings() == 1, "looked up, and not sent under a key that is forgotten"


@alone.add("50-our-key-was-used-for-another-amount", f"{PAID} asks manual_refund 4000")
def _(t: Telling) -> Iterator[str | None]:
    _paid(t)
    yield PAID
    asked = {"method": "POST", "path": "/v1/refunds", "params": {"amount": "4001"}}

    def take_the_key() -> None:
        t.world.truth.idempotency[f"rr:{_leg(t).id}:1"] = {
            "asked": asked, "body": {}, "created": t.world.now(), "request_id": "req_1",
            "status": 200,
        }  # fmt: skip

    t.while_sending(before=take_the_key)
    t.ask_back("INV-1", 4_000)
    yield None
    assert "idempotency_error" in _leg(t).failure
    assert _refunds(t) == []


SIX_WENT_BACK = """
    books    clearing 3680  processing_fees 320  credits 6000  revenue -10000
    INV-1    paid 4000  credited 6000
    payment  captured 10000  refunded 6000
"""


@alone.add("51-two-people-refund-at-once", SIX_WENT_BACK)
def _(t: Telling) -> Iterator[str | None]:
    _paid(t)
    yield PAID
    refused: list[Exception] = []

    def ask() -> None:
        try:
            t.ask_back("INV-1", 6_000)
        except (Refused, Unavailable) as error:
            refused.append(error)

    both = [threading.Thread(target=ask) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(refused) == 1
    yield SIX_WENT_BACK
    assert len(_refunds(t)) == 1


@traps.add(
    "53-an-invoice-that-two-payments-paid",
    """
    books      clearing 2650  processing_fees 350  credits 7000  revenue -10000
    INV-1      paid 3000  credited 7000
    payment 1  captured 6000  refunded 3000
    payment 2  captured 4000  refunded 4000
    """,
)
def _(t: Telling) -> Iterator[None]:
    t.invoice("INV-1", 10_000)
    t.pay(6_000, "INV-1")
    yield
    t.office.clock.advance(seconds=5)
    t.pay(4_000, "INV-1")
    yield
    t.ask_back("INV-1", 7_000)  # the newest payment first
    yield
    t.hear_of_refunds()


@alone.add("54-more-than-is-left", f"{FOUR_WENT_BACK} asks external_refund 4000")
def _(t: Telling) -> Iterator[str | None]:
    charge = _paid(t)
    yield PAID
    t.world.refund(charge, 4_000)
    yield f"{FOUR_WENT_BACK} asks external_refund 4000"
    with pytest.raises(Refused) as refusal:
        t.ask_back("INV-1", 6_001)
    assert refusal.value.field == "amount"
    assert t.sendings() == 0


ALL_WENT_BACK = """
    books    clearing -320  processing_fees 320  credits 10000  revenue -10000
    INV-1    credited 10000
    payment  captured 10000  refunded 10000  refunded
"""


@alone.add(
    "54-more-than-the-rail-has-left",
    f"{ALL_WENT_BACK} asks external_refund 4000  refund_failed 7000",
)
def _(t: Telling) -> Iterator[str | None]:
    charge = _paid(t)
    yield PAID
    t.while_sending(before=lambda: t.world.refund(charge, 4_000))
    t.ask_back("INV-1", 7_000)
    t.office.submit()
    yield f"{FOUR_WENT_BACK} asks external_refund 4000  refund_failed 7000"
    assert _leg(t).status == "failed"
    t.ask_back("INV-1", 6_000)  # what was set aside for ours is free again
    yield None
    t.hear_of_refunds()


@alone.add(
    "44-our-own-refund-is-canceled-and-what-it-held-is-free",
    f"{ALL_WENT_BACK} asks refund_failed 4000",
)
def _(t: Telling) -> Iterator[str | None]:
    _paid(t)
    yield PAID
    t.world.plan_refund(status="requires_action", instructions_email="ann@example.com")
    t.ask_back("INV-1", 4_000)
    yield """
    books    clearing 9680  refunds_payable -4000  processing_fees 320  credits 4000
    books    revenue -10000
    INV-1    paid 6000  credited 4000
    payment  captured 10000  refunded 4000  partially_refunded
    asks     refunds_held 4000
    """
    with pytest.raises(Refused):
        t.ask_back("INV-1", 6_001)
    t.world.cancel_refund(_refunds(t)[0]["id"])
    yield f"{PAID} asks refund_failed 4000"
    t.ask_back("INV-1", 10_000)
    yield None
    t.hear_of_refunds()


TAKEN = """
    books    clearing -1820  processing_fees 1820  disputed_funds 10000  revenue -10000
    INV-1    paid 10000
    payment  captured 10000  disputed
    asks     dispute 10000
"""


@alone.add("64-a-refund-while-disputed", TAKEN)
def _(t: Telling) -> Iterator[str | None]:
    charge = _paid(t)
    yield PAID
    t.world.dispute(charge)
    yield None
    with pytest.raises(Refused):
        t.ask_back("INV-1", 4_000)
    assert t.sendings() == 0


@alone.add("64-a-dispute-that-only-the-rail-knows-of", f"{TAKEN} asks refund_failed 4000")
def _(t: Telling) -> Iterator[str | None]:
    charge = _paid(t)
    yield PAID
    t.while_sending(before=lambda: t.world.dispute(charge))
    t.ask_back("INV-1", 4_000)
    t.office.submit()
    yield None
    assert "charge_disputed" in _leg(t).failure
    assert _refunds(t) == []
