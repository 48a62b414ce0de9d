"""The figures of the charts: what each day brought, what became of it since, and what is owed."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
import redis

from reconciler.flows.count_figures import count_figures, count_some
from reconciler.queue import Queue, mark
from reconciler.reads import figures
from reconciler.reads.figures import DayOfMoney
from reconciler.services import figures as counting
from reconciler.work import Task
from tests.builders import AT, captured, facts, invoice, named, observe, refund, row
from tests.runtime import Office

DAY = 86_400
TODAY = date(2026, 11, 22)


def money(office: Office, currency: str = "USD", days: int = 3) -> list[tuple[int, ...]]:
    """Taken, refunded, lost, fees of the last days."""
    with office.runtime.read() as session:
        found = figures.money(session, TODAY, days).get(currency, [])
    return [(day.taken, day.refunded, day.lost, day.fees) for day in found]


def speeds(office: Office) -> dict[str, int]:
    with office.runtime.read() as session:
        found = figures.speeds(session, TODAY, 3)
    return {kind: number for kind, number in found.items() if number}


def test_each_day_has_what_was_paid_on_it_in_each_currency(office: Office) -> None:
    observe(
        office,
        captured(500, "pi_1"),
        captured(300, "pi_2", created=AT - DAY),
        captured(200, "pi_3", created=AT - DAY - 1),
        captured(100, "pi_4", created=AT - 5 * DAY),
        captured(700, "pi_5", currency="EUR"),
    )
    assert count_figures(office.runtime) == 4  # hours: noon and the second before it are two
    assert money(office) == [(0, 0, 0, 0), (500, 0, 0, 0), (500, 0, 0, 0)]
    assert money(office, "EUR")[-1] == (700, 0, 0, 0)


def test_a_day_ends_at_midnight_utc(office: Office) -> None:
    midnight = AT + DAY // 2
    observe(office, captured(1, "pi_1", created=midnight - 1))
    observe(office, captured(2, "pi_2", created=midnight))
    count_figures(office.runtime)
    with office.runtime.read() as session:
        found = figures.money(session, TODAY + timedelta(days=1), 2)["USD"]
    assert found == [DayOfMoney(TODAY, taken=1), DayOfMoney(TODAY + timedelta(days=1), taken=2)]


def test_a_refund_and_a_fee_that_come_later_change_the_day_of_the_payment(office: Office) -> None:
    one = captured(500, "pi_1", created=AT - 2 * DAY)
    observe(office, one)
    count_figures(office.runtime)
    assert money(office)[0] == (500, 0, 0, 0)

    office.clock.advance(days=1)
    fee = {"txn_f": row("txn_f", -30, "fee")["txn_f"]}
    observe(office, facts("pi_1", refunds=refund("re_1", 200), balance=fee, created=AT - 2 * DAY))
    assert count_figures(office.runtime) == 1
    assert money(office)[0] == (500, 200, 0, office.scalar("select fee from payment"))


def test_counting_again_changes_nothing_and_only_looks_at_what_was_booked_since(
    office: Office,
) -> None:
    observe(office, captured(500, "pi_1"))
    count_figures(office.runtime)
    before = office.rows("select * from figure order by 1, 2, 3")
    office.clock.advance(minutes=6)
    assert count_figures(office.runtime) == 1  # the last five minutes are looked at twice
    office.clock.advance(minutes=6)
    assert count_figures(office.runtime) == 0
    assert office.rows("select * from figure order by 1, 2, 3") == before
    assert before


@pytest.mark.parametrize(
    ("waits", "kind"),
    [
        (timedelta(), "matched_at_once"),
        (timedelta(minutes=1), "matched_at_once"),
        (timedelta(minutes=2), "matched_in_a_day"),
        (timedelta(days=1), "matched_in_a_day"),
        (timedelta(days=7), "matched_in_a_week"),
        (timedelta(days=7, seconds=1), "matched_later"),
    ],
)
def test_how_soon_a_payment_found_its_invoice(office: Office, waits: timedelta, kind: str) -> None:
    observe(office, captured(500, "pi_1", named=named(invoice="INV-1")))
    count_figures(office.runtime)
    assert speeds(office) == {"unmatched": 1}
    office.clock.advance(seconds=waits.total_seconds())
    invoice(office, "INV-1", 500)
    office.drain()
    count_figures(office.runtime)
    assert speeds(office) == {kind: 1}


@pytest.mark.parametrize(
    ("late", "age"),
    [(-5, "not_due"), (0, "not_due"), (1, "1"), (30, "1"), (31, "31"), (60, "31"), (61, "61"),
     (90, "61"), (91, "91"), (400, "91")],
)  # fmt: skip
def test_what_is_owed_is_counted_by_how_late_it_is(office: Office, late: int, age: str) -> None:
    due = TODAY - timedelta(days=late)
    invoice(office, "INV-1", 900, issued_on=min(due, TODAY), due_on=due)
    invoice(office, "INV-2", 50, issued_on=due, due_on=due, send=False)
    count_figures(office.runtime)
    with office.runtime.read() as session:
        (found,) = figures.debts(session)
    assert {k: v for k, v in found.amounts.items() if v} == {age: 900}
    assert {k: v for k, v in found.numbers.items() if v} == {age: 1}


def test_a_long_past_is_counted_some_hours_at_a_time(office: Office) -> None:
    many = 2 * counting.HOURS_AT_ONCE + 2
    observe(office, *(captured(100, f"pi_{n}", created=AT - n * DAY) for n in range(many)))
    assert count_figures(office.runtime) == many
    assert money(office, days=many) == [(100, 0, 0, 0)] * many


def test_a_turn_ends_when_its_time_is_over_and_the_next_goes_on_where_it_was(
    office: Office, redis_url: str
) -> None:
    many = 2 * counting.HOURS_AT_ONCE + 2
    observe(office, *(captured(100, f"pi_{n}", created=AT - n * DAY) for n in range(many)))
    queue = Queue(redis_url)
    runtime = replace(office.runtime, queue=queue)
    found, turns = [], 0
    while count_some(runtime, seconds=0):
        turns += 1
        found.append(office.scalar("select count(*) from figure_hour where kind = 'taken'"))
        if turns == 3:  # an event comes between two turns
            observe(office, captured(7, "pi_late", created=AT - 3 * DAY))
        with redis.Redis.from_url(redis_url) as told:
            assert told.delete(mark(Task.COUNT_FIGURES)) == 1, "the next turn was asked for"
    growth = [after - before for before, after in pairwise([0, *found])]
    assert sum(growth) == many
    assert max(growth) == counting.HOURS_AT_ONCE
    assert turns > len(set(found)) > 3
    assert office.rows("select * from figure_round") == []
    assert money(office, days=many)[:-5] == [(100, 0, 0, 0)] * (many - 5)
    office.clock.advance(minutes=1)
    count_figures(office.runtime)
    assert money(office, days=many)[-4] == (107, 0, 0, 0)
