import pytest
from hypothesis import example, given, strategies as st

from reconciler.books import plans
from reconciler.books.plans import WHOLE, Part
from reconciler.errors import Invalid
from reconciler.money import MINOR_MAX

prices = st.integers(1, MINOR_MAX)
weights = st.lists(st.integers(1, WHOLE), min_size=1, max_size=plans.STAGES_MAX)


def by_percent(*percents: str) -> list[Part]:
    return [Part(share=plans.share(percent)) for percent in percents]


@given(prices, weights)
@example(100_001, [3_000, 4_000, 3_000])
def test_what_is_divided_comes_to_the_whole_to_the_unit(total, shares):
    parts = plans.divide(total, shares)
    assert sum(parts) == total
    exact = [total * share / sum(shares) for share in shares]
    floors = [total * share // sum(shares) for share in shares]
    assert all(low <= part <= low + 1 for low, part in zip(floors, parts, strict=True)), exact


@given(prices, weights)
def test_who_loses_most_by_rounding_down_is_rounded_up(total, shares):
    parts = plans.divide(total, shares)
    lost = [total * share % sum(shares) for share in shares]
    up = [total * share // sum(shares) < part for share, part in zip(shares, parts, strict=True)]
    most_kept_down = max((one for one, was_up in zip(lost, up, strict=True) if not was_up))
    assert all(one >= most_kept_down for one, was_up in zip(lost, up, strict=True) if was_up)


@given(prices, weights)
def test_equal_shares_differ_by_a_unit_at_most(total, shares):
    parts = plans.divide(total, [7] * len(shares))
    assert max(parts) - min(parts) <= 1
    assert parts == sorted(parts)  # of equals the later is rounded up


def test_thirty_forty_thirty_of_a_thousand_and_a_cent():
    assert plans.amounts(100_001, by_percent("30", "40", "30"), "USD") == [30_000, 40_001, 30_000]


@pytest.mark.parametrize(
    ("price", "percents", "expected"),
    [
        (101, ("50", "50"), [50, 51]),
        (100, ("33.33", "33.33", "33.34"), [33, 33, 34]),
        (1_000, ("100",), [1_000]),
        (3, ("0.01", "99.99"), None),
        (480_001, ("25", "25", "50"), [120_000, 120_000, 240_001]),
    ],
)
def test_a_plan_by_percent(price, percents, expected):
    if expected is None:
        with pytest.raises(Invalid, match="nothing"):
            plans.amounts(price, by_percent(*percents), "JPY")
    else:
        assert plans.amounts(price, by_percent(*percents), "JPY") == expected


def test_fixed_amounts_come_first_and_percentages_share_what_they_leave():
    parts = [Part(amount=50_000), *by_percent("50", "50")]
    assert plans.amounts(150_001, parts, "USD") == [50_000, 50_000, 50_001]
    assert plans.amounts(300, [Part(amount=100), Part(amount=200)], "USD") == [100, 200]


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ([], "1 to 50"),
        (by_percent("30", "40"), "come to 70, not to 100"),
        (by_percent("60", "40.5"), "come to 100.5, not to 100"),
        ([Part(amount=999)], "the plan comes to USD 9.99, the price is USD 10.00"),
        ([Part(amount=1_001)], "USD 10.01"),
        ([Part(amount=1_000), *by_percent("100")], "nothing"),
    ],
)
def test_a_plan_that_does_not_come_to_the_price_is_refused(parts, says):
    with pytest.raises(Invalid, match=says) as refused:
        plans.amounts(1_000, parts, "USD")
    assert refused.value.field == "milestones"


@pytest.mark.parametrize(
    "written", [0, 101, -1, "", "0.00", "100.01", "3.333", "1e1", "٣", ".5", "30 %"]
)
def test_what_is_no_percentage_is_refused(written):
    with pytest.raises(Invalid) as refused:
        plans.share(written)
    assert refused.value.field == "percent"


@given(st.integers(1, WHOLE))
def test_a_percentage_is_written_as_it_is_read(hundredths):
    assert plans.share(plans.percent(hundredths)) == hundredths
