"""Whether what a rail holds carries what waits to leave it, and what is said if not."""

from hypothesis import given, strategies as st

from reconciler.books.rail_balances import Asked, RailBalance

_AMOUNTS = st.integers(-10_000, 10_000)
_TAKEN = st.integers(0, 10_000)


@given(held=_AMOUNTS, waiting=_TAKEN, more=_TAKEN)
def test_it_warns_just_where_all_that_waits_is_more_than_is_held(
    held: int, waiting: int, more: int
) -> None:
    balance = RailBalance(rail="stripe", currency="USD", held=held, waiting=waiting)
    is_enough = waiting + more == 0 or waiting + more <= held
    assert (balance.warning(more) is None) is is_enough
    assert balance.is_short is (balance.warning() is not None) is (balance.after_sent() is not None)
    assert balance.is_below_zero is (held < 0)


def test_the_words_name_the_rail_and_both_amounts() -> None:
    balance = RailBalance(rail="stripe", currency="USD", held=51_200, waiting=100_000)
    said = balance.warning(52_746)
    assert said
    assert "Stripe holds USD 512.00 for us by our books" in said
    assert "with this one, refunds of USD 1,527.46 wait to leave it" in said


def test_of_what_was_sent_the_words_ask_for_nothing_that_would_pay_it_twice() -> None:
    said = RailBalance(rail="stripe", currency="EUR", held=51_200, waiting=59_000).after_sent()
    assert said
    assert "refunds of EUR 590.00 wait to leave it. This one was sent" in said
    assert "Put money on our balance there, or wait for payments to come in." in said
    assert "Paid another way as well, it would be paid twice." in said


@given(held=_AMOUNTS, waiting=_TAKEN, more=_TAKEN, asked=_TAKEN)
def test_what_waits_for_approval_counts_too(held: int, waiting: int, more: int, asked: int) -> None:
    balance = RailBalance(rail="stripe", currency="USD", held=held, waiting=waiting)
    whole = waiting + more + asked
    is_enough = whole == 0 or whole <= held
    assert (balance.warning(more, asked=Asked(asked, 1)) is None) is is_enough


def test_the_words_say_what_else_waits_for_approval() -> None:
    balance = RailBalance(rail="stripe", currency="USD", held=18_954, waiting=0)
    others = Asked(80_500, 4).without(60_000)
    assert balance.warning(60_000) != (said := balance.warning(60_000, asked=others))
    assert said
    assert (
        "refunds of USD 600.00 wait to leave it, and 3 more that wait for approval come to"
        " USD 205.00: USD 805.00 in all. Until there is enough" in said
    )
    one = balance.warning(3_000, asked=Asked(20_000, 2).without(3_000))
    assert one
    assert "another one that waits for approval comes to USD 170.00: USD 200.00 in all" in one
    assert said.startswith("This one is not covered. Stripe holds USD 189.54")
    assert one.startswith("This one by itself is covered. Stripe holds USD 189.54")
    assert "That is too little for all of them: those approved last wait at Stripe" in one
    assert "pay some back by bank transfer" in one
    assert Asked(5, 1).without(0) == Asked(5, 1), "it was approved, or is not of these"
