"""Charts: shapes that lie inside their picture, and a table that says the same in numbers."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from reconciler.flows.count_figures import count_figures
from reconciler.reads.figures import DayOfMoney
from reconciler.services import allocations
from reconciler.services.allocations import Part
from reconciler.web.admin import charts
from tests.web.screens import Screens

AMOUNTS = st.integers(0, 2**53)
DAYS = st.lists(
    st.builds(
        DayOfMoney,
        st.just(date(2026, 11, 22)),
        taken=AMOUNTS,
        refunded=AMOUNTS,
        lost=AMOUNTS,
        fees=st.integers(-1_000, 2**40),
    ),
    min_size=1,
    max_size=90,
)


def thousandths(text: str) -> int:
    whole, _, rest = text.partition(".")
    return int(whole) * 1_000 + int(rest)


@given(DAYS)
def test_every_shape_lies_inside_the_picture_and_none_on_another(days: list[DayOfMoney]) -> None:
    found = charts.money("USD", days).blocks
    boxes = [tuple(map(thousandths, (b.x, b.y, b.width, b.height))) for b in found]
    for x, y, width, height in boxes:
        assert x >= 0
        assert width > 0
        assert x + width <= charts.WIDTH * 1_000
        assert y >= 0
        assert y + height <= charts.HEIGHT * 1_000
    for (x, y, _, _), (next_x, next_y, _, next_height) in pairwise(boxes):
        assert next_x > x or next_y + next_height <= y


def test_the_bars_are_as_high_as_the_money() -> None:
    days = [DayOfMoney(date(2026, 11, 1), taken=100), DayOfMoney(date(2026, 11, 2), taken=50)]
    first, second = charts.money("USD", days).blocks
    assert (first.y, first.height) == ("0.000", "64.000")
    assert (second.y, second.height) == ("32.000", "32.000")


def test_the_page_says_in_numbers_what_it_draws(screens: Screens) -> None:
    assert "Nothing is counted yet" in screens.as_("viewer").read("/figures")
    screens.paid(85_000, description="thanks")
    count_figures(screens.office.runtime)
    words = screens.as_("viewer").read("/figures")
    assert "Money in, USD Came in" not in words  # the picture has its ends between
    assert "Came in $850.00" in words
    assert "22 Nov 2026 $850.00 $0.00 $0.00" in words
    assert "Not matched 1" in words
    assert "Nothing is owed." in words
    assert "Payments of these 30 days, as of 22 Nov" in words
    words = screens.as_("viewer").read("/")
    assert "All figures" in words
    assert "As of 22 Nov" in words.partition("Refunded since")[2]


def test_ninety_days_may_be_chosen_and_nothing_else(screens: Screens) -> None:
    day = screens.office.clock().date() - timedelta(days=89)
    screens.paid(85_000)
    count_figures(screens.office.runtime)
    assert f"{day.day} {day:%b %Y}" in screens.as_("viewer").read("/figures?days=90")
    assert screens.as_("viewer").get("/figures?days=31").status_code == 422


def test_not_matched_counts_only_money_that_waits(screens: Screens) -> None:
    customer = screens.customer("Ann")
    screens.invoice(customer, 3_000, "INV-1")
    for amount in (1_000, 2_000):
        screens.paid(amount, description="thanks")
    screens.paid(3_000, metadata={"invoice": "INV-1"})
    gone = screens.office.world.pay(4_000, description="thanks")
    screens.hear(gone.intent)
    count_figures(screens.office.runtime)
    viewer = screens.as_("viewer")
    assert "Not matched 3" in viewer.read("/figures")
    screens.office.world.refund(gone.intent)
    screens.hear(gone.intent)
    count_figures(screens.office.runtime)
    assert "Not matched 2" in viewer.read("/figures")
    assert "At once 1" in viewer.read("/figures")
    claim = screens.office.rows("select id, payment_id from allocation")[0]
    rae = screens.as_("reconciler")
    rae.post(f"/payments/{claim.payment_id}/undo", {"allocation": claim.id})
    count_figures(screens.office.runtime)
    words = screens.as_("viewer").read("/figures")
    assert "Not matched 3" in words, "what was taken off again waits as well"
    assert "At once 0" in words


@pytest.mark.thorough
def test_money_waits_from_when_it_came_however_late_it_was_heard_of(screens: Screens) -> None:
    """Of two payments of eight days ago one is matched as it is heard of, and one by a person."""
    customer = screens.customer("Ann")
    for number in ("INV-1", "INV-2"):
        screens.invoice(customer, 1_000, number)
    screens.office.world.pay(1_000, metadata={"invoice": "INV-1"})
    unknown = screens.office.world.pay(1_000, description="thanks")
    screens.office.clock.advance(days=8)
    screens.hear("")
    screens.office.clock.advance(hours=2)
    payment = screens.office.scalar(
        "select id from payment where rail_payment_id = :id", id=unknown.intent
    )
    part = Part(invoice_id=screens.ids["INV-2"])
    screens.by("reconciler", lambda work: allocations.allocate(work, payment, [part]))
    count_figures(screens.office.runtime)
    words = screens.as_("viewer").read("/figures")
    assert "At once 1 Within a day 0 Within a week 0 Later 1 Not matched 0" in words
    assert "from when the money came until it was matched" in words
