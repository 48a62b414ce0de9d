"""A client's statement holds every line of its period, or says that they are too many."""

from datetime import date

import pytest

from reconciler.errors import Invalid
from reconciler.reads import client_statements, pages
from reconciler.web import periods
from tests.builders import customer, invoice
from tests.runtime import Office

YEAR = (date(2026, 1, 1), date(2026, 12, 31))


@pytest.fixture
def ann(office: Office) -> str:
    """Somebody with three invoices of 10.00."""
    made = customer(office)
    for number in ("INV-1", "INV-2", "INV-3"):
        invoice(office, number, 1_000, customer_id=made)
    return made


def test_more_lines_than_fit_are_refused_and_end_in_no_false_balance(office, ann):
    with office.runtime.read() as session:
        [whole] = client_statements.of_customer(session, ann, *YEAR, lines_max=3)
        assert (len(whole.lines), whole.closing) == (3, 3_000)
        with pytest.raises(Invalid, match="more than 2 lines") as refusal:
            client_statements.of_customer(session, ann, *YEAR, lines_max=2)
    assert refusal.value.field == "since"


def test_what_counts_on_an_earlier_day_stands_there(office):
    bob = customer(office, "Bob Ray")
    invoice(office, "INV-9", 1_000, customer_id=bob, issued_on=date(2025, 12, 30))
    invoice(office, "INV-8", 500, customer_id=bob, issued_on=date(2026, 1, 2))
    with office.runtime.read() as session:
        [last] = client_statements.of_customer(session, bob, date(2025, 1, 1), date(2025, 12, 31))
        [this] = client_statements.of_customer(session, bob, *YEAR)
    assert [(line.on, line.amount) for line in last.lines] == [(date(2025, 12, 30), 1_000)]
    assert (this.opening, this.closing) == (last.closing, 1_500)
    assert [(line.on, line.amount) for line in this.lines] == [(date(2026, 1, 2), 500)]


def test_in_parts_each_begins_where_the_one_before_ended(office, ann):
    with office.runtime.read() as session:
        [whole] = client_statements.of_customer(session, ann, *YEAR)
        lines, after, ends = [], None, [0]
        while True:
            part = client_statements.part_of_customer(session, ann, *YEAR, after=after, lines_max=2)
            [one] = part.statements
            assert (part.is_continued, one.opening) == (after is not None, ends[-1])
            lines += one.lines
            ends.append(one.closing)
            after = part.next_cursor
            if after is None:
                break
        assert (lines, ends) == (whole.lines, [0, 2_000, 3_000])
        first = client_statements.part_of_customer(session, ann, *YEAR, after=None, lines_max=2)
        for wrong in ("x", pages.encode((whole.lines[0].on.isoformat(), "je_1", "USD"))):
            with pytest.raises(Invalid):
                client_statements.part_of_customer(session, ann, *YEAR, after=wrong)
        late = (date(2026, 12, 1), date(2026, 12, 31))
        with pytest.raises(Invalid, match="no cursor of this period"):
            client_statements.part_of_customer(session, ann, *late, after=first.next_cursor)


def test_a_page_says_what_is_wrong_with_its_cursor(office, ann):
    def read(after: str | None):
        with office.runtime.read() as session:
            return client_statements.part_of_customer(session, ann, *YEAR, after=after)

    found, problem = periods.told(lambda: read(None), "")
    assert (len(found.statements), problem) == (1, "")
    found, problem = periods.told(lambda: read("x"), "")
    assert (found.statements, "no cursor" in problem) == ([], True)
    assert periods.told(lambda: read("x"), "Say a day")[1] == "Say a day"
