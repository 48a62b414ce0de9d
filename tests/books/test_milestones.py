from datetime import date, timedelta

import pytest

from reconciler.books.invoices import InvoiceStatus
from reconciler.books.milestones import NAMES, Held, MilestoneKind, status

TODAY = date(2026, 11, 22)
PAST, LATER = TODAY - timedelta(days=1), TODAY + timedelta(days=1)


@pytest.mark.parametrize("of_invoice", list(InvoiceStatus))
@pytest.mark.parametrize("held", [None, Held(100, 0), Held(100, 100)])
@pytest.mark.parametrize("due_on", [None, PAST, LATER])
def test_where_there_is_an_invoice_its_status_is_the_milestones(of_invoice, held, due_on):
    assert status(of_invoice, held, due_on=due_on, today=TODAY) is of_invoice


@pytest.mark.parametrize(
    ("held", "due_on", "expected"),
    [
        (None, None, "draft"),
        (None, PAST, "draft"),  # nobody was asked yet, so nobody is late
        (Held(100, 0), None, "sent"),
        (Held(100, 0), TODAY, "sent"),
        (Held(100, 0), PAST, "overdue"),
        (Held(100, 99), LATER, "partially_paid"),
        (Held(100, 99), PAST, "overdue"),
        (Held(100, 100), PAST, "paid"),
    ],
)
def test_without_an_invoice_the_deposit_speaks(held, due_on, expected):
    assert status(None, held, due_on=due_on, today=TODAY) == expected


def test_every_kind_but_a_named_one_has_a_name():
    assert set(MilestoneKind) - NAMES.keys() == {MilestoneKind.NAMED}
