"""What a file costs grows with its rows and no faster, also done over: counted, not timed.

Of PostgreSQL it is counted how many rows each statement goes through.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from benchmarks.many_rows import money_rows
from reconciler.flows.find_payments import find_payments
from reconciler.flows.rebuild import rebuild
from reconciler.services import finding, import_lines, imports
from reconciler.services.imports import Given
from reconciler.store import import_rows as store
from tests.builders import captured, named, observe
from tests.runtime import SOMEBODY, Office, may_make_a_schema

FEW, MANY = 500, 2_000  # rows
REMOVED = ("Rows Removed by Filter", "Rows Removed by Join Filter")
HEAD = (
    "kind,external_id,name,email,customer_id,project_id,number,code,currency,total,amount,"
    "original_price,state,due_on\n"
)


def mixed(rows: int, mark: str) -> Given:
    """A fifth each customers, projects and deposits, the rest invoices under the projects."""
    one = range(rows // 5)
    parts = [
        *(f"customer,{mark}{n},Customer {n},c{n}@example.com,,,,,,,,,,\n" for n in one),
        *(f"project,{mark}{n},Project {n},,{mark}{n},,,,USD,,,100000,,\n" for n in one),
        *(
            f"invoice,,,,{mark}{n},{mark}{n},{mark}-{half}-{n},,USD,700,,,sent,2026-12-24\n"
            for half in "ab"
            for n in one
        ),
        *(f"deposit,,,,{mark}{n},{mark}{n},,{mark}D{n},USD,,500,,,\n" for n in one),
    ]
    return Given(io.BytesIO((HEAD + "".join(parts)).encode()), "rows.csv")


def moneyed(rows: int, _mark: str) -> Given:
    """Invoices of two lines each, what was received for them, and deposits that were used."""
    return Given(io.BytesIO("".join(money_rows(rows)).encode()), "rows.csv")


def gone_through(session: Session, statement: str, given: dict[str, object]) -> int:
    """Run it, and count the rows of every step of its plan, those thrown away included."""
    explained = sa.text(f"explain (analyze, timing off, format json) {statement}")
    (found,) = session.scalars(explained, given).one()
    return _rows(found["Plan"])


def _rows(plan: dict) -> int:
    each = plan["Actual Rows"] + sum(plan.get(name, 0) for name in REMOVED)
    return round(each * plan["Actual Loops"]) + sum(map(_rows, plan.get("Plans", ())))


def costs(office: Office, rows: int, written: Callable[[int, str], Given]) -> dict[str, int]:
    """How many rows each statement goes through for so many of a file that is new, by its text."""
    found: dict[str, int] = {}

    def step(work):
        file = written(rows, f"m{rows}")
        store.make_room(work.session)
        outcome = imports.Outcome(file_name="rows.csv", digest="")
        store.put(work.session, imports._staged(file, outcome))
        given = {"now": work.now, "cause_kind": "test", "cause_id": "test"}
        lined = store._LINED.text
        for statement in (*store.FIND, lined, *store._PRICED_AND_ALL, *store.TAKE):
            if statement.lstrip().startswith(("create", "analyze", "drop")):
                work.session.execute(sa.text(statement), given if ":now" in statement else {})
            else:
                found[statement] = gone_through(work.session, statement, given)
            if statement == lined:
                import_lines.price(work)
        counts = {row.kind: row.rows for row in work.session.execute(sa.text(store._COUNTS))}
        assert sum(counts.values()) == rows, "all of them are new"

    office.runtime.rehearse(SOMEBODY, step)
    return found


@pytest.mark.sampled(2)
@pytest.mark.parametrize("written", [mixed, moneyed])
def test_each_statement_goes_through_rows_as_there_are(
    office: Office, written: Callable[[int, str], Given]
) -> None:
    few, many = costs(office, FEW, written), costs(office, MANY, written)
    assert len(few) > 20
    times = MANY / FEW
    grown = {
        text.split("\n")[0]: (few[text], many[text])
        for text in few
        # Another plan may go through each row a few times; through all for each is over a million.
        if many[text] > max(3 * MANY, 1.5 * times * few[text] + 100)
    }
    assert grown == {}


@contextmanager
def counting(made: list[str]) -> Iterator[None]:
    """All statements of any engine meanwhile."""

    def note(_connection, _cursor, statement, *_):
        made.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    yield
    sa.event.remove(sa.Engine, "before_cursor_execute", note)


def done_over(office: Office) -> int:
    """How many statements it takes to make the books anew, which are the same."""
    made: list[str] = []
    with counting(made):
        found, done = rebuild(office.runtime)
    assert found == []
    assert done.taken["rows of imports"] == office.scalar("select count(*) from imported_row")
    return len(made)


@pytest.mark.thorough
def test_done_over_many_rows_take_hardly_more_statements_than_few(
    office: Office, owner_url: str
) -> None:
    may_make_a_schema(office, owner_url)
    office.do(lambda work: imports.take(work, mixed(FEW, "few")))
    before = done_over(office)
    office.clock.advance(minutes=5)
    office.do(lambda work: imports.take(work, mixed(MANY, "many")))
    assert done_over(office) - before < MANY / 5


def seekers(office: Office) -> int:
    return office.scalar(
        """select (select count(*) from invoice where seeks_payment)
          + (select count(*) from deposit where seeks_payment)"""
    )


def test_of_many_new_documents_those_with_money_find_it_and_the_others_are_soon_done_with(
    office: Office,
) -> None:
    payments = [
        captured(700, f"pi_{name}", named=named(invoice=f"x-{name}"))
        for name in ("a-3", "b-201", "b-399")
    ]
    observe(office, *payments)
    office.do(lambda work: imports.take(work, mixed(MANY, "x")))
    assert seekers(office) == MANY * 3 // 5
    made: list[str] = []
    with counting(made):
        assert find_payments(office.runtime) >= 3
    assert seekers(office) == 0
    paid = office.rows("select number from invoice where paid = 700 order by 1")
    assert [row.number for row in paid] == ["x-a-3", "x-b-201", "x-b-399"]
    looked = [one for one in made if "where seeks_payment and state = 'sent'" in one]
    assert len(looked) < MANY * 3 // 5 / finding.SEEKERS_MAX, "one step for each fifty, as ever"


@pytest.mark.parametrize("most", [finding.SEEKERS_MAX, finding.SEEKERS_AT_REST_MAX])
def test_a_step_serves_many_only_where_there_is_nothing_to_find(office: Office, most: int) -> None:
    observe(office, captured(700, named=named(invoice="x-a-3")))
    office.do(lambda work: imports.take(work, mixed(FEW, "x")))
    served, looked_at = office.do(lambda work: finding.match_for_seekers(work, most))
    assert served <= 2 * finding.SEEKERS_MAX
    assert looked_at <= 1


def test_the_plan_of_a_statement_is_counted_with_what_it_throws_away(office: Office) -> None:
    """That the counting would see it: every row against every other."""

    def step(work):
        work.session.execute(sa.text("set local enable_hashjoin = off"))
        work.session.execute(sa.text("set local enable_mergejoin = off"))
        statement = """select count(*) from generate_series(1, 100) a
          join generate_series(1, 100) b on a = b"""
        return gone_through(work.session, statement, {})

    assert office.do(step) > 100 * 100
