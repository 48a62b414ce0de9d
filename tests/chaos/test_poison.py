"""Events that are rightly signed and cannot be applied: they stop, and nobody waits for them."""

import copy
from datetime import timedelta

from tests.runtime import Office, line, office, stripe_api

__all__ = ["line", "office", "stripe_api"]

ATTEMPTS_MAX = 8
_TRIES = """select o.status, o.attempts from inbox_event e join inbox_outcome o using (seq)
  where e.rail_event_id = :id"""
_QUESTIONS = "select count(*) from review_item where kind = 'event_failed' and subject = :id"


def test_an_event_that_cannot_be_read_stops_and_its_neighbours_go_on(office: Office) -> None:
    office.world.pay(4_200)
    good = office.world.events()
    poison = _like(good[1], "evt_poison", amount="a lot")
    assert office.deliver(good[0], poison, *good[1:]) == [200] * (len(good) + 1)
    office.apply()
    assert _state(office, "evt_poison") == ("pending", 1)
    assert [_state(office, event["id"])[0] for event in good] == ["applied"] * len(good)
    _all_tries(office, "evt_poison")
    assert office.violations() == []


def test_an_event_that_contradicts_its_payment_stops_alone(office: Office) -> None:
    office.world.pay(4_200)
    good = office.world.events()
    succeeded = next(event for event in good if event["type"] == "charge.succeeded")
    # Of the same payment as its neighbours, so that they are in one transaction with it.
    poison = _like(succeeded, "evt_poison", currency="eur")
    assert office.deliver(*good, poison) == [200] * (len(good) + 1)
    office.apply()
    assert _state(office, "evt_poison") == ("pending", 1)
    assert [_state(office, event["id"])[0] for event in good] == ["applied"] * len(good)
    _all_tries(office, "evt_poison")
    assert office.violations() == []


def test_a_poison_in_front_does_not_make_the_next_event_wait(office: Office) -> None:
    office.world.pay(4_200)
    office.deliver(_like(office.world.events()[1], "evt_poison", amount="a lot"))
    office.apply()
    fresh = office.world.pay(1_300)
    office.deliver(*[e for e in office.world.events() if fresh.charge in str(e)])
    office.apply()
    assert office.scalar("select captured from payment where captured = 1300") == 1300


def _all_tries(office: Office, event_id: str) -> None:
    """Let time pass until nobody tries any more."""
    began = office.clock()
    for _ in range(ATTEMPTS_MAX * 3):
        if _state(office, event_id)[0] == "failed":
            break
        office.clock.advance(minutes=5)
        office.apply()
    assert _state(office, event_id) == ("failed", ATTEMPTS_MAX)
    assert office.clock() - began < timedelta(hours=2)
    assert office.scalar(_QUESTIONS, id=event_id) == 1
    office.clock.advance(days=30)
    office.apply()
    assert _state(office, event_id) == ("failed", ATTEMPTS_MAX)


def _state(office: Office, event_id: str) -> tuple[str, int]:
    (row,) = office.rows(_TRIES, id=event_id)
    return row.status, row.attempts


def _like(event: dict, event_id: str, **wrong: object) -> dict:
    made = copy.deepcopy(event)
    made["id"] = event_id
    made["data"]["object"] |= wrong
    return made
