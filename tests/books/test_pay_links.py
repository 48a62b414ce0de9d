"""A pay link asks for no more than is left and not on its way, in amounts that a rail takes."""

import pytest
from hypothesis import given, strategies as st

from reconciler.books.pay_links import agreed, room
from reconciler.errors import Conflict, Invalid


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(1, 10**9))
def test_no_link_asks_for_what_is_paid_or_coming(owed: int, coming: int, asked: int) -> None:
    free = room(outstanding=owed, on_its_way=coming)
    try:
        amount = agreed(asked, room=free, currency="USD")
    except (Conflict, Invalid):
        assert asked > owed - coming
    else:
        assert amount == asked <= owed - coming


def test_without_an_amount_it_asks_for_all_that_is_left() -> None:
    assert agreed(None, room=1_200, currency="USD") == 1_200
    assert agreed(None, room=1_234, currency="KWD") == 1_230


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        (0, "USD", "more than zero"),
        (-5, "USD", "more than zero"),
        (1_201, "USD", "USD 0.01 more than is left to pay"),
        (5, "KWD", "multiple of KWD 0.010"),
    ],
)
def test_an_amount_that_cannot_be_is_refused_with_the_reason(amount, currency, words) -> None:
    with pytest.raises(Invalid, match=words):
        agreed(amount, room=1_200, currency=currency)


def test_nothing_left_is_said() -> None:
    with pytest.raises(Conflict, match="Nothing is left"):
        agreed(None, room=0, currency="USD")


def test_less_than_the_least_is_refused() -> None:
    with pytest.raises(Invalid, match=r"At least USD 5\.00 has to be paid at a time"):
        agreed(499, room=1_200, currency="USD", least=500)
    assert agreed(500, room=1_200, currency="USD", least=500) == 500
    with pytest.raises(Invalid, match=r"paid in full: USD 12\.00"):
        agreed(499, room=1_200, currency="USD", least=1_200)
