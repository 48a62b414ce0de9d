"""Deposits that are asked for are reminded of before, on and after their day, as invoices are."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from reconciler.books import reminders as rules
from reconciler.flows.remind import plan_reminders
from reconciler.flows.send_mail import send_mail
from reconciler.services import deposit_requests, reminders
from reconciler.services.reminders import PlanChange
from tests.builders import captured, deposit, named, observe
from tests.mail_room import MailRoom, open_mail_room
from tests.runtime import Office

DUE = date(2026, 12, 1)


@pytest.fixture
def room(office, tmp_path) -> MailRoom:
    return open_mail_room(office, tmp_path)


def asked(room: MailRoom, amount: int = 30_000) -> str:
    ann = room.a_customer()
    return deposit(room.office, "DEP-1", amount, customer_id=ann, due_on=DUE)


@pytest.mark.parametrize("steps", [[-3, 0, 7, 14], [1], [], [-30, 60, 61]])
def test_the_database_finds_the_steps_that_the_rule_says(office: Office, steps: list[int]) -> None:
    office.do(lambda work: reminders.change(work, "house", PlanChange(steps=steps)))
    deposit(office, "DEP-1", 100, due_on=DUE)
    found, wanted = [], []
    for day in range(-40, 80):
        today = DUE + timedelta(days=day)
        given = {"today": today, "made_up": 7, "back": 372, "ahead": 90}
        rows = office.rows(sa.text(reminders.DUE_DEPOSITS), **given)
        found.append([row.step for row in rows])
        step = rules.step_due(steps, due_on=DUE, sent_on=office.clock().date(), today=today)
        wanted.append([] if step is None else [step])
    assert found == wanted


def test_49_a_deposit_is_reminded_of_before_on_and_after_its_day(room: MailRoom) -> None:
    asked(room)
    subjects = []
    for day in ("2026-11-28", "2026-12-01", "2026-12-08"):
        room.on(day)
        (letter,) = room.work()
        subjects.append(letter["Subject"])
        assert room.work() == [], "each once"
    assert subjects == [
        "Deposit DEP-1: USD 300.00 due on 1 December 2026",
        "Deposit DEP-1: USD 300.00 due today",
        "Deposit DEP-1: USD 300.00 was due on 1 December 2026",
    ]


def test_49_what_came_meanwhile_stops_it_and_a_part_is_said(room: MailRoom) -> None:
    made = asked(room)
    room.on("2026-11-28")
    assert plan_reminders(room.runtime) == 1
    observe(room.office, captured(10_000, named=named(deposit="DEP-1")))
    send_mail(room.runtime)
    assert room.letters() == [], "a payment arrived a moment ago"
    room.on("2026-12-01")
    (letter,) = room.work()
    assert letter["Subject"] == "Deposit DEP-1: USD 200.00 due today"
    observe(room.office, captured(20_000, "pi_2", named=named(deposit="DEP-1")))
    room.on("2026-12-08")
    assert room.work() == []
    assert room.of(made)[-1][0] in {"sent", "dropped"}


def test_what_is_asked_for_no_more_is_not_reminded_of(room: MailRoom) -> None:
    made = asked(room)
    room.on("2026-12-01")
    assert plan_reminders(room.runtime) == 1
    room.office.do(lambda w: deposit_requests.end(w, made, why="They went elsewhere"))
    send_mail(room.runtime)
    assert room.of(made)[-1][0] == "dropped"
    room.on("2026-12-08")
    assert room.work() == []
