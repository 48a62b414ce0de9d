"""Laws of suspense: all of it moves, what takes that back mirrors it, and only some accounts do."""

import pytest
from hypothesis import given, strategies as st

from reconciler.books import accounts, suspense
from reconciler.books.accounts import Role
from reconciler.books.suspense import TARGETS, Standing
from reconciler.errors import Invalid

AMOUNTS = st.integers(-(10**12), 10**12).filter(bool)


def standing(amount: int, **more) -> Standing:
    return Standing(
        subject="stripe/movement/txn_1", currency="USD", amount=amount, **({"turns": 0} | more)
    )


@given(amount=AMOUNTS, turns=st.integers(0, 9), role=st.sampled_from(TARGETS))
def test_all_of_it_moves_and_its_mirror_takes_that_back(
    amount: int, turns: int, role: Role
) -> None:
    to = suspense.target(role.value, "Card readers")
    there = suspense.entry(standing(amount, turns=turns), to)
    assert {(p.account, p.signed) for p in there.postings} == {
        (to, amount), (accounts.SUSPENSE, -amount),
    }  # fmt: skip
    moved = standing(0, turns=turns + 1, moved_to=to, moved=amount)
    back = suspense.reversal(moved)
    assert back.reverses == there.key != back.key
    assert {(p.account, -p.signed) for p in back.postings} == {
        (p.account, p.signed) for p in there.postings
    }


def test_an_entry_is_about_the_payment_whose_money_it_was() -> None:
    at = Standing(
        subject="stripe/pi_1/unclassified/txn_7", currency="EUR", amount=-5, turns=0,
        payment_id="pay_1",
    )  # fmt: skip
    made = suspense.entry(at, accounts.BANK)
    assert (made.key, made.payment_id) == ("stripe/pi_1/unclassified/txn_7/moved-1", "pay_1")
    assert at.movement == "txn_7"


def test_an_expense_has_a_category_and_nothing_else_has() -> None:
    assert suspense.target("expenses", "Card readers") == accounts.expenses("card_readers")
    assert suspense.target("bank", "Card readers") == accounts.BANK
    with pytest.raises(Invalid, match="a category is") as refused:
        suspense.target("expenses", " ")
    assert refused.value.field == "category"


@pytest.mark.parametrize("role", ["", "clearing", "unapplied_cash", "accounts_receivable", "none"])
def test_what_customers_owe_or_are_owed_is_no_place_for_it(role: str) -> None:
    with pytest.raises(Invalid, match="which account") as refused:
        suspense.target(role)
    assert refused.value.field == "account"
