"""A client's statement holds every line of its period, or says that they are too many."""

from datetime import date

import pytest

from reconciler.errors import Invalid
from reconciler.reads import client_statements
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


def test_a_page_says_so_instead_of_a_part(office, ann):
    def read(lines_max: int):
        with office.runtime.read() as session:
            return client_statements.of_customer(session, ann, *YEAR, lines_max=lines_max)

    found, problem = periods.told(lambda: read(3), "")
    assert (len(found), problem) == (1, "")
    found, problem = periods.told(lambda: read(2), "")
    assert (found, "choose a shorter period" in problem) == ([], True)
    assert periods.told(lambda: read(2), "Say a day")[1] == "Say a day"
