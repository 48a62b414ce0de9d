"""Whose a question is, until when it is out of sight, and notes that stay as they were written."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from reconciler.books.reviews import ReviewKind
from reconciler.errors import Conflict, Invalid, NotFound
from reconciler.reads import notes as written
from reconciler.services import customers, notes, people, review_desk, reviews
from reconciler.services.reviews import Question
from tests.runtime import NOON, Office, open_office

TODAY = NOON.date()


@pytest.fixture(scope="module")
def house(module_database_url, line, stripe_api) -> Iterator[Office]:
    """An office for tests that each ask a question of their own."""
    made = open_office(module_database_url, line, stripe_api)
    names = {"dana": "admin", "rae": "reconciler", "vera": "viewer", "gone": "approver"}
    for name, role in names.items():
        made.do(
            lambda work, name=name, role=role: people.create_user(
                work, email=f"{name}@example.com", password="seven tall herons", role=role,
                name=name.title(),
            )
        )  # fmt: skip
    made.do(lambda work: people.set_disabled(work, person(made, "gone"), disabled=True))
    yield made
    made.runtime.engine.dispose()


def person(house: Office, name: str) -> str:
    return house.scalar("select id from user_account where email = :e", e=f"{name}@example.com")


def ask(house: Office, subject: str, amount: int = 100) -> str:
    question = Question(ReviewKind.DRIFT, subject, amount=amount, currency="USD")
    house.do(lambda work: reviews.open_items(work, [question]))
    return house.scalar("select id from review_item where subject = :s", s=subject)


def of(house: Office, item_id: str):
    [row] = house.rows(
        "select assigned_to, snoozed_until, state, rev from review_item where id = :id", id=item_id
    )
    return row


def lines(house: Office, subject: str) -> list[str]:
    found = house.rows("select action from audit_line where subject = :s order by seq", s=subject)
    return [row.action for row in found]


def test_a_question_is_somebodys_until_it_is_anothers_or_nobodys(house):
    item, rae = ask(house, "a"), person(house, "rae")
    rev = of(house, item).rev
    house.do(lambda work: review_desk.assign(work, item, "RAE@example.com"))
    assert (of(house, item).assigned_to, of(house, item).rev) == (rae, rev)
    house.do(lambda work: review_desk.assign(work, item, rae))  # said twice, noted once
    house.do(lambda work: review_desk.assign(work, item, None))
    assert of(house, item).assigned_to is None
    assert lines(house, item) == ["review_item.assigned"] * 2


@pytest.mark.parametrize("name", ["vera", "gone", "nobody"])
def test_a_question_is_given_to_nobody_who_could_not_answer_it(house, name):
    item = ask(house, f"to {name}")
    with pytest.raises(Invalid) as refusal:
        house.do(lambda work: review_desk.assign(work, item, f"{name}@example.com"))
    assert refusal.value.field == "assigned_to"
    assert of(house, item).assigned_to is None


@pytest.mark.parametrize("days", [-1, 0, review_desk.SNOOZE_DAYS_MAX + 1])
def test_a_question_is_put_off_only_to_a_day_soon(house, days):
    item = ask(house, f"off by {days}")
    with pytest.raises(Invalid) as refusal:
        until = TODAY + timedelta(days=days)
        house.do(lambda work: review_desk.snooze(work, item, until))
    assert refusal.value.field == "until"


def test_what_is_put_off_is_back_when_what_it_asks_about_changes(house):
    item = ask(house, "b")
    until = TODAY + timedelta(days=review_desk.SNOOZE_DAYS_MAX)
    house.do(lambda work: review_desk.snooze(work, item, until))
    ask(house, "b")  # the same words: nothing has changed
    assert of(house, item).snoozed_until == until
    ask(house, "b", amount=101)
    assert of(house, item).snoozed_until is None
    house.do(lambda work: review_desk.snooze(work, item, until))
    house.do(lambda work: review_desk.snooze(work, item, None))
    assert of(house, item).snoozed_until is None


@pytest.mark.parametrize(
    "deed",
    [
        lambda work, item: review_desk.assign(work, item, "rae@example.com"),
        lambda work, item: review_desk.snooze(work, item, TODAY + timedelta(days=1)),
    ],
    ids=["assign", "snooze"],
)
def test_what_is_answered_is_nobodys_to_answer_any_more(house, deed):
    with pytest.raises(NotFound):
        house.do(lambda work: deed(work, "rev_none"))
    item = ask(house, f"c{id(deed)}")
    house.do(lambda work: reviews.resolve_item(work, item, resolution="seen"))
    with pytest.raises(Conflict):
        house.do(lambda work: deed(work, item))


def test_notes_are_read_in_their_order_and_never_changed(house):
    customer = house.do(lambda work: customers.create(work, name="Ann Lee"))
    house.do(lambda work: notes.add(work, customer, " She pays late,\nbut she pays. "))
    house.clock.advance(seconds=1)
    house.do(lambda work: notes.add(work, customer, "Called on Monday"))
    with house.runtime.read() as session:
        bodies = [note.body for note in written.of(session, customer)]
    assert bodies == ["She pays late,\nbut she pays.", "Called on Monday"]
    for change in ("update record_note set body = 'x'", "delete from record_note"):
        with pytest.raises(sa.exc.DBAPIError), house.runtime.engine.begin() as connection:
            connection.execute(sa.text(change))
    assert "late" not in house.scalar(
        """select string_agg(w.body, '') from audit_words w join audit_line l using (seq)
        where l.action = 'note.added'"""
    )


@pytest.mark.parametrize(("body", "error"), [("  ", Invalid), ("x" * 2_001, Invalid)])
def test_a_note_says_something_and_not_too_much(house, body, error):
    customer = house.do(lambda work: customers.create(work, name="Bo"))
    with pytest.raises(error):
        house.do(lambda work: notes.add(work, customer, body))


def test_there_is_no_note_on_nothing(house):
    with pytest.raises(NotFound):
        house.do(lambda work: notes.add(work, "cust_none", "Hello"))
