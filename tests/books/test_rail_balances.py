"""Whether what a rail holds carries what waits to leave it, and what is said if not."""

from hypothesis import given, strategies as st

from reconciler.books.rail_balances import RailBalance

_AMOUNTS = st.integers(-10_000, 10_000)
_TAKEN = st.integers(0, 10_000)


@given(held=_AMOUNTS, waiting=_TAKEN, more=_TAKEN)
def test_it_warns_just_where_all_that_waits_is_more_than_is_held(
    held: int, waiting: int, more: int
) -> None:
    balance = RailBalance(rail="stripe", currency="USD", held=held, waiting=waiting)
    is_enough = waiting + more == 0 or waiting + more <= held
    assert (balance.warning(more) is None) is is_enough
    assert balance.is_short is (balance.warning() is not None)
    assert balance.is_below_zero is (held < 0)


def test_the_words_name_the_rail_and_both_amounts() -> None:
    balance = RailBalance(rail="stripe", currency="USD", held=51_200, waiting=100_000)
    said = balance.warning(52_746)
    assert said
    assert "Stripe holds USD 512.00 for us by our books" in said
    assert "with this one, refunds of USD 1,527.46 wait to leave it" in said
