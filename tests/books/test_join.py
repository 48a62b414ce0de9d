"""The laws of merging what is said: order, grouping and repetition cannot matter."""

import functools

import pytest
from hypothesis import given, strategies as st

from reconciler.books import payments
from reconciler.books.observations import PaymentFacts, RefundStage
from reconciler.books.payments import join
from tests.books.lives import anything, pieces
from tests.builders import charge, facts, intent, named, refund


@given(anything, anything)
def test_joining_is_commutative(one: PaymentFacts, other: PaymentFacts) -> None:
    assert join(one, other) == join(other, one)


@given(anything, anything, anything)
def test_joining_is_associative(a: PaymentFacts, b: PaymentFacts, c: PaymentFacts) -> None:
    assert join(join(a, b), c) == join(a, join(b, c))


@given(anything, anything)
def test_joining_again_changes_nothing(one: PaymentFacts, other: PaymentFacts) -> None:
    both = join(one, other)
    assert join(one, one) == one
    assert join(both, one) == join(both, other) == join(both, both) == both


@given(pieces(), st.randoms(use_true_random=False))
def test_any_order_with_any_repetition_says_the_same(told: list[PaymentFacts], chance) -> None:
    again = told + [chance.choice(told) for _ in range(3)]
    chance.shuffle(again)
    assert functools.reduce(join, again) == functools.reduce(join, told)


@given(anything, anything)
def test_what_is_captured_or_authorized_never_shrinks(
    one: PaymentFacts, other: PaymentFacts
) -> None:
    both = join(one, other)
    assert payments.captured(both) >= max(payments.captured(one), payments.captured(other))
    assert payments.is_final(both) == (payments.is_final(one) or payments.is_final(other))


@given(anything)
def test_a_refund_that_failed_or_was_canceled_stays_so(told: PaymentFacts) -> None:
    dead = facts(currency=None, refunds=refund("re_1", 5, RefundStage.FAILED))
    after = join(told, dead)
    assert after.refunds["re_1"].stage >= RefundStage.FAILED
    assert "re_1" not in {one.id for one in payments.counted_refunds(after)}


def test_two_payments_are_never_joined() -> None:
    with pytest.raises(AssertionError, match="two payments"):
        join(facts("pi_1"), facts("pi_2"))


def test_a_payment_never_changes_its_currency() -> None:
    with pytest.raises(AssertionError, match="changed currency"):
        join(facts(currency="USD"), facts(currency="EUR"))
    assert join(facts(currency=None), facts(currency="EUR")).currency == "EUR"


def test_the_earliest_wording_stands() -> None:
    first, edited = facts(named=named(5, invoice="INV-1")), facts(named=named(9, invoice="INV-2"))
    assert join(first, edited).named == join(edited, first).named == {"invoice": (5, "INV-1")}


def test_the_charge_and_its_umbrella_tell_of_the_same_money() -> None:
    told = facts(charges=charge(captured=700), intent=intent(received=700))
    assert payments.captured(told) == 700
    assert payments.captured(facts(charges=charge(captured=700))) == 700
    assert payments.captured(facts(intent=intent(received=700))) == 700


def test_what_people_noted_and_took_back_never_came_in_whatever_order_it_is_told() -> None:
    noted = facts(charges=charge(captured=700, authorized=700, is_final=True, created=5))
    taken = facts(charges=charge(taken_back_at=9))
    both = join(noted, taken)
    assert both == join(taken, noted) == join(both, noted) == join(both, taken)
    assert (payments.captured(both), payments.authorized(both), payments.on_its_way(both)) == (
        0,
    ) * 3
    assert payments.status(both, refunded=0, disputed=0) is payments.PaymentStatus.CANCELED
    assert join(both, facts(charges=charge(taken_back_at=7))).charges["ch_1"].taken_back_at == 7


def test_a_hold_on_several_cards_is_one_promise() -> None:
    tried = charge("ch_1", authorized=900, is_failed=True) | charge("ch_2", authorized=500)
    assert payments.authorized(facts(charges=tried)) == 500
    assert payments.authorized(facts(charges=tried, intent=intent(authorized=600))) == 600
