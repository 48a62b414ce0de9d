"""Deposits that nobody paid are asked for no more after their last day; late money is taken."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from reconciler.errors import Invalid
from reconciler.flows.end_deposits import end_deposits
from reconciler.reads import balances
from reconciler.services import deposit_requests, deposits
from tests.builders import captured, charge, customer, deposit, facts, held_on, named, observe
from tests.runtime import Office

TODAY = date(2026, 11, 22)


def ended(office: Office, days: int | None = None) -> dict[str, str | None]:
    """Why each deposit is asked for no more, after the job's turn, by its code."""
    runtime = office.runtime
    settings = replace(runtime.settings, deposit_expiry_days=days)
    end_deposits(replace(runtime, settings=settings))
    return {r.code: r.ended_why for r in office.rows("select code, ended_why from deposit")}


def test_what_nobody_paid_ends_the_day_after_its_last(office: Office) -> None:
    deposit(office, "DEP-1", 300, expires_on=TODAY)
    assert ended(office) == {"DEP-1": None}
    office.clock.instant += timedelta(days=1)
    assert ended(office) == {"DEP-1": "Nothing came until 2026-11-22"}
    line = office.rows("select action, cause_kind, cause_id from audit_line order by seq desc")[0]
    assert tuple(line) == ("deposit.ended", "job", "end_deposits")
    ann = office.scalar("select customer_id from deposit")
    with office.runtime.read() as session:
        asked = balances.of_customers(session, [ann], today=TODAY).get(ann, {})
    assert not any(one.deposits_due for one in asked.values())


def test_what_came_in_part_or_is_on_its_way_is_for_people_to_end(office: Office) -> None:
    for code in ("DEP-1", "DEP-2", "DEP-3"):
        deposit(office, code, 300, expires_on=TODAY)
    held = charge(authorized=300)
    observe(
        office,
        captured(100, named=named(deposit="DEP-1")),
        facts("pi_2", charges=held, named=named(deposit="DEP-2")),
    )
    office.clock.instant += timedelta(days=5)
    assert {code for code, why in ended(office).items() if why} == {"DEP-3"}


def test_money_that_comes_later_is_taken_as_a_late_deposit(office: Office) -> None:
    made = deposit(office, "DEP-1", 300, expires_on=TODAY)
    office.clock.instant += timedelta(days=1)
    ended(office)
    observe(office, captured(300, named=named(deposit="DEP-1")))
    assert held_on(office, made) == (300, 0, 0, 300)
    assert office.violations() == []


def test_the_house_gives_days_and_nothing_ends_on_the_day_that_it_begins_to(office: Office) -> None:
    ann = customer(office)
    old = TODAY - timedelta(days=400)
    deposit(office, "DEP-1", 300, customer_id=ann, due_on=old, date=old)
    deposit(office, "DEP-2", 300, customer_id=ann, due_on=TODAY + timedelta(days=10))
    deposit(office, "DEP-3", 300, customer_id=ann, expires_on=TODAY + timedelta(days=90))
    assert set(ended(office).values()) == {None}
    assert {r.expires_on for r in office.rows("select expires_on from deposit")} == {
        None,
        TODAY + timedelta(days=90),
    }
    assert set(ended(office, days=14).values()) == {None}
    until = {r.code: r.expires_on for r in office.rows("select code, expires_on from deposit")}
    days = {code: (day - TODAY).days for code, day in until.items()}
    assert days == {"DEP-1": 14, "DEP-2": 24, "DEP-3": 90}
    office.clock.instant += timedelta(days=15)
    assert {code for code, why in ended(office, days=14).items() if why} == {"DEP-1"}


def test_asked_for_again_it_does_not_end_at_once(office: Office) -> None:
    made = deposit(office, "DEP-1", 300, expires_on=TODAY)
    office.clock.instant += timedelta(days=1)
    ended(office)
    office.do(lambda w: deposit_requests.ask_again(w, made))
    assert ended(office) == {"DEP-1": None}
    assert ended(office, days=7) == {"DEP-1": None}
    office.clock.instant += timedelta(days=8)
    assert ended(office, days=7)["DEP-1"] is not None


def test_it_is_asked_for_until_it_is_due_at_least(office: Office) -> None:
    with pytest.raises(Invalid) as refused:
        deposit(office, "DEP-1", 300, due_on=TODAY, expires_on=TODAY - timedelta(days=1))
    assert refused.value.field == "expires_on"
    made = deposit(office, "DEP-1", 300, due_on=TODAY, expires_on=TODAY)
    with pytest.raises(Invalid):
        office.do(lambda w: deposits.patch(w, made, {"due_on": TODAY + timedelta(days=1)}))


def test_who_looks_twice_ends_it_once(office: Office) -> None:
    made = deposit(office, "DEP-1", 300, expires_on=TODAY)
    office.clock.instant += timedelta(days=1)
    for _ in range(2):
        office.do(lambda w: deposit_requests.end_in_time(w, made))
    count = office.scalar("select count(*) from audit_line where action = 'deposit.ended'")
    assert count == 1
