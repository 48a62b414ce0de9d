"""Which reminders are due, as the database finds them and as the rule says; plans and pauses."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from reconciler.books import reminders as rules
from reconciler.errors import Conflict, Invalid, NotFound
from reconciler.services import reminders
from reconciler.services.reminders import PlanChange
from tests.builders import customer, invoice
from tests.runtime import Office

DUE = date(2026, 12, 1)


@pytest.mark.parametrize("steps", [[-3, 0, 7, 14], [1], [], [-30, 60, 61]])
def test_the_database_finds_the_steps_that_the_rule_says(office: Office, steps: list[int]) -> None:
    office.do(lambda work: reminders.change(work, "house", PlanChange(steps=steps)))
    invoice(office, "INV-1", 100, due_on=DUE)
    sent_on = office.clock().date()
    found, wanted = [], []
    for day in range(-40, 80):
        today = DUE + timedelta(days=day)
        given = {"today": today, "made_up": 7, "back": 372, "ahead": 90}
        rows = office.rows(sa.text(reminders.DUE), **given)
        found.append([row.step for row in rows])
        step = rules.step_due(steps, due_on=DUE, sent_on=sent_on, today=today)
        wanted.append([] if step is None else [step])
    assert found == wanted


def test_a_plan_is_changed_with_a_line_that_says_what(office: Office) -> None:
    office.do(
        lambda w: reminders.change(w, "house", PlanChange(steps=[7, 0], hour=6, receipts=False))
    )
    with office.runtime.read() as session:
        house = reminders.house(session)
        assert (house.steps, house.hour, house.receipts_since) == ([0, 7], 6, None)
    body = office.scalar("select body from audit_words order by seq desc limit 1")
    assert '"steps":[0,7]' in body
    assert '"hour":6' in body


def test_what_cannot_be_meant_is_refused_with_the_field(office: Office) -> None:
    owner = customer(office)
    for subject, change, field in (
        ("house", PlanChange(steps=None), "steps"),
        ("house", PlanChange(steps=[1], hour=24), "hour"),
        (owner, PlanChange(steps=[1], hour=3), "hour"),
        (owner, PlanChange(steps=[999]), "steps"),
    ):
        with pytest.raises(Invalid) as refused:
            office.do(lambda w, s=subject, c=change: reminders.change(w, s, c))
        assert refused.value.field == field
    with pytest.raises(NotFound):
        office.do(lambda w: reminders.change(w, "inv_none", PlanChange(steps=[1])))
    for until in (office.clock().date(), date(2099, 1, 1)):
        with pytest.raises(Invalid):
            office.do(lambda w, u=until: reminders.pause(w, owner, until=u, why="x"))
    with pytest.raises(Invalid):
        office.do(lambda w: reminders.pause(w, owner, until=None, why=" "))
    with pytest.raises(Conflict):
        office.do(lambda w: reminders.resume(w, owner))


def test_two_people_do_not_change_one_plan_unseen(office: Office) -> None:
    owner = customer(office)
    office.do(lambda w: reminders.pause(w, owner, until=None, why="talks"))
    rev = office.scalar("select rev from reminder_plan where subject = :id", id=owner)
    office.do(lambda w: reminders.resume(w, owner, rev=rev))
    with pytest.raises(Conflict):
        office.do(lambda w: reminders.pause(w, owner, until=None, why="again", rev=rev))


def test_who_has_no_address_is_not_asked_by_hand(office: Office) -> None:
    made = invoice(office, "INV-1", 100)
    with pytest.raises(Conflict, match="no mail address"):
        office.do(lambda w: reminders.ask_now(w, made))
    with pytest.raises(NotFound):
        office.do(lambda w: reminders.ask_now(w, "inv_none"))
