"""What no message told is asked of the rail: once per payment, patiently, and not for ever."""

import pytest

from reconciler.flows.ask_rail import ask_rail
from tests.builders import balances, invoice
from tests.runtime import Office, by_kind

PAID_ONCE = {"clearing": 9_680, "processing_fees": 320, "revenue": -10_000}


def told_in_part(office: Office, number: str = "INV-1"):
    """A payment of which only the intent was told."""
    since = office.world.events_made()
    invoice(office, number, 10_000)
    made = office.world.pay(10_000, metadata={"invoice": number})
    office.deliver(*by_kind(office.world.events(since), "payment_intent.succeeded"))
    return made


def test_one_look_explains_a_payment(office: Office) -> None:
    told_in_part(office)
    office.apply()
    office.clock.advance(seconds=3)
    assert ask_rail(office.runtime) == 1
    assert balances(office) == PAID_ONCE
    assert len(office.line.calls) <= 6
    assert office.scalar("select fetch_due_at from payment") is None


def test_nothing_is_asked_before_its_siblings_could_arrive(office: Office) -> None:
    told_in_part(office)
    office.apply()
    assert ask_rail(office.runtime) == 0
    assert office.line.calls == []


@pytest.mark.thorough
def test_what_is_explained_is_never_asked_about(office: Office) -> None:
    invoice(office, "INV-1", 10_000)
    office.world.pay(10_000, metadata={"invoice": "INV-1"})
    told_in_part(office, "INV-2")
    office.drain()
    office.line.calls.clear()
    office.deliver(*office.world.events())
    office.drain()
    office.clock.advance(days=2)
    office.drain()
    assert len(office.line.calls) <= 6  # the first payment's row, if it was looked at in between


def test_a_rail_that_does_not_answer_is_asked_again_later(office: Office) -> None:
    told_in_part(office)
    office.faults.add("answer", method="GET", status=503, count=12)
    office.drain()
    assert balances(office) == PAID_ONCE


def test_a_payment_that_the_rail_does_not_know_is_given_up_in_the_end(office: Office) -> None:
    made = told_in_part(office)
    for kind, object_id in (("payment_intent", made.intent), ("charge", made.charge)):
        del office.world.table(kind)[object_id]
    office.drain()
    assert office.scalar("select fetch_due_at from payment") is None
    assert office.scalar("select captured from payment") == 10_000
    assert office.violations() == []


def test_an_answer_that_cannot_be_true_stops_nobody_else(office: Office) -> None:
    twisted = told_in_part(office, "INV-1")
    told_in_part(office, "INV-2")
    told_in_part(office, "INV-3")
    for kind, object_id in (("payment_intent", twisted.intent), ("charge", twisted.charge)):
        office.world.table(kind)[object_id]["currency"] = "eur"
    office.apply()
    office.clock.advance(seconds=3)

    ask_rail(office.runtime)

    explained = office.scalar("select count(*) from payment where fetch_due_at is null")
    assert explained == 2
    assert balances(office)["processing_fees"] == 640
    office.drain()
    assert office.scalar("select count(*) from payment where fetch_due_at is not null") == 0


@pytest.mark.thorough
def test_a_refusal_about_one_parent_stops_no_other(office: Office) -> None:
    invoice(office, "INV-1", 10_000)
    charge = office.world.pay(10_000, metadata={"invoice": "INV-1"}).charge
    orphans = []
    for n in range(3):
        office.world.dispute(charge, 10, inquiry=True)
        orphan = office.world.events()[-1]
        del orphan["data"]["object"]["payment_intent"]
        orphans.append(orphan)
        if n == 0:
            orphan["data"]["object"]["charge"] = "ch_refused"
    office.deliver(*orphans)
    office.faults.add("answer", method="GET", path="/v1/charges/ch_refused", status=400, count=None)

    office.drain()

    statuses = [status for _, status, _ in office.unfinished()]
    assert statuses == ["failed"]
    assert balances(office) == PAID_ONCE


def test_two_workers_do_not_ask_the_same_thing(office: Office) -> None:
    told_in_part(office)
    office.apply()
    office.clock.advance(seconds=3)
    ask_rail(office.runtime)
    before = len(office.line.calls)
    ask_rail(office.runtime)
    assert len(office.line.calls) == before


def test_a_fee_that_appears_a_day_later_is_found(office: Office) -> None:
    invoice(office, "INV-1", 10_000)
    made = office.world.pay(10_000, metadata={"invoice": "INV-1"}, settle=False)
    office.deliver(*office.world.events())
    for hours in (1, 23):
        office.clock.advance(hours=hours)
        office.apply()
        ask_rail(office.runtime)
        assert balances(office) == {"clearing": 10_000, "revenue": -10_000}
        assert office.violations() == []
    office.world.settle(made.charge)  # and charge.updated is lost
    office.drain()
    assert balances(office) == PAID_ONCE
