"""What a document waits for, where only the payer and the amount speak for a payment."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.books.equal_amounts import Guess, Standing, Waiting, fitting

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
TUESDAY, WEDNESDAY, THURSDAY = (MONDAY + timedelta(days=n) for n in (1, 2, 3))
ONE = Waiting("ONE", base=1_000, since=MONDAY)
TWO = Waiting("TWO", base=1_000, since=MONDAY)
LATE = Waiting("LATE", base=1_000, since=WEDNESDAY)
UNDATED = Waiting("UNDATED", base=1_000)


def guess(payment: str = "pay_1", made_at: datetime = TUESDAY, **more) -> Guess:
    said = {"place": (made_at, payment), "gross": 1_000, "kept": 1_000, "net": 1_000}
    return Guess(payment, made_at, **said | more)


def guessed(*guesses: Guess, of: Waiting = ONE) -> Waiting:
    return replace(of, guesses=guesses, surplus=sum(one.net for one in guesses) - of.base)


def standing(payment: str = "pay_1", target: str = "ONE", made_at: datetime = TUESDAY) -> Standing:
    return Standing(payment, target, made_at)


def test_guesses_do_not_count_so_that_the_second_equal_payment_finds_the_same() -> None:
    assert fitting(1_000, [ONE]) == ["ONE"]
    assert fitting(1_000, [guessed(guess())]) == ["ONE"]
    assert fitting(999, [ONE]) == []


def test_what_people_and_surer_claims_did_counts() -> None:
    lowered = replace(ONE, lowered=((WEDNESDAY, 400),))
    assert fitting(600, [lowered]) == ["ONE"]
    assert fitting(1_000, [lowered]) == []
    assert fitting(600, [replace(ONE, base=600)]) == ["ONE"]


def test_what_people_did_after_a_guess_does_not_undo_it() -> None:
    lowered = replace(guessed(guess()), lowered=((WEDNESDAY, 400),))
    assert fitting(1_000, [lowered], standing=standing()) == ["ONE"]
    assert fitting(1_000, [lowered], standing=standing(made_at=THURSDAY)) == []


def test_a_part_that_was_owed_again_is_waited_for() -> None:
    reopened = guessed(guess(kept=700, net=700))
    assert fitting(300, [reopened]) == ["ONE"]
    assert fitting(1_000, [reopened]) == ["ONE"]
    assert fitting(700, [reopened]) == []


def test_several_that_fit_are_a_question() -> None:
    assert fitting(1_000, [ONE, TWO]) == ["ONE", "TWO"]
    assert fitting(1_000, [ONE, UNDATED]) == ["ONE", "UNDATED"]


def test_what_was_guessed_before_a_document_was_there_is_no_rival_of_it() -> None:
    assert fitting(1_000, [guessed(guess()), LATE]) == ["LATE"]
    assert fitting(1_000, [guessed(guess(made_at=THURSDAY)), LATE]) == ["ONE", "LATE"]


def test_a_document_of_after_the_money_went_back_cannot_be_what_was_paid() -> None:
    went = int(TUESDAY.timestamp())
    assert fitting(1_000, [ONE, LATE], gone_at=went) == ["ONE"]
    assert fitting(1_000, [UNDATED], gone_at=went) == ["UNDATED"]


def test_a_guess_stands_when_another_document_comes() -> None:
    assert fitting(1_000, [guessed(guess()), LATE], standing=standing()) == ["ONE"]


def test_a_guess_falls_when_surer_money_takes_the_document() -> None:
    taken = replace(guessed(guess()), base=0)
    assert fitting(1_000, [taken], standing=standing()) == []


@pytest.mark.parametrize(("payment", "found"), [("pay_1", ["ONE"]), ("pay_2", ["LATE"])])
def test_of_two_too_many_the_later_moves_on(payment: str, found: list[str]) -> None:
    twice = guessed(guess(), guess("pay_2", made_at=WEDNESDAY))
    mine = standing(payment, made_at=TUESDAY if payment == "pay_1" else WEDNESDAY)
    assert fitting(1_000, [twice, LATE], standing=mine) == found


def test_what_cannot_be_spared_stays() -> None:
    """Money of which something went back: whose refund it was must not matter."""
    once_back = guessed(guess(), guess("pay_2", net=500))
    assert fitting(1_000, [once_back, LATE], standing=standing("pay_2")) == ["ONE"]
    assert fitting(1_000, [once_back, LATE], standing=standing("pay_1")) == ["ONE"]


def test_with_two_others_free_nothing_is_chosen() -> None:
    twice = guessed(guess(), guess("pay_2", made_at=WEDNESDAY))
    other = replace(LATE, document_id="OTHER")
    mine = standing("pay_2", made_at=WEDNESDAY)
    assert fitting(1_000, [twice, LATE, other], standing=mine) == ["ONE"]


def test_a_claim_on_what_is_not_open_any_more_fits_nothing() -> None:
    assert fitting(1_000, [LATE], standing=standing("pay_1", "GONE")) == []
