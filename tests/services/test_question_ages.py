"""A question is as old as the payment or dispute that it is about, whatever of them changes."""

from datetime import timedelta

import psycopg
import pytest
import sqlalchemy as sa

from tests.builders import AT, captured, dispute, observe
from tests.runtime import Office

LAW = "questions_are_as_old_as_what_they_are_about"
DATED = """select r.happened_at = coalesce(d.opened_at, p.occurred_at) from review_item r
    join payment p on p.id = r.payment_id
    left join dispute d on d.payment_id = r.payment_id and d.rail_dispute_id = r.subject
    where r.kind = :kind"""


@pytest.fixture
def asked(office: Office) -> Office:
    """A payment that nothing is known to be for, and one that is disputed."""
    office.clock.advance(days=3)
    observe(office, captured(700, "pi_1"))
    claim = dispute("dp_1", 900, created=AT - 3_600)
    observe(office, captured(900, "pi_2", disputes=claim))
    return office


@pytest.mark.parametrize("kind", ["unmatched_payment", "dispute"])
def test_it_is_dated_when_it_is_asked(asked: Office, kind: str) -> None:
    assert set(asked.rows(DATED, kind=kind)) == {(True,)}
    assert asked.violations() == []


@pytest.mark.parametrize(
    ("kind", "table", "column"),
    [("unmatched_payment", "payment", "occurred_at"), ("dispute", "dispute", "opened_at")],
)
def test_what_turns_out_to_be_older_makes_its_question_older(
    asked: Office, kind: str, table: str, column: str
) -> None:
    said = "select min(happened_at) from review_item where kind = :kind"
    before = asked.scalar(said, kind=kind)
    with asked.runtime.engine.begin() as line:
        line.execute(sa.text(f"update {table} set {column} = {column} - interval '1 day'"))
    assert asked.scalar(said, kind=kind) == before - timedelta(days=1)
    assert LAW not in [found.invariant for found in asked.violations()]


def test_a_dispute_that_is_noted_after_its_question_dates_it(asked: Office) -> None:
    with asked.runtime.engine.begin() as line:
        line.execute(sa.text("update review_item set subject = 'dp_2' where kind = 'dispute'"))
        line.execute(
            sa.text(
                """insert into dispute select (jsonb_populate_record(d, jsonb_build_object(
                  'id', 'dsp_2', 'rail_dispute_id', 'dp_2', 'opened_at', '2026-11-01T00:00Z'))).*
                from dispute d"""
            )
        )
    assert set(asked.rows(DATED, kind="dispute")) == {(True,)}


def test_a_question_of_another_age_is_found(asked: Office, surgeon: psycopg.Connection) -> None:
    surgeon.execute("update review_item set happened_at = now() where kind = 'dispute'")
    assert [found.invariant for found in asked.violations()] == [LAW]
