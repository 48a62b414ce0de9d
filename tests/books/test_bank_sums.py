"""Lines that are several things at once: named, of one day, or the only few that come to it."""

from datetime import date, timedelta

import pytest
from hypothesis import given, strategies as st

from reconciler.books.bank_lines import BankLine, Target, TargetKind
from reconciler.books.bank_sums import (
    CANDIDATES_MAX,
    TOGETHER_MAX,
    Sum,
    by_line,
    certain,
    certain_of,
    sums,
)

DAY = date(2026, 11, 3)


def payout(name: str, amount: int, day: date = DAY, kind: TargetKind = TargetKind.PAYOUT) -> Target:
    return Target(
        kind=kind, id=name, amount=amount, currency="USD", day=day, names=(f"po_{name * 5}",)
    )


def line(amount: int, text: str = "STRIPE", day: date = DAY) -> BankLine:
    return BankLine(number=1, booked_on=day, amount=amount, currency="USD", text=text)


def ids(found: list[Sum]) -> list[tuple[str, ...]]:
    return [tuple(target.id for target in one.targets) for one in found]


def test_all_that_the_text_names_is_certain() -> None:
    near = [payout("a", 700), payout("b", 300), payout("c", 50)]
    (found,) = sums("l", line(1_000, "po_aaaaa po_bbbbb"), near)
    assert (ids([found]), found.is_named, found.is_certain) == ([("a", "b")], True, True)
    assert found.agreeing == ["2 of them come to it exactly", "The bank's text names each"]


def test_all_of_one_day_is_certain_and_a_part_of_it_is_shown() -> None:
    later = DAY + timedelta(days=1)
    near = [payout("a", 700), payout("b", 300), payout("c", 111, later), payout("d", 889, later)]
    found = sums("l", line(1_000, day=later), near)
    assert ids(found) == [("a", "b"), ("c", "d")]
    assert certain(found) == [], "two days come to it"
    found = sums("l", line(811, day=later), near)
    assert (ids(found), [one.is_certain for one in found]) == ([("a", "c")], [False])
    assert found[0].agreeing[-1] == "No other few come to it"
    assert certain(found) == []


def test_where_several_few_come_to_it_none_is_shown() -> None:
    near = [payout("a", 500), payout("b", 500), payout("c", 500)]
    assert sums("l", line(1_000), near) == []
    many = [payout(f"x{n}", 1_000 + n * n) for n in range(CANDIDATES_MAX + 1)]
    assert sums("l", line(2_001), many) == [], "among too many nothing is looked for"


@pytest.mark.parametrize(
    "near",
    [
        [payout("a", 1_000)],
        [payout("a", 700), payout("b", 299)],
        [payout("a", 700), payout("b", 300, kind=TargetKind.RECEIPT)],
        [payout("a", 700), payout("b", 300, DAY - timedelta(days=9))],
        [payout("a", 1_300), payout("b", -300)],
        [payout(str(n), 1_000 // (TOGETHER_MAX + 1)) for n in range(TOGETHER_MAX + 1)],
    ],
    ids=["alone", "another-amount", "two-kinds", "long-ago", "another-way", "too-many"],
)
def test_nothing_else_is_a_sum(near: list[Target]) -> None:
    assert sums("l", line(1_000), near) == []


def test_what_two_lines_or_another_line_claim_ties_to_none() -> None:
    near = [payout("a", 700), payout("b", 300)]
    one, two = (next(iter(certain_of(name, line(1_000), near))) for name in ("l", "m"))
    assert one.agreeing[-1] == "All that came that day"
    assert certain([one]) == [one]
    assert certain([one, two]) == []
    assert certain([one], taken={"b"}) == []


def test_targets_are_sorted_out_by_line() -> None:
    a, b = payout("a", 1), payout("b", 2)
    assert by_line([("l", a), ("m", b), ("l", b)]) == {"l": [a, b], "m": [b]}


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(-4, 4)), min_size=0, max_size=9),
    st.integers(1, 300),
)
def test_whatever_is_said_comes_to_the_line_exactly(
    made: list[tuple[int, int]], amount: int
) -> None:
    near = [payout(f"p{n}", minor, DAY + timedelta(days=d)) for n, (minor, d) in enumerate(made)]
    found = sums("l", line(amount), near)
    assert all(sum(target.amount for target in one.targets) == amount for one in found)
    assert all(len(one.targets) > 1 for one in found)
    assert sum(not one.is_certain for one in found) <= 1
    assert set(ids(sums("l", line(amount), near[::-1]))) == set(ids(found))
